import { eventEmitter } from './contenders/eventEmitter.js';
import { floor } from './contenders/floor.js';
import { nodeStreams } from './contenders/nodeStreams.js';
import { ours } from './contenders/ours.js';
import { rxConcatMap } from './contenders/rxConcatMap.js';
import { rxIdiomatic } from './contenders/rxIdiomatic.js';
import { rxSubject } from './contenders/rxSubject.js';
import { fannedRunners } from './support/fannedRunner.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Group } from './support/figure.js';

const CONTENDERS = [ours, rxSubject, rxIdiomatic, floor, eventEmitter, rxConcatMap, nodeStreams];

export const group: Group = {
  name: 'broadcast',
  title: 'Broadcast, synchronous delivery',
  about:
    'Per session and broadcast of 1 KB: encoding, the way to every session, and a delivery function that is done at once.',
  async run(options) {
    const figures = [];
    for (const size of SIZES) {
      const times = await interleave(fannedRunners(CONTENDERS, 'live', { sessions: size }), roundsFor(size, options));
      figures.push({
        what: 'synchronous delivery',
        size,
        unit: 'ns',
        ours: times.spread(ours.name),
        control: times.cost(rxSubject.name),
        ratio: times.ratio(ours.name, rxSubject.name),
        target: { of: 'ratio', atMost: 0.5 } as const,
        others: CONTENDERS.slice(2).map(({ name }) => times.cost(name)),
      });
    }
    return figures;
  },
};
