import type { SchedulerLike } from 'rxjs';

/** Whether the server is still there: its pings, and how often in a row it was found silent. */
export class Keepalive {
  #last = 0n;
  #heard = false;
  #silences = 0;

  constructor(
    private readonly scheduler: SchedulerLike,
    private readonly send: (timestampMs: bigint) => void,
  ) {}

  /** Something came. */
  heard(): void {
    this.#heard = true;
  }

  /** Sends a ping whose timestamp no other ping of this connection had, and returns that. */
  ping(): bigint {
    const now = BigInt(Math.max(0, Math.floor(this.scheduler.now())));
    this.#last = now > this.#last ? now : this.#last + 1n;
    this.send(this.#last);
    return this.#last;
  }

  /**
   * Called every so often; pings a server that has said nothing since.
   * @param isHolding nothing is read, so nothing can be heard; but a server takes one that says nothing for gone
   * @param isAsked a ping is on its way
   * @returns whether the server did not answer that either
   */
  look(isHolding: boolean, isAsked: boolean): boolean {
    this.#silences = this.#heard || isHolding ? 0 : this.#silences + 1;
    this.#heard = false;
    if (isHolding || (this.#silences === 1 && !isAsked)) this.ping();
    return this.#silences > 1;
  }
}
