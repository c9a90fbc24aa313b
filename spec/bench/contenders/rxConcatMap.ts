import { encodeDefinitionSync } from 'ddl-fanout';
import { concatMap, EMPTY, map, Observable, share, Subject } from 'rxjs';
import { eachOf, Tally } from './contender.js';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { Subscriber } from 'rxjs';
import type { Contender } from './contender.js';

/** RxJS with its own queue: concatMap per session. It has no bound, so it cannot drop. */
export const rxConcatMap: Contender = {
  name: 'RxJS with concatMap',
  live: (sessions) => sessionsOf(sessions),
  queued: (sessions) => sessionsOf(sessions),
};

function sessionsOf(sessions: number) {
  const tally = new Tally();
  const source = new Subject<DefinitionSyncMsg>();
  const frames$ = source.pipe(map(encodeDefinitionSync), share());
  const inFlight: Subscriber<never>[] = [];
  let open = true;
  const delivery = new Observable<never>((subscriber) => {
    inFlight.push(subscriber);
  });
  const subscriptions = eachOf(sessions, () =>
    frames$
      .pipe(
        concatMap(() => {
          if (!open) return delivery;
          tally.frames++;
          return EMPTY;
        }),
      )
      .subscribe(),
  );
  return {
    tally,
    broadcast: (msg: DefinitionSyncMsg) => source.next(msg),
    occupy() {
      open = false;
      source.next({ definitionType: 'function', name: 'first', action: 'delete', payload: new Uint8Array() });
    },
    drain() {
      open = true;
      for (const subscriber of inFlight.splice(0)) subscriber.complete();
    },
    close: () => void subscriptions.splice(0),
  };
}
