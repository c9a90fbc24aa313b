import { Duplex } from 'node:stream';

/** Bytes that each end of a line holds back. */
const ROOM = 1_024;

/**
 * Two ends of a line within this process, which behaves as a TCP connection but for its buffers: those hold a kilobyte,
 * not megabytes.
 */
export function shortLine(): [Duplex, Duplex] {
  const one = new End();
  const other = new End();
  one.other = other;
  other.other = one;
  return [one, other];
}

class End extends Duplex {
  other: End | undefined;
  #taken: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: ROOM });
  }

  override _read(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  // Nothing arrives during the call that sends it, as nothing does over TCP.
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    setImmediate(() => this.other?.receive(chunk, done));
  }

  override _final(done: () => void): void {
    setImmediate(() => this.other?.receive(null, done));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    setImmediate(() => this.other?.destroy());
    done(error);
  }

  /** @param taken called when there is room for more */
  receive(chunk: Buffer | null, taken: () => void): void {
    if (this.destroyed || this.push(chunk) || chunk === null) taken();
    else this.#taken = taken;
  }
}
