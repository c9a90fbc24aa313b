import type { JsMsg, StreamInfo } from '@nats-io/jetstream';
import { type Bucket, checkSame } from './bucket.js';
import { NatsDefinitionsError } from './errors.js';

/** How far one subscription has read a bucket, and whether it is still the same bucket. */
export class Cursor {
  /** Revision of the last message that was told; 0: none yet. */
  last: number;
  /** Nothing was told, nor found empty, and nobody said where to begin. */
  isFresh: boolean;
  #stamp: number | undefined;
  /** What the bucket held at the start is not all told yet. */
  #isBehind = true;
  #head = Infinity;
  #inDoubt = false;

  constructor(
    readonly bucket: Bucket,
    after: number | undefined,
    private caughtUp: ((revision: number) => void) | undefined,
    private readonly reached: () => number,
  ) {
    this.last = after ?? 0;
    this.isFresh = after === undefined;
  }

  /** Whether what was told last was found to be another message, and nothing has told otherwise since. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /**
   * Once a consumer is made: what the bucket holds now it will tell, or has told.
   * @throws {NatsDefinitionsError} BUCKET_REPLACED
   */
  lookAt({ config, state }: StreamInfo): void {
    checkSame(this.bucket, config.description);
    if (state.last_seq < this.#known) throw this.#setBack(`ends at revision ${state.last_seq}`);
    if (this.#isBehind) this.#head = state.last_seq;
    this.#tellCaughtUp();
  }

  /**
   * Hands a message on, unless it was told before.
   * @throws {NatsDefinitionsError} BUCKET_REPLACED when it is another one than was told: the server has lost that, and
   * has stored new ones since
   */
  take(msg: JsMsg, tell: (msg: JsMsg) => void): void {
    const { streamSequence, timestampNanos } = msg.info;
    if (streamSequence < this.last) return;
    this.#inDoubt = streamSequence === this.last && this.#stamp !== undefined && this.#stamp !== timestampNanos;
    if (this.#inDoubt) throw this.#setBack('holds another message there');
    if (streamSequence === this.last) return;
    this.last = streamSequence;
    this.isFresh = false;
    this.#stamp = timestampNanos;
    tell(msg);
    this.#tellCaughtUp();
  }

  get #known(): number {
    return Math.max(this.last, this.reached());
  }

  #setBack(how: string): NatsDefinitionsError {
    const text = `bucket ${this.bucket.name} ${how}, after revision ${this.#known} had been told`;
    return new NatsDefinitionsError('BUCKET_REPLACED', text);
  }

  #tellCaughtUp(): void {
    if (this.last < this.#head) return;
    this.isFresh = false;
    this.#isBehind = false;
    const { caughtUp } = this;
    this.caughtUp = undefined;
    caughtUp?.(this.last);
  }
}
