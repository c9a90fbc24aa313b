import { encodeDefinitionSync } from 'ddl-fanout';
import { Subject } from 'rxjs';
import { eachOf, Tally } from './contender.js';
import type { Contender } from './contender.js';

/** RxJS's Subject with plain observers: no name, no queue, and an observer that throws is rethrown from a timer. */
export const rxSubject: Contender = {
  name: 'Subject.next',
  live(sessions) {
    const tally = new Tally();
    const subject = new Subject<Uint8Array>();
    const subscriptions = eachOf(sessions, () =>
      subject.subscribe(() => {
        tally.frames++;
      }),
    );
    return {
      tally,
      broadcast: (msg) => subject.next(encodeDefinitionSync(msg)),
      close: () => subscriptions.splice(0),
    };
  },
};
