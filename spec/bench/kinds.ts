import { DefinitionSyncFanout, encodeDefinitionSync } from 'ddl-fanout';
import { Subject } from 'rxjs';
import { eachOf, Tally } from './contenders/contender.js';
import { fannedRunners } from './support/fannedRunner.js';
import { SIZES } from './support/figure.js';
import { interleave } from './support/interleave.js';
import { roundsFor } from './support/rounds.js';
import type { Contender } from './contenders/contender.js';
import type { Figure, Group } from './support/figure.js';

/** Six functions that do the same and are not the same code. */
const KINDS: readonly ((tally: Tally) => () => void)[] = [
  (tally) => () => {
    tally.frames += 1;
  },
  (tally) => () => {
    tally.frames = tally.frames + 1;
  },
  (tally) => () => {
    tally.frames = 1 + tally.frames;
  },
  (tally) => () => {
    tally.frames++;
  },
  (tally) => () => {
    ++tally.frames;
  },
  (tally) => () => {
    tally.frames -= -1;
  },
];

const ours: Contender = {
  name: 'ddl-fanout',
  live(sessions) {
    const fanout = new DefinitionSyncFanout();
    const tally = new Tally();
    countersOf(tally, sessions).forEach((deliver, i) => fanout.register(`session-${i}`, deliver).subscribe());
    return { tally, broadcast: (msg) => fanout.broadcast(msg), close: () => fanout.complete() };
  },
};

const rxSubject: Contender = {
  name: 'Subject.next',
  live(sessions) {
    const subject = new Subject<Uint8Array>();
    const tally = new Tally();
    const subscriptions = countersOf(tally, sessions).map((next) => subject.subscribe(next));
    return {
      tally,
      broadcast: (msg) => subject.next(encodeDefinitionSync(msg)),
      close: () => subscriptions.splice(0),
    };
  },
};

function countersOf(tally: Tally, sessions: number): (() => void)[] {
  return eachOf(Math.ceil(sessions / KINDS.length), () => KINDS.map((kind) => kind(tally)))
    .flat()
    .slice(0, sessions);
}

/** Runs after the groups that measure the calls of one function: what V8 knows of a call it does not forget. */
export const group: Group = {
  name: 'kinds',
  title: 'Broadcast, many delivery functions',
  about:
    'Per session and broadcast of 1 KB, as the first group, but the sessions have delivery functions of six kinds, and Subject ' +
    'observers of as many: V8 can put none of them in place of the call, as it does where there is one.',
  plotted: false,
  async run(options) {
    const figures: Figure[] = [];
    for (const size of SIZES) {
      const runners = fannedRunners([ours, rxSubject], 'live', { sessions: size });
      const times = await interleave(runners, roundsFor(size, options));
      figures.push({
        what: 'six kinds',
        size,
        unit: 'ns',
        ours: times.spread(ours.name),
        control: times.cost(rxSubject.name),
        ratio: times.ratio(ours.name, rxSubject.name),
        target: { of: 'ratio', atMost: 0.5 },
      });
    }
    return figures;
  },
};
