import { type ConsumerMessages, DeliverPolicy, type JsMsg, type OrderedConsumerOptions } from '@nats-io/jetstream';
import {
  EMPTY,
  Observable,
  catchError,
  defer,
  filter,
  from,
  merge,
  mergeMap,
  repeat,
  retry,
  throwError,
  timer,
} from 'rxjs';
import type { Bucket } from './bucket.js';
import { CaughtUpFailed, Cursor } from './cursor.js';
import { definitionsError, hasCode } from './errors.js';
import { Patience } from './patience.js';
import { stalls } from './stalls.js';

export interface FollowOptions {
  /** Revision to start after; 0: all that the bucket keeps. Default: the last message of each key, then what follows. */
  readonly after?: number | undefined;
  /** Revision that the bucket is known to have reached, as by an acknowledgement; default: what was told last. */
  readonly reached?: (() => number) | undefined;
  /** Leaves the values away. */
  readonly headersOnly?: boolean | undefined;
  /** Called once, when all that the bucket held at the subscription has been told; a throw errors the stream. */
  readonly onCaughtUp?: ((revision: number) => void) | undefined;
}

/**
 * Every message that the bucket's stream holds and gets, in order, each once, across lost connections and servers.
 *
 * - The client's ordered consumer repairs gaps by itself; when its server is gone, this makes a new one after the last
 *   message that was told; also when it tells nothing of what the stream has. At most 256 messages are asked for at a time.
 * - Waits for as long as nobody answers.
 * - Completes when the connection's owner closes it.
 *
 * Errors with CLOSED (the client gave up) and NOT_PERMITTED at once, with any other code when it has lasted for the
 * bucket's `timeout`: a server that has just started may not know its streams yet.
 */
export function followStream(bucket: Bucket, options: FollowOptions): Observable<JsMsg> {
  return defer(() => {
    const { after, onCaughtUp, reached = () => after ?? 0 } = options;
    const cursor = new Cursor(bucket, after, onCaughtUp, reached);
    const patience = new Patience(bucket.timeout);
    return oneConsumer(bucket, cursor, patience, options.headersOnly === true).pipe(
      repeat({ delay: 50 }),
      retry({ delay: (error) => timer(patience.waitAfter(error)) }),
      catchError((error: unknown) => {
        if (error instanceof CaughtUpFailed) return throwError(() => error.thrown);
        if (!hasCode(error, 'CLOSED')) return throwError(() => error);
        return from(bucket.connection.closed()).pipe(
          mergeMap((why) => (why === undefined && !bucket.status.gaveUp ? EMPTY : throwError(() => error))),
        );
      }),
    );
  });
}

const broken = new Set([
  'heartbeats_missed',
  'consumer_not_found',
  'consumer_deleted',
  'stream_not_found',
  'no_responders',
]);

/** Of each key the last message to begin with; later what follows, and the last one told again, if it is still there: see Cursor.take. */
function startOf({ last, isFresh }: Cursor, { prefix }: Bucket): Partial<OrderedConsumerOptions> {
  if (isFresh) return { deliver_policy: DeliverPolicy.LastPerSubject, filter_subjects: `${prefix}>` };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, last) };
}

/** One consumer's messages; completes when another is needed. */
function oneConsumer(bucket: Bucket, cursor: Cursor, patience: Patience, headersOnly: boolean): Observable<JsMsg> {
  return new Observable((subscriber) => {
    const fail = (error: unknown): void => {
      subscriber.error(definitionsError(error, `following bucket ${bucket.name}`));
    };
    const take = (msg: JsMsg): void => {
      if (subscriber.closed) return;
      try {
        cursor.take(msg, (fresh) => {
          subscriber.next(fresh);
        });
      } catch (error) {
        fail(error);
      }
    };
    const consume = async (): Promise<void> => {
      const consumer = await bucket.js.consumers.get(bucket.stream, {
        ...startOf(cursor, bucket),
        headers_only: headersOnly,
        inactive_threshold: 30_000,
      });
      subscriber.add(() => void consumer.delete().catch(() => false)); // the server forgets it in 30 s anyway
      // Behind the consumer, which misses nothing that is replaced from now on, and may be of a bucket made anew before.
      const info = await bucket.jsm.streams.info(bucket.stream);
      if (subscriber.closed) return;
      cursor.lookAt(info);
      if (!cursor.inDoubt) patience.renew();
      subscriber.add(bucket.status.denials$.pipe(filter((denial) => isOfReading(denial, bucket))).subscribe(fail));
      const messages = await consumer.consume({
        max_messages: 256,
        expires: 4_000,
        idle_heartbeat: 1_000,
        abort_on_missing_resource: true,
        callback: take,
      });
      subscriber.add(() => {
        messages.stop();
      });
      // A new connection may lead to another server, from where the consumer's own may be out of reach.
      const ends$ = merge(messages.closed(), brokenOff(messages), bucket.status.reconnects$, stalls(bucket, cursor));
      subscriber.add(
        ends$.subscribe(() => {
          subscriber.complete();
        }),
      );
    };
    consume().catch(fail);
  });
}

/** Messages are asked for without an answer: the client tells of a refusal beside it, by the subject. */
function isOfReading(denial: Error & { readonly subject?: unknown }, { stream }: Bucket): boolean {
  return typeof denial.subject === 'string' && denial.subject.startsWith(`$JS.API.CONSUMER.MSG.NEXT.${stream}.`);
}

/** Resolves when the consumer's server is silent, or says that the consumer or the stream is gone. */
async function brokenOff(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (broken.has(type)) return;
}
