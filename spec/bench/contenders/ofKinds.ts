import { DefinitionSyncFanout, encodeDefinitionSync } from 'ddl-fanout';
import { Subject } from 'rxjs';
import { eachOf, Tally } from './contender.js';
import type { Contender } from './contender.js';

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

/** As `ours`, with delivery functions of six kinds. */
export const oursOfKinds: Contender = {
  name: 'ddl-fanout',
  live(sessions) {
    const fanout = new DefinitionSyncFanout();
    const tally = new Tally();
    countersOf(tally, sessions).forEach((deliver, i) => fanout.register(`session-${i}`, deliver).subscribe());
    return { tally, broadcast: (msg) => fanout.broadcast(msg), close: () => fanout.complete() };
  },
};

/** As `rxSubject`, with observers of six kinds. */
export const rxSubjectOfKinds: Contender = {
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
