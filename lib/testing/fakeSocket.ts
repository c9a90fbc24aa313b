import { EventEmitter } from 'node:events';
import { objectOption, wholeNumber } from '../options.js';

type Sent = (error?: Error) => void;

/**
 * A socket of the `ws` package without a network, whose speed the spec sets.
 *
 * - `send` keeps what it is given in `sent` and calls back at once, so that it also works in virtual time.
 * - With `stalled` nothing leaves: bytes pile up in `bufferedAmount`, and callbacks wait for `drain`.
 * - Emits `message`, `close` and `error` as `ws` does.
 */
export class FakeSocket extends EventEmitter {
  /** Every message handed to `send` while the socket was open, in order; the very objects. */
  readonly sent: (string | Uint8Array)[] = [];
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readyState: 0 | 1 | 2 | 3 = 1;
  /** Bytes that were sent and have not left. */
  bufferedAmount = 0;
  /** While true nothing leaves by itself; default false; set it at any time. */
  stalled: boolean;
  /** What the first `close` on this side said. */
  closedWith: { readonly code: number; readonly reason: string } | undefined;

  readonly #queue: { bytes: number; done: Sent | undefined }[] = [];

  /** @throws {FanoutError} BAD_OPTION for options that are no object */
  constructor(options: { stalled?: boolean | undefined } = {}) {
    super();
    this.stalled = objectOption('options', options).stalled ?? false;
  }

  /** @throws {Error} while connecting, as `ws` does; once it closes, the error goes to the callback. */
  send(data: string | Uint8Array, options?: object | Sent, callback?: Sent): void {
    const done = typeof options === 'function' ? (options as Sent) : callback;
    if (this.readyState === 0) throw new Error('the socket is still connecting');
    if (this.readyState !== 1) {
      done?.(new Error('the socket is not open'));
      return;
    }
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data).byteLength : data.byteLength;
    this.sent.push(data);
    this.bufferedAmount += bytes;
    this.#queue.push({ bytes, done });
    if (!this.stalled) this.drain();
  }

  /**
   * Lets the oldest `count` (default: all) of the queued messages leave; returns how many left.
   * @throws {FanoutError} BAD_OPTION unless `count` is a whole number of 0 or more, or Infinity
   */
  drain(count = Infinity): number {
    wholeNumber('count', count);
    let left = 0;
    while (left < count) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      left += 1;
      this.bufferedAmount -= next.bytes;
      next.done?.();
    }
    return left;
  }

  /** What the other side sends arrives; text as a string, anything else as a binary message. */
  receive(data: string | Uint8Array): void {
    const isBinary = typeof data !== 'string';
    this.emit('message', Buffer.from(data as Uint8Array), isBinary);
  }

  /** A closing handshake: answered at once, or, when stalled, never. */
  close(code = 1005, reason = ''): void {
    if (this.readyState >= 2) return;
    this.closedWith = { code, reason };
    this.readyState = 2;
    if (!this.stalled) this.#end(code, reason);
  }

  /** Ends without a handshake, as a peer that vanished does: `close` with code 1006. */
  terminate(): void {
    if (this.readyState !== 3) this.#end(1006, '');
  }

  /** The connection breaks: `error`, then `close` with code 1006. */
  fail(error: Error): void {
    this.emit('error', error);
    this.terminate();
  }

  #end(code: number, reason: string): void {
    this.readyState = 3;
    for (const { done } of this.#queue.splice(0)) done?.(new Error('the socket closed before the message left'));
    this.emit('close', code, Buffer.from(reason));
  }
}
