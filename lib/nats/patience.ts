import { NatsDefinitionsError, isPassing } from './errors.js';

/** How long to go on while something fails, and how long to wait between two tries. */
export class Patience {
  #failingSince: number | undefined;
  #wait = 50;

  constructor(
    /** Milliseconds that what may not pass has to last. */
    readonly timeout: number,
  ) {}

  /** It worked. */
  renew(): void {
    this.#failingSince = undefined;
    this.#wait = 50;
  }

  /** Milliseconds until the next try; throws the error when it makes no sense to try again. */
  waitAfter(error: unknown): number {
    if (!(error instanceof NatsDefinitionsError) || error.code === 'CLOSED' || error.code === 'NOT_PERMITTED')
      throw error;
    const now = performance.now();
    this.#failingSince = isPassing(error) ? undefined : (this.#failingSince ?? now);
    if (this.#failingSince !== undefined && now - this.#failingSince >= this.timeout) throw error;
    return (this.#wait = Math.min(this.#wait * 2, 1_000));
  }
}
