import { oursOfKinds, rxSubjectOfKinds } from './contenders/ofKinds.js';
import { fannedRunners } from './support/fannedRunner.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Figure, Group } from './support/figure.js';

/** Runs after the groups that measure the calls of one function: what V8 knows of a call it does not forget. */
export const group: Group = {
  name: 'kinds',
  title: 'Broadcast, many delivery functions',
  about:
    'Per session and broadcast of 1 KB, as the first group, but the sessions have delivery functions of six kinds, and Subject ' +
    'observers of as many: V8 can put none of them in place of the call, as it does where there is one.',
  async run(options) {
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const runners = fannedRunners([oursOfKinds, rxSubjectOfKinds], 'live', { sessions: size });
      const times = await interleave(runners, roundsFor(size, options));
      figures.push({
        what: 'six kinds',
        size,
        unit: 'ns',
        ours: times.spread(oursOfKinds.name),
        control: times.cost(rxSubjectOfKinds.name),
        ratio: times.ratio(oursOfKinds.name, rxSubjectOfKinds.name),
        target: { of: 'ratio', atMost: 0.5 },
      });
    }
    return figures;
  },
};
