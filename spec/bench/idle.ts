import { DefinitionSyncFanout } from 'ddl-fanout';
import { BareRegistry } from './contenders/bareObservable.js';
import { eachOf } from './contenders/contender.js';
import { eventEmitter } from './contenders/eventEmitter.js';
import { nodeStreams } from './contenders/nodeStreams.js';
import { rxConcatMap } from './contenders/rxConcatMap.js';
import { rxIdiomatic } from './contenders/rxIdiomatic.js';
import { tokio } from './contenders/tokio.js';
import { ratioOf, SIZES, spreadOf } from './support/figure.js';
import { heapUsed } from './support/heap.js';
import type { Cost, Figure, Group } from './support/figure.js';

/** Makes sessions and returns whatever must be kept for them to stay. */
type Make = (sessions: number) => unknown;

const LARGEST = Math.max(...SIZES);

/** A delivery function that belongs to one session. */
function handed(session: number) {
  return (frame: object): void => {
    if (Object.is(frame, session)) throw new Error('never');
  };
}

const register: Make = (sessions) => {
  const fanout = new DefinitionSyncFanout();
  return [fanout, eachOf(sessions, (i) => fanout.register(`session-${i}`, handed(i)).subscribe())];
};
const observed: Make = (sessions) => {
  const fanout = new DefinitionSyncFanout();
  const subscribe = (i: number) => fanout.register(`session-${i}`, handed(i)).subscribe({ error: handed(i) });
  return [fanout, eachOf(sessions, subscribe)];
};
const receivers: Make = (sessions) => {
  const fanout = new DefinitionSyncFanout();
  return [fanout, eachOf(sessions, (i) => fanout.receiver(`session-${i}`))];
};
const bare: Make = (sessions) => {
  const registry = new BareRegistry();
  return [registry, eachOf(sessions, (i) => registry.register(`session-${i}`, handed(i)))];
};
const CONTROL = 'bare Observable, Set and Map';
const OTHERS: readonly (readonly [string, Make | undefined])[] = [
  [rxIdiomatic.name, rxIdiomatic.queued],
  [rxConcatMap.name, rxConcatMap.queued],
  [eventEmitter.name, eventEmitter.queued],
  [nodeStreams.name, nodeStreams.queued],
];

export const group: Group = {
  name: 'idle',
  title: 'Memory of an idle session',
  about:
    'Heap bytes per session that is registered and kept, with its id, its delivery function and its subscription: the growth ' +
    `of the heap between two full collections, by as many fan-outs of that size as make ${LARGEST.toLocaleString('en')} sessions.`,
  run(options) {
    const builds = Math.max(3, Math.round(3 * options.effort));
    return Promise.resolve(
      SIZES.flatMap((size): Figure[] => {
        const control = bytesPer(bare, size, builds);
        const others = OTHERS.flatMap(([name, make]): Cost[] =>
          make === undefined ? [] : [{ name, cost: spreadOf(bytesPer(make, size, builds)) }],
        );
        return (
          [
            ['register', register, 600],
            ['register, with an error handler', observed, 600],
            ['receiver', receivers, undefined],
          ] as const
        ).map(([what, make, atMost]) => {
          const ours = bytesPer(make, size, builds);
          return {
            what,
            size,
            unit: 'bytes',
            ours: spreadOf(ours),
            control: { name: CONTROL, cost: spreadOf(control) },
            ratio: ratioOf(ours, control),
            target: atMost && ({ of: 'cost', atMost } as const),
            others: [...others, ...tokio('idle', size)],
          };
        });
      }),
    );
  },
};

function bytesPer(make: Make, sessions: number, builds: number): number[] {
  return eachOf(builds, () => {
    const before = heapUsed();
    const kept = eachOf(LARGEST / sessions, () => make(sessions));
    const bytes = (heapUsed() - before) / LARGEST;
    // Said after the measuring, so that nothing is let go before it.
    if (kept.length === 0) throw new Error('nothing was made');
    return bytes;
  });
}
