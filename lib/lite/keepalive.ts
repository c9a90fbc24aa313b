import type { SchedulerLike } from 'rxjs';

/** Why a server may be silent. */
interface Situation {
  /**
   * Nothing is read, so nothing can be heard. A server takes a device that says nothing for gone; a pong says something
   * and is not answered, while the answer to a ping could push out that of the ping that ends a snapshot.
   */
  readonly isHolding: boolean;
  /** A ping is on its way. */
  readonly isAsked: boolean;
}

/** Whether the server is still there: its pings, and how often in a row it was found silent. */
export class Keepalive {
  #last = 0n;
  #heard = false;
  #silences = 0;

  constructor(
    private readonly scheduler: SchedulerLike,
    private readonly send: (timestampMs: bigint, isPong: boolean) => void,
  ) {}

  /** Something came. */
  heard(): void {
    this.#heard = true;
  }

  /** Sends a ping whose timestamp no other ping of this connection had, and returns that. */
  ping(): bigint {
    const now = this.#now();
    this.#last = now > this.#last ? now : this.#last + 1n;
    this.send(this.#last, false);
    return this.#last;
  }

  /**
   * Called every so often; pings a server that has said nothing since.
   * @returns `gone` when the server did not answer that either
   */
  look({ isHolding, isAsked }: Situation): 'there' | 'gone' {
    this.#silences = this.#heard || isHolding ? 0 : this.#silences + 1;
    this.#heard = false;
    if (isHolding) this.send(this.#now(), true);
    else if (this.#silences === 1 && !isAsked) this.ping();
    return this.#silences > 1 ? 'gone' : 'there';
  }

  #now(): bigint {
    return BigInt(Math.max(0, Math.floor(this.scheduler.now())));
  }
}
