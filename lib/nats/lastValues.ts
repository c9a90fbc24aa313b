import { createHash } from 'node:crypto';
import { fromEvent, takeUntil, takeWhile, throwError, timeout } from 'rxjs';
import type { Bucket } from './bucket.js';
import { NatsDefinitionsError } from './errors.js';
import { followStream } from './followStream.js';

interface LastValue {
  readonly sequence: number;
  /** Of the value's bytes; none where they were not seen. */
  readonly digest: string | undefined;
}

/**
 * The last value under every subject of a bucket, by digest: some 200 bytes each. Nothing is kept until it is asked for one;
 * then the bucket is read through, and from then on whoever writes to it and follows it says what has become of it.
 */
export class LastValues {
  #values: Map<string, LastValue> | undefined;

  constructor(private readonly bucket: Bucket) {}

  /**
   * The sequence under which these bytes are the subject's last value; `undefined` when they are not, as far as is known, or
   * `signal` aborts.
   * @param upTo the bucket is read through up to here at least: a sequence that it has reached
   * @throws {NatsDefinitionsError} UNAVAILABLE when nothing comes for the bucket's `timeout`, or what following it errors
   * with; it is read through again then when it is asked again
   */
  async sequenceOf(subject: string, bytes: Uint8Array, upTo: number, signal: AbortSignal): Promise<number | undefined> {
    if (this.#values === undefined) await this.#readThrough(upTo, signal);
    const value = this.#values?.get(subject);
    return value?.digest === digestOf(bytes) ? value.sequence : undefined;
  }

  /** @param bytes the value; none where it is not known */
  note(subject: string, sequence: number, bytes?: Uint8Array): void {
    const { sequence: last } = this.#values?.get(subject) ?? { sequence: -1 };
    // At the same sequence as well: that of one who had its header only may come first.
    if (sequence < last || (sequence === last && bytes === undefined)) return;
    this.#values?.set(subject, { sequence, digest: bytes && digestOf(bytes) });
  }

  async #readThrough(upTo: number, signal: AbortSignal): Promise<void> {
    // There from now on: what is written meanwhile is noted too.
    this.#values = new Map();
    const messages$ = followStream(this.bucket, {}).pipe(
      takeWhile((msg) => msg.info.streamSequence < upTo, true),
      timeout({ each: this.bucket.timeout, with: () => throwError(() => unanswered(this.bucket)) }),
      takeUntil(fromEvent(signal, 'abort')),
    );
    try {
      await messages$.forEach((msg) => {
        this.note(msg.subject, msg.info.streamSequence, msg.data);
      });
    } catch (error) {
      this.#values = undefined;
      throw error;
    }
  }
}

function unanswered({ name }: Bucket): NatsDefinitionsError {
  return new NatsDefinitionsError('UNAVAILABLE', `reading bucket ${name}: no answer in time`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
