import { eventEmitter } from './contenders/eventEmitter.js';
import { floor } from './contenders/floor.js';
import { nodeStreams } from './contenders/nodeStreams.js';
import { ours, oursWithDeletes } from './contenders/ours.js';
import { rxConcatMap } from './contenders/rxConcatMap.js';
import { rxIdiomatic } from './contenders/rxIdiomatic.js';
import { rxSubject } from './contenders/rxSubject.js';
import { fannedRunners } from './support/fannedRunner.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Figure, Group } from './support/figure.js';

const OURS = [
  [ours, 'synchronous delivery'],
  [oursWithDeletes, 'puts and deletes, with a catalog'],
] as const;
const OTHERS = [rxSubject, rxIdiomatic, floor, eventEmitter, rxConcatMap, nodeStreams];

export const group: Group = {
  name: 'broadcast',
  title: 'Broadcast, synchronous delivery',
  about:
    'Per session and broadcast of 1 KB: encoding, the way to every session, and a delivery function that is done at once.',
  async run(options) {
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const contenders = [...OURS.map(([contender]) => contender), ...OTHERS];
      const times = await interleave(fannedRunners(contenders, 'live', { sessions: size }), roundsFor(size, options));
      for (const [{ name }, what] of OURS) {
        figures.push({
          what,
          size,
          unit: 'ns',
          ours: times.spread(name),
          control: times.cost(rxSubject.name),
          ratio: times.ratio(name, rxSubject.name),
          target: { of: 'ratio', atMost: 0.5 },
          others: OTHERS.slice(1).map((other) => times.cost(other.name)),
        });
      }
    }
    return figures;
  },
};
