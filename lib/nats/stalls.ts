import { EMPTY, type Observable, catchError, defer, exhaustMap, filter, interval, map, pairwise } from 'rxjs';
import type { Bucket } from './bucket.js';
import type { Cursor } from './cursor.js';

/**
 * Emits when what the stream held at one look is not told at the next, nor anything before it. After a partition of its
 * cluster a server may have a copy that no longer grows: a consumer there is alive, and tells nothing.
 *
 * A look without an answer is none: so a connection that is busy with messages is left alone.
 */
export function stalls(bucket: Bucket, cursor: Cursor): Observable<unknown> {
  const look$ = defer(() => bucket.jsm.streams.info(bucket.stream)).pipe(
    map(({ state }) => ({ told: cursor.last, stored: state.last_seq })),
    catchError(() => EMPTY),
  );
  return interval(Math.max(1_000, Math.min(bucket.timeout, 10_000))).pipe(
    exhaustMap(() => look$),
    pairwise(),
    filter(([before, now]) => now.told === before.told && before.stored > before.told),
  );
}
