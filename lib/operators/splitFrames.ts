import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { WireError } from '../errors.js';
import { InOrder } from '../inOrder.js';
import { show } from '../options.js';
import { subscribeChained } from '../subscribeChained.js';
import { byteAt, isBytes, viewOf } from '../wire/bytes.js';
import { frameBytes, type FrameLimits, frameLimit, HEADER_BYTES, type SyncFrame } from '../wire/frame.js';

/**
 * Cuts a byte stream into frames, wherever its chunks are cut.
 *
 *     source   -a---b---c---d--|     c is the header of a frame and d its body;
 *     result   -x---(yz)----w--|     a holds one frame, b two
 *
 * - A frame inside one chunk is a view on that chunk; one across chunks is put together in a buffer of its own.
 * - A claimed length allocates nothing: the buffer grows with what has come, at most twice that, never beyond the frame.
 * - Errors as soon as a header is whole and bad, after the frames before it.
 * - Each subscription has its own state. Emits nothing more once its consumer has unsubscribed.
 *
 * @param limits `maxFrameBytes`: most bytes of a frame, header included; 1 or more; default: no limit
 * @throws {FanoutError} BAD_OPTION at call time, unless the limit is a whole number of 1 or more, or Infinity
 * @throws {WireError} down the stream: UNKNOWN_TYPE and TOO_LARGE of a header, TRUNCATED when the source completes
 * inside a frame, BAD_BODY for a chunk that is no Uint8Array
 */
export function splitFrames(limits?: FrameLimits): OperatorFunction<Uint8Array, SyncFrame> {
  const limit = frameLimit(limits);
  return (source) =>
    new Observable((subscriber) => {
      const splitter = new FrameSplitter(subscriber, limit);
      // A consumer may make the source emit while an earlier chunk is being split.
      const chunks = new InOrder<Uint8Array>(
        (chunk) => splitter.push(chunk),
        () => splitter.complete(),
      );
      subscribeChained(source, subscriber, {
        next: (chunk) => chunks.next(chunk),
        complete: () => chunks.complete(),
      });
    });
}

const NOTHING = new Uint8Array(0);

/** The state of one subscription. */
class FrameSplitter {
  /** The beginning of a frame that goes on in a later chunk, `have` bytes of `want`; `want` is a header until that is whole. */
  private partial = NOTHING;
  private have = 0;
  private want = HEADER_BYTES;

  constructor(
    private readonly subscriber: Subscriber<SyncFrame>,
    private readonly limit: number,
  ) {}

  push(chunk: Uint8Array): void {
    try {
      this.split(chunk);
    } catch (error) {
      this.subscriber.error(error);
    }
  }

  complete(): void {
    if (this.have === 0) this.subscriber.complete();
    else this.subscriber.error(new WireError('TRUNCATED', `the source ended ${this.have} bytes into a frame`));
  }

  private split(chunk: Uint8Array): void {
    if (!isBytes(chunk)) throw new WireError('BAD_BODY', `a chunk must be a Uint8Array, got ${show(chunk)}`);
    for (let at = 0; at < chunk.length && !this.subscriber.closed;) {
      const frame = this.have === 0 ? this.wholeFrame(chunk, at) : 0;
      if (frame > 0) this.emit(chunk, at, at + frame);
      at = frame > 0 ? at + frame : this.keep(chunk, at);
    }
  }

  /** Bytes of the frame that begins at `at`, or 0 when it goes on after the chunk. @throws {WireError} for a bad header */
  private wholeFrame(chunk: Uint8Array, at: number): number {
    if (chunk.length - at < HEADER_BYTES) return 0;
    const bytes = frameBytes(chunk, at, this.limit);
    return bytes <= chunk.length - at ? bytes : 0;
  }

  /** Takes what the chunk has of the header, or of the frame, and emits the frame if that makes it whole. */
  private keep(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.want - this.have);
    this.makeRoom(this.have + end - at);
    this.partial.set(viewOf(chunk, at, end), this.have);
    this.have += end - at;
    if (this.have === HEADER_BYTES) this.want = frameBytes(this.partial, 0, this.limit);
    if (this.have === this.want) {
      const frame = this.partial;
      this.partial = NOTHING;
      this.have = 0;
      this.want = HEADER_BYTES;
      this.emit(frame, 0, frame.length);
    }
    return end;
  }

  private makeRoom(bytes: number): void {
    if (bytes <= this.partial.length) return;
    const roomier = new Uint8Array(Math.min(this.want, Math.max(bytes, 2 * this.partial.length)));
    roomier.set(this.partial.subarray(0, this.have));
    this.partial = roomier;
  }

  private emit(bytes: Uint8Array, start: number, end: number): void {
    this.subscriber.next({ type: byteAt(bytes, start), body: viewOf(bytes, start + HEADER_BYTES, end) });
  }
}
