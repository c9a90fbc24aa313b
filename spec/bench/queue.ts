import { asyncIterators } from './contenders/asyncIterators.js';
import { eventEmitter } from './contenders/eventEmitter.js';
import { floor } from './contenders/floor.js';
import { nodeStreams } from './contenders/nodeStreams.js';
import { ourReceivers, ours } from './contenders/ours.js';
import { rxConcatMap } from './contenders/rxConcatMap.js';
import { rxIdiomatic } from './contenders/rxIdiomatic.js';
import { tokio, tokioInFloors } from './contenders/tokio.js';
import { fannedRunners } from './support/fannedRunner.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Figure, Group } from './support/figure.js';

const OTHERS = [rxIdiomatic, rxConcatMap, eventEmitter, asyncIterators, nodeStreams];
const OURS = [
  [ourReceivers, 'receivers'],
  [ours, 'a delivery in flight'],
] as const;
const BURSTS = [1, 8];

export const group: Group = {
  name: 'queue',
  title: 'Enqueue and drain',
  about:
    'Per session and broadcast of 1 KB: a burst is broadcast while the sessions are busy, then they drain. By receivers, and by ' +
    'delivery functions whose delivery in flight is completed then; that completion is part of the cost. ' +
    'RxJS with concatMap has no bound.',
  async run(options) {
    const figures: Figure[] = [];
    for (const burst of BURSTS) {
      for (const size of SIZES) {
        const contenders = [ourReceivers, ours, floor, ...OTHERS];
        const runners = fannedRunners(contenders, 'queued', { sessions: size, burst });
        const times = await interleave(runners, roundsFor(size, options));
        for (const [{ name }, what] of OURS) {
          figures.push({
            what: `${what}, bursts of ${burst}`,
            size,
            unit: 'ns',
            ours: times.spread(name),
            control: times.cost(floor.name),
            ratio: times.ratio(name, floor.name),
            target: { of: 'ratio', atMost: 2 },
            others: [...OTHERS.map((other) => times.cost(other.name)), ...tokio('queued', size)],
            ...againstTokio(times.ratio(name, floor.name).median, size),
          });
        }
      }
    }
    return figures;
  },
};

/** In floors, so that a fast machine is no merit. */
function againstTokio(ratio: number, size: number): Pick<Figure, 'note' | 'missed'> {
  const times = tokioInFloors(size) / ratio;
  const aim = size === 1_000 ? 4 : 15;
  const note = `${times.toFixed(1)} times faster than tokio, each measured by the floor beside it; meant to be ${aim}`;
  return { note, missed: times < aim ? note : undefined };
}
