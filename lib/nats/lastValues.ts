import { createHash } from 'node:crypto';
import { type Observable, fromEvent, takeUntil, takeWhile, tap, throwError, timeout } from 'rxjs';
import type { Bucket } from './bucket.js';
import { NatsDefinitionsError } from './errors.js';
import { followStream } from './followStream.js';

interface LastValue {
  readonly sequence: number;
  /** Of the value's bytes; none where they were not seen. */
  readonly digest: string | undefined;
}

/**
 * The last value under every subject of a bucket, by digest: some 200 bytes each. Nothing is kept until `read` is called; from
 * then on whoever writes to the bucket and follows it says what has become of it.
 */
export class LastValues {
  #values: Map<string, LastValue> | undefined;

  constructor(private readonly bucket: Bucket) {}

  get isRead(): boolean {
    return this.#values !== undefined;
  }

  /**
   * Reads all that the bucket holds up to a sequence that it has reached; completes then, or when `signal` aborts. Errors with
   * UNAVAILABLE when nothing comes for the bucket's `timeout`; whatever it errors with, it is as if it had not been read.
   */
  read(upTo: number, signal: AbortSignal): Observable<unknown> {
    this.#values ??= new Map();
    return followStream(this.bucket, {}).pipe(
      tap((msg) => {
        this.note(msg.subject, msg.info.streamSequence, msg.data);
      }),
      takeWhile((msg) => msg.info.streamSequence < upTo),
      timeout({ each: this.bucket.timeout, with: () => throwError(() => unanswered(this.bucket)) }),
      tap({ error: () => (this.#values = undefined) }),
      takeUntil(fromEvent(signal, 'abort')),
    );
  }

  /** @param bytes the value; none where it is not known */
  note(subject: string, sequence: number, bytes?: Uint8Array): void {
    const { sequence: last } = this.#values?.get(subject) ?? { sequence: -1 };
    // At the same sequence as well: that of one who had its header only may come first.
    if (sequence < last || (sequence === last && bytes === undefined)) return;
    this.#values?.set(subject, { sequence, digest: bytes && digestOf(bytes) });
  }

  /** The sequence under which these bytes are the subject's last value; `undefined` when they are not, as far as is known. */
  sequenceOf(subject: string, bytes: Uint8Array): number | undefined {
    const value = this.#values?.get(subject);
    return value?.digest === digestOf(bytes) ? value.sequence : undefined;
  }
}

function unanswered({ name }: Bucket): NatsDefinitionsError {
  return new NatsDefinitionsError('UNAVAILABLE', `reading bucket ${name}: no answer in time`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
