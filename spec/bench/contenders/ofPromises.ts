import { DefinitionSyncFanout, encodeDefinitionSync } from 'ddl-fanout';
import { concatMap, map, share, Subject } from 'rxjs';
import { eachOf, Tally } from './contender.js';
import type { DefinitionReceiver, DefinitionSyncMsg } from 'ddl-fanout';
import type { Contender, Fanned } from './contender.js';

/** Promises that are settled already have all run by then. */
const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `register`, with an async function. */
export const oursAsync: Contender = {
  name: 'ddl-fanout',
  queued(sessions) {
    const fanout = new DefinitionSyncFanout();
    const tally = new Tally();
    for (let i = 0; i < sessions; i++) fanout.register(`session-${i}`, sender(tally)).subscribe();
    return { tally, broadcast: (msg) => fanout.broadcast(msg), drain, close: () => fanout.complete() };
  },
};

/** A receiver per session, and `for await` over it. */
export const oursForAwait: Contender = {
  name: 'ddl-fanout receivers',
  queued(sessions): Fanned {
    const fanout = new DefinitionSyncFanout();
    const tally = new Tally();
    for (let i = 0; i < sessions; i++) void consume(fanout.receiver(`session-${i}`), tally);
    return { tally, broadcast: (msg) => fanout.broadcast(msg), drain, close: () => fanout.complete() };
  },
};

/** concatMap per session, with an async function: it has no bound, so it cannot drop. */
export const rxConcatMapAsync: Contender = {
  name: 'RxJS with concatMap',
  queued(sessions) {
    const tally = new Tally();
    const source = new Subject<DefinitionSyncMsg>();
    const frames$ = source.pipe(
      map((msg) => ({ bytes: encodeDefinitionSync(msg) })),
      share(),
    );
    const subscriptions = eachOf(sessions, () => {
      const send = sender(tally);
      return frames$.pipe(concatMap((frame) => send(frame))).subscribe();
    });
    return { tally, broadcast: (msg) => source.next(msg), drain, close: () => void subscriptions.splice(0) };
  },
};

/** What awaits nothing: the promise itself is what is timed. */
function sender(tally: Tally) {
  // eslint-disable-next-line @typescript-eslint/require-await -- see above
  return async ({ bytes }: { readonly bytes: Uint8Array }): Promise<void> => {
    if (bytes.length > 0) tally.frames++;
  };
}

async function consume(receiver: DefinitionReceiver, tally: Tally): Promise<void> {
  for await (const { bytes } of receiver) if (bytes.length > 0) tally.frames++;
}
