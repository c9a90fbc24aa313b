import type { Outbox } from './outbox.js';
import type { Opcode } from './webSocketFrame.js';

/** Answers to pings that wait at most. */
const MOST_PONGS = 16;

interface Pong {
  readonly payload: Uint8Array;
  readonly opcode: Opcode;
}

/**
 * The answers to pings. They go out at once, except while a replay runs (a client takes the pong for its end) or the socket is
 * not ready: then the newest ones wait, so that a flood of pings holds no memory.
 */
export class Pongs {
  #waiting: Pong[] = [];

  constructor(
    private readonly outbox: Outbox,
    /** Whether a replay runs. */
    private readonly isHeld: () => boolean,
    private readonly onDropped: () => void,
  ) {}

  answer(payload: Uint8Array, opcode: Opcode): void {
    this.#waiting.push({ payload, opcode });
    this.flush();
    if (this.#waiting.length <= MOST_PONGS) return;
    this.#waiting.shift();
    this.onDropped();
  }

  /** Sends what need not wait any longer. */
  readonly flush = (): void => {
    if (this.isHeld()) return;
    while (this.outbox.ready) {
      const pong = this.#waiting.shift();
      if (pong === undefined) return;
      this.outbox.send(pong.payload, pong.opcode);
    }
    if (this.#waiting.length > 0) this.outbox.whenReady(this.flush);
  };
}
