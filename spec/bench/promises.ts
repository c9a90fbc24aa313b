import { asyncIterators } from './contenders/asyncIterators.js';
import { oursAsync, oursForAwait, rxConcatMapAsync } from './contenders/ofPromises.js';
import { fannedRunners } from './support/fannedRunner.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Figure, Group } from './support/figure.js';

const PAIRS = [
  [oursAsync, rxConcatMapAsync, 'an async function', 1],
  [oursForAwait, asyncIterators, 'for await', undefined],
] as const;
const BURSTS = [1, 8];

export const group: Group = {
  name: 'promises',
  title: 'Delivery by promises',
  about:
    'Per session and broadcast of 1 KB: a burst is broadcast, then every session takes it in the microtasks that follow. By a ' +
    'delivery function that is async, beside concatMap with the same function, and by `for await` over receivers, beside a bare ' +
    'queue with a promise per session that does nothing else.',
  async run(options) {
    const figures: Figure[] = [];
    for (const burst of BURSTS) {
      for (const size of SIZES) {
        const contenders = PAIRS.flatMap(([ours, control]) => [ours, control]);
        const runners = fannedRunners(contenders, 'queued', { sessions: size, burst });
        const times = await interleave(runners, roundsFor(size, options));
        for (const [ours, control, what, atMost] of PAIRS) {
          figures.push({
            what: `${what}, bursts of ${burst}`,
            size,
            unit: 'ns',
            ours: times.spread(ours.name),
            control: times.cost(control.name),
            ratio: times.ratio(ours.name, control.name),
            target: atMost === undefined ? undefined : { of: 'ratio', atMost },
          });
        }
      }
    }
    return figures;
  },
};
