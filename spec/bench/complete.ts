import { DefinitionSyncFanout } from 'ddl-fanout';
import { Subject } from 'rxjs';
import { eachOf } from './contenders/contender.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Figure, Group } from './support/figure.js';
import type { Runner } from './support/interleave.js';

interface Completable {
  complete(): void;
}

const [SMALLEST, , LARGEST] = SIZES;
const SUBJECT = 'Subject.complete';
/** Above it, letting its observers go takes Subject many seconds. */
const LARGEST_SUBJECT = 10_000;

export const group: Group = {
  name: 'complete',
  title: 'complete()',
  about:
    `Per session of so many idle ones. The control is ours with ${SMALLEST.toLocaleString('en')} sessions, since what counts is ` +
    'that the cost is linear.',
  async run(options) {
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const control = `ddl-fanout with ${SMALLEST.toLocaleString('en')}`;
      const runners = [
        completing('ddl-fanout', size, ours),
        completing(control, SMALLEST, ours, size / SMALLEST),
        ...(size > LARGEST_SUBJECT ? [] : [completing(SUBJECT, size, rxSubject)]),
      ];
      const times = await interleave(runners, { ...roundsFor(size, options), warmUp: 3 });
      figures.push({
        what: 'complete',
        size,
        unit: 'ns',
        ours: times.spread('ddl-fanout'),
        control: { ...times.cost(control), own: true },
        ratio: times.ratio('ddl-fanout', control),
        target: size === LARGEST ? { of: 'ratio', atMost: 1 } : undefined,
        others: size > LARGEST_SUBJECT ? [] : [times.cost(SUBJECT)],
      });
    }
    return figures;
  },
};

function completing(name: string, size: number, make: (size: number) => Completable, places = 1): Runner {
  let all: Completable[] = [];
  return {
    name,
    prepare() {
      all = eachOf(places, () => make(size));
    },
    run() {
      for (const each of all) each.complete();
      return size * places;
    },
  };
}

function ours(size: number): Completable {
  const fanout = new DefinitionSyncFanout();
  for (let i = 0; i < size; i++) fanout.register(`session-${i}`, () => undefined).subscribe();
  return fanout;
}

function rxSubject(size: number): Completable {
  const subject = new Subject();
  for (let i = 0; i < size; i++) subject.subscribe(() => undefined);
  return subject;
}
