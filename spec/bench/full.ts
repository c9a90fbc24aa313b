import { asyncIterators } from './contenders/asyncIterators.js';
import { eventEmitter } from './contenders/eventEmitter.js';
import { floor } from './contenders/floor.js';
import { nodeStreams } from './contenders/nodeStreams.js';
import { ours } from './contenders/ours.js';
import { rxIdiomatic } from './contenders/rxIdiomatic.js';
import { tokio } from './contenders/tokio.js';
import { fannedRunners } from './support/fannedRunner.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Group } from './support/figure.js';

const OTHERS = [rxIdiomatic, eventEmitter, asyncIterators, nodeStreams];

export const group: Group = {
  name: 'full',
  title: 'Full buffers, dropping',
  about:
    'Per session and broadcast of 1 KB, when every session has a delivery in flight and no place left: the frame is counted and dropped.',
  async run(options) {
    const figures = [];
    for (const size of SIZES) {
      const runners = fannedRunners([ours, floor, ...OTHERS], 'full', { sessions: size });
      const times = await interleave(runners, roundsFor(size, options));
      figures.push({
        what: 'dropping',
        size,
        unit: 'ns',
        ours: times.spread(ours.name),
        control: times.cost(floor.name),
        ratio: times.ratio(ours.name, floor.name),
        target: { of: 'ratio', atMost: 1.5 } as const,
        others: [...OTHERS.map(({ name }) => times.cost(name)), ...tokio('full', size)],
      });
    }
    return figures;
  },
};
