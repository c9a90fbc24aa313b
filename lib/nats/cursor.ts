import type { JsMsg, StreamInfo } from '@nats-io/jetstream';
import { type Bucket, checkSame } from './bucket.js';
import { NatsDefinitionsError } from './errors.js';

/** `onCaughtUp` threw: nothing that another consumer would mend, whatever the error looks like. */
export class CaughtUpFailed extends Error {
  /** @param thrown no `cause`, which would be looked through for an error of the client */
  constructor(readonly thrown: unknown) {
    super('onCaughtUp threw');
  }
}

/** How far one subscription has read a bucket, and whether it is still the same bucket. */
export class Cursor {
  /** Revision of the last message that was told; 0: none yet. */
  last: number;
  #stamp: number | undefined;
  /** The revision that the bucket had reached when last looked at, as long as not all up to there was told. */
  #head = Infinity;
  #inDoubt = false;

  constructor(
    readonly bucket: Bucket,
    private readonly after: number | undefined,
    private caughtUp: ((revision: number) => void) | undefined,
    private readonly reached: () => number,
  ) {
    this.last = after ?? 0;
  }

  /** Nothing was told, nor found empty, and nobody said where to begin. */
  get isFresh(): boolean {
    return this.after === undefined && this.last === 0 && this.#isBehind;
  }

  /** Whether what was told last was found to be another message, and nothing has told otherwise since. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /**
   * Once a consumer is made: what the bucket holds now it will tell, or has told.
   * @throws {NatsDefinitionsError} BUCKET_REPLACED
   * @throws {CaughtUpFailed}
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
   * @throws {CaughtUpFailed}
   */
  take(msg: JsMsg, tell: (msg: JsMsg) => void): void {
    const { streamSequence, timestampNanos } = msg.info;
    if (streamSequence < this.last) return;
    this.#inDoubt = streamSequence === this.last && this.#stamp !== undefined && this.#stamp !== timestampNanos;
    if (this.#inDoubt) throw this.#setBack('holds another message there');
    if (streamSequence === this.last) return;
    this.last = streamSequence;
    this.#stamp = timestampNanos;
    tell(msg);
    this.#tellCaughtUp();
  }

  /** What the bucket held at the start is not all told yet. */
  get #isBehind(): boolean {
    return this.last < this.#head;
  }

  get #known(): number {
    return Math.max(this.last, this.reached());
  }

  #setBack(how: string): NatsDefinitionsError {
    const text = `bucket ${this.bucket.name} ${how}, after revision ${this.#known} had been told`;
    return new NatsDefinitionsError('BUCKET_REPLACED', text);
  }

  #tellCaughtUp(): void {
    if (this.#isBehind) return;
    const { caughtUp } = this;
    this.caughtUp = undefined;
    try {
      caughtUp?.(this.last);
    } catch (thrown) {
      throw new CaughtUpFailed(thrown);
    }
  }
}
