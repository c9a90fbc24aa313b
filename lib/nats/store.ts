import type { Bucket } from './bucket.js';
import { NatsDefinitionsError, definitionsError, isPassing, mayPass } from './errors.js';
import { pause } from './pause.js';
import { within } from './within.js';

/** What a message's headers may take of `max_payload`. */
const headerRoom = 512;
/** Milliseconds between two tries. */
const BETWEEN_TRIES = 100;

export interface StoreOptions {
  /** The server stores one message per id within two minutes; every try uses the same. */
  readonly id: string;
  /** The stream's last sequence must be this one, or the server refuses. */
  readonly expected?: number | undefined;
  /** When to give up, in `performance.now()`, looked up before every try; after the bucket's `timeout` at the latest. */
  readonly until?: (() => number) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Stored {
  readonly seq: number;
  /** It was stored by an earlier try, or by another publish with the same id. */
  readonly duplicate: boolean;
}

/**
 * Has a value stored under a subject, trying again until it is acknowledged.
 *
 * A try without an answer is followed by another only over a connection that answers. What a stalled network holds back
 * arrives whenever it will, perhaps when the server has long forgotten the id: that may be one copy, not many.
 *
 * @throws what the client throws for a sequence other than `expected` (`err_code` 10071)
 * @throws {NatsDefinitionsError} UNAVAILABLE when it gives up, or at an abort; what cannot pass at once
 */
export async function store(
  bucket: Bucket,
  subject: string,
  bytes: Uint8Array,
  options: StoreOptions,
): Promise<Stored> {
  const { id, expected, until = () => Infinity, signal } = options;
  const { connection, js } = bucket;
  const expect = { streamName: bucket.stream, ...(expected === undefined ? {} : { lastSequence: expected }) };
  const deadline = performance.now() + bucket.timeout;
  const left = (): number => (signal?.aborted === true ? 0 : Math.min(deadline, until()) - performance.now());
  for (let again = false; ; again = true) {
    try {
      if (again || connection.info === undefined) await within(timeoutOf(left()), connection.flush(), signal);
      checkSize(bytes.length, connection.info?.max_payload);
      const timeout = timeoutOf(left());
      const sent = js.publish(subject, bytes, { msgID: id, expect, timeout });
      const { seq, duplicate } = await within(timeout, sent, signal);
      if (seq > 0) return { seq, duplicate }; // 0: known to be a duplicate of one that is not stored yet
    } catch (raw) {
      const error = definitionsError(raw, `publishing to bucket ${bucket.name}`);
      // A refusal is told as such, rather than that there was no answer for want of time.
      if (!mayPass(error) || left() <= (isPassing(error) ? 0 : BETWEEN_TRIES)) throw error;
    }
    await pause(BETWEEN_TRIES, signal);
  }
}

/** Of one try. @throws {NatsDefinitionsError} UNAVAILABLE when no time is left. */
function timeoutOf(left: number): number {
  if (left > 0) return Math.ceil(Math.min(left, 2_000));
  throw new NatsDefinitionsError('UNAVAILABLE', 'no answer in time');
}

/** @throws {NatsDefinitionsError} TOO_LARGE */
function checkSize(bytes: number, maxPayload = Infinity): void {
  const most = maxPayload - headerRoom;
  if (bytes > most) throw new NatsDefinitionsError('TOO_LARGE', `a frame of ${bytes} bytes, the server takes ${most}`);
}
