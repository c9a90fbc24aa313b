import {
  defer,
  finalize,
  from,
  interval,
  merge,
  mergeMap,
  type Observable,
  retry,
  type SchedulerLike,
  switchMap,
  throwError,
  timer,
} from 'rxjs';
import type { DefinitionScope, DefinitionSyncMsg } from '../definition.js';
import { type Logger, safeLogger } from '../log.js';
import { boundedBuffer } from '../operators/boundedBuffer.js';
import { badOption, functionOption, wholeNumber } from '../options.js';
import { captureNames, type CaptureNames } from './captureNames.js';
import { CaptureReader, type Deliver, DeliveryFailed, type ReadBatch } from './captureReader.js';
import { captureState } from './captureState.js';
import { connection, wakeUps } from './connection.js';
import type { CaptureOptions } from './installCapture.js';
import type { PostgresLike } from './postgresLike.js';
import { isPassing, meaningOf } from './sqlState.js';

export interface PostgresDefinitionsOptions extends CaptureOptions {
  /** Tell what exists first; default true. False: go on where the reader of this name left off, a new one from now. */
  readonly snapshot?: boolean | undefined;
  /** Put on every message; default none. */
  readonly scope?: DefinitionScope | undefined;
  /** Whose position this is; default `default`. Two that read at the same time must have two names. */
  readonly reader?: string | undefined;
  /**
   * Called with each message before it is emitted, one at a time; returns nothing (delivered) or an ObservableInput
   * (delivered when that completes). A position is noted only behind deliveries, so whoever reads on under this name, in this
   * process or another, is told again what was not delivered; after a lost connection some may be delivered twice. It
   * throws, or its result errors: so does this, and nothing is noted. Default: a message is delivered by being emitted.
   */
  readonly deliver?: Deliver | undefined;
  /** How often to look without having been woken, in milliseconds, at least 1; default 1,000. */
  readonly pollInterval?: number | undefined;
  /** How long to wait before connecting again, in milliseconds, doubling and jittered; defaults 100 and 10,000. */
  readonly reconnect?:
    { readonly initialDelay?: number | undefined; readonly maxDelay?: number | undefined } | undefined;
  /** Told (warn) when a connection is lost; default: tslog at `warn` and above. */
  readonly logger?: Logger | undefined;
  /** Times polling and reconnecting; default: RxJS's `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

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
 * - A lost connection is made again, for ever. When the database has another history then (a standby was promoted, the
 *   capture was installed anew), or when another reader of the same name has pruned the log, what exists is told again and what
 *   this subscription told and is gone is deleted.
 * @throws {FanoutError} BAD_OPTION at call time
 * @returns errors with `CaptureError` NOT_INSTALLED, PRIVILEGE, VERSION, READ_ONLY or CLOSED, or with the server's own
 *   error where trying again is no use
 */
export function postgresDefinitions(
  client: PostgresLike,
  options: PostgresDefinitionsOptions = {},
): Observable<DefinitionSyncMsg> {
  const { snapshot = true, scope, reader = 'default', pollInterval = 1_000, reconnect = {}, scheduler } = options;
  const { deliver } = options;
  const names = captureNames(options.schema);
  const { initialDelay = 100, maxDelay = 10_000 } = reconnect;
  if (typeof reader !== 'string' || reader === '') throw badOption('reader', 'a name of one character or more', reader);
  wholeNumber('pollInterval', pollInterval, 1);
  wholeNumber('reconnect.initialDelay', initialDelay);
  wholeNumber('reconnect.maxDelay', maxDelay);
  if (deliver !== undefined) functionOption('deliver', deliver);
  const log = safeLogger(options.logger);

  return defer(() => {
    const reading = new CaptureReader({ names, reader, snapshot, scope, deliver });
    return batches(client, names, reading, pollInterval, scheduler).pipe(
      retry({
        resetOnSuccess: true,
        delay: (error: unknown, attempt) => {
          if (error instanceof DeliveryFailed) return throwError(() => error.cause);
          if (!isPassing(error)) return throwError(() => meaningOf(error, 'reading the capture'));
          const wait = Math.min(maxDelay, initialDelay * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
          log.warn('lost the connection to PostgreSQL', { reader, attempt, wait, error });
          return timer(wait, scheduler);
        },
      }),
      mergeMap((batch) => {
        reading.accept(batch);
        return batch.messages;
      }),
      finalize(() => reading.stop()),
    );
  });
}

/** The reads over one connection: one at once, one more after each notification or interval, one at a time. */
function batches(
  client: PostgresLike,
  names: CaptureNames,
  reading: CaptureReader,
  pollInterval: number,
  scheduler: SchedulerLike | undefined,
): Observable<ReadBatch> {
  return connection(client).pipe(
    switchMap((made) =>
      from(captureState(made, names)).pipe(
        switchMap(({ channel }) => merge(wakeUps(made, channel), interval(pollInterval, scheduler))),
        // A wake-up during a read is remembered, for the read may have looked too early; a second one adds nothing.
        boundedBuffer(() => reading.read(made), { capacity: 1 }),
      ),
    ),
  );
}
