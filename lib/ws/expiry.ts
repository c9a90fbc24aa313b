import { LONGEST_TIMER } from '../options.js';
import { Deadline } from './deadline.js';

/** Calls back at a time (epoch seconds) that may be years away; keeps no process alive. Another `set` replaces it. */
export class Expiry {
  readonly #deadline = new Deadline();

  constructor(private readonly expired: () => void) {}

  /** `undefined`: never. */
  set(epochSeconds: number | undefined): void {
    this.clear();
    if (epochSeconds === undefined || epochSeconds === Infinity) return;
    const left = Math.max(0, epochSeconds * 1000 - Date.now());
    const next = left > LONGEST_TIMER ? () => this.set(epochSeconds) : this.expired;
    this.#deadline.set(Math.min(left, LONGEST_TIMER), next);
  }

  clear(): void {
    this.#deadline.clear();
  }
}
