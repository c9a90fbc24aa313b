import { framedLength, Opcode, writeFrame } from './webSocketFrame.js';

/**
 * Messages that go out together: a path from an empty run through one message after the other.
 * Sessions that take the same messages walk the same path, and so end with the same run, whose bytes are made once.
 */
export class Run {
  /** Bytes, with the WebSocket headers. */
  readonly size: number;
  #lastNext: Run | undefined;
  #otherNexts: Map<Uint8Array, Run> | undefined;
  #joined: Uint8Array | undefined;

  private constructor(
    private readonly before: Run | undefined,
    private readonly payload: Uint8Array,
    private readonly opcode: Opcode,
  ) {
    this.size = before === undefined ? 0 : before.size + framedLength(payload.length);
  }

  static empty(): Run {
    return new Run(undefined, new Uint8Array(), Opcode.binary);
  }

  /** This run and a message that other sessions may take too; the same for all that add the same object. */
  withShared(payload: Uint8Array): Run {
    const last = this.#lastNext;
    if (last?.payload === payload) return last;
    const other = this.#otherNexts?.get(payload);
    if (other !== undefined) return other;
    const next = new Run(this, payload, Opcode.binary);
    if (last !== undefined) (this.#otherNexts ??= new Map<Uint8Array, Run>()).set(last.payload, last);
    this.#lastNext = next;
    return next;
  }

  /** This run and a message for one session alone. */
  withOwn(payload: Uint8Array, opcode: Opcode): Run {
    return new Run(this, payload, opcode);
  }

  /** All of it, framed for WebSocket, as one piece of memory. */
  joined(): Uint8Array {
    return (this.#joined ??= Run.#join(this));
  }

  static #join(last: Run): Uint8Array {
    // A Buffer, since a socket would make one of anything else with each write; not pooled, since others may keep it for long.
    const joined = Buffer.allocUnsafeSlow(last.size);
    for (let run = last; run.before !== undefined; run = run.before) {
      writeFrame(joined, run.before.size, run.opcode, run.payload);
    }
    return joined;
  }
}
