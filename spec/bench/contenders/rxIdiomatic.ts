import { encodeDefinitionSync } from 'ddl-fanout';
import { map, share, Subject } from 'rxjs';
import { CAPACITY, eachOf, Tally } from './contender.js';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { Contender, Fanned } from './contender.js';

/** What an RxJS user writes: a Subject, map, share, and an array per session that drops when it is full. */
export const rxIdiomatic: Contender = {
  name: 'idiomatic RxJS',
  live(sessions) {
    const tally = new Tally();
    const source = new Subject<DefinitionSyncMsg>();
    const frames$ = source.pipe(map(encodeDefinitionSync), share());
    const subscriptions = eachOf(sessions, () =>
      frames$.subscribe(() => {
        tally.frames++;
      }),
    );
    return { tally, broadcast: (msg) => source.next(msg), close: () => subscriptions.splice(0) };
  },
  queued: (sessions) => queues(sessions, CAPACITY),
  full: (sessions) => queues(sessions, 0),
};

function queues(sessions: number, capacity: number): Fanned {
  const tally = new Tally();
  const source = new Subject<DefinitionSyncMsg>();
  const frames$ = source.pipe(map(encodeDefinitionSync), share());
  const all = eachOf(sessions, () => {
    const queue: Uint8Array[] = [];
    frames$.subscribe((bytes) => {
      if (queue.length < capacity) queue.push(bytes);
      else tally.dropped++;
    });
    return queue;
  });
  return {
    tally,
    broadcast: (msg) => source.next(msg),
    drain() {
      for (const queue of all) {
        while (queue.shift() !== undefined) tally.frames++;
      }
    },
  };
}
