import {
  defer,
  finalize,
  from,
  interval,
  merge,
  mergeMap,
  type Observable,
  retry,
  switchMap,
  throwError,
  timer,
} from 'rxjs';
import type { DefinitionSyncMsg } from '../definition.js';
import { boundedBuffer } from '../operators/boundedBuffer.js';
import { CaptureReader, type ReadBatch } from './captureReader.js';
import { checkClient, connection, wakeUps } from './connection.js';
import { DeliveryFailed } from './deliver.js';
import type { PostgresLike } from './postgresLike.js';
import { type CheckedReaderOptions, checkReaderOptions, type PostgresDefinitionsOptions } from './readerOptions.js';
import { isPassing, meaningOf } from './sqlState.js';

/**
 * The definitions of a database with a capture: those that exist, then every change as it commits.
 *
 *     database  -f-g--x(lost)--h----      f, g, h commit
 *     result    (ab)f-g----------h--      a, b existed; what commits while the connection is lost comes after it
 *
 * - Cold: each subscription takes a connection and reads for itself. Never completes.
 * - `position` is the number of the change. Live messages come in its order, without holes. The snapshot has functions
 *   and procedures before triggers, each with the number of its last change.
 * - A reader that comes back under its name is first told the deletes it has missed, then the snapshot. With
 *   `snapshot: false` it gets what it missed, change by change.
 * - Each message once per subscription. A reader that died before its position was noted gets the last batch again.
 * - A lost connection is made again, for ever, and a standby waited for that is not promoted yet. When the database has
 *   another history then (a standby was promoted, the capture was installed anew, a copy has its name), what exists is told
 *   again and what this subscription told and is gone is deleted.
 * - Two subscriptions may read under one name, each for itself. Where one has pruned what the other has yet to read, that is
 *   told the outcome: deletes of what is gone, as far as it told of it or the log has them, and the last state of what changed.
 * @throws {FanoutError} BAD_OPTION at call time
 * @returns errors with `CaptureError` NOT_INSTALLED, PRIVILEGE, VERSION, READ_ONLY or CLOSED, or with the server's own
 *   error where trying again is no use
 */
export function postgresDefinitions(
  client: PostgresLike,
  options: PostgresDefinitionsOptions = {},
): Observable<DefinitionSyncMsg> {
  checkClient(client);
  const checked = checkReaderOptions(options);
  const { reader, reconnect, logger, scheduler, onCaughtUp } = checked;

  return defer(() => {
    const reading = new CaptureReader(checked);
    return batches(client, reading, checked).pipe(
      retry({
        resetOnSuccess: true,
        delay: (error: unknown, attempt) => {
          if (error instanceof DeliveryFailed) return throwError(() => error.cause);
          if (!isPassing(error)) return throwError(() => meaningOf(error, 'reading the capture'));
          const longest = Math.min(reconnect.maxDelay, reconnect.initialDelay * 2 ** (attempt - 1));
          const wait = Math.ceil(longest * (0.5 + Math.random() / 2));
          logger.warn('no connection to PostgreSQL', { reader, attempt, wait, error });
          return timer(wait, scheduler);
        },
      }),
      mergeMap((batch) => {
        reading.accept(batch);
        if (batch.caughtUp) onCaughtUp?.(batch.position);
        return batch.messages;
      }),
    );
  });
}

/** The reads over one connection: one at once, one more after each notification or interval, one at a time. */
function batches(
  client: PostgresLike,
  reading: CaptureReader,
  { pollInterval, scheduler }: CheckedReaderOptions,
): Observable<ReadBatch> {
  return connection(client).pipe(
    switchMap((made) =>
      from(reading.state(made)).pipe(
        switchMap(({ channel }) => merge(wakeUps(made, channel), interval(pollInterval, scheduler))),
        // A wake-up during a read is remembered, for the read may have looked too early; a second one adds nothing.
        // Whatever ends a read, a lost connection above all: what it has not delivered is for the next one.
        boundedBuffer(() => from(reading.read(made)).pipe(finalize(() => reading.stop())), { capacity: 1 }),
      ),
    ),
  );
}
