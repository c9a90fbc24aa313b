import type { Bucket } from './bucket.js';
import { NatsDefinitionsError, definitionsError, isPassing } from './errors.js';
import { pause } from './pause.js';

/** What a message's headers may take of `max_payload`. */
const headerRoom = 512;

export interface StoreOptions {
  /** The server stores one message per id within two minutes; every try uses the same. */
  readonly id: string;
  /** The stream's last sequence must be this one, or the server refuses. */
  readonly expected?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Stored {
  readonly seq: number;
  /** It was stored by an earlier try, or by another publish with the same id. */
  readonly duplicate: boolean;
}

/**
 * Has a value stored under a subject, trying again until it is acknowledged.
 * @throws what the client throws for a sequence other than `expected` (`err_code` 10071)
 * @throws {NatsDefinitionsError} UNAVAILABLE after the bucket's `timeout` or an abort, or what cannot pass at once
 */
export async function store(
  bucket: Bucket,
  subject: string,
  bytes: Uint8Array,
  options: StoreOptions,
): Promise<Stored> {
  const { id, expected, signal } = options;
  const most = (bucket.connection.info?.max_payload ?? Infinity) - headerRoom;
  if (bytes.length > most)
    throw new NatsDefinitionsError('TOO_LARGE', `a frame of ${bytes.length} bytes, the server takes ${most}`);
  const deadline = performance.now() + bucket.timeout;
  const expect = { streamName: bucket.stream, ...(expected === undefined ? {} : { lastSequence: expected }) };
  for (;;) {
    try {
      const sent = bucket.js.publish(subject, bytes, { msgID: id, expect, timeout: 2_000 });
      const { seq, duplicate } = await untilAborted(sent, signal);
      if (seq > 0) return { seq, duplicate }; // 0: known to be a duplicate of one that is not stored yet
    } catch (raw) {
      const error = definitionsError(raw, `publishing to bucket ${bucket.name}`);
      if (!isPassing(error)) throw error;
      if (performance.now() >= deadline || signal?.aborted === true) throw error;
    }
    await pause(100, signal);
  }
}

/** The same outcome, or UNAVAILABLE as soon as the signal aborts. */
function untilAborted<T>(outcome: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return outcome;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(new NatsDefinitionsError('UNAVAILABLE', 'given up before an answer came'));
    };
    signal.addEventListener('abort', abort);
    outcome.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
    if (signal.aborted) abort();
  });
}
