import { Ring } from './ring.js';

/** Handles values one at a time, in the order in which they came: one that comes while another is handled waits its turn. */
export class InOrder<T> {
  readonly #pending = new Ring<T>();
  #handling = false;
  #completed = false;

  /** @param end called when all that came is handled, after `complete()` */
  constructor(
    private readonly handle: (value: T) => void,
    private readonly end: () => void,
  ) {}

  next(value: T): void {
    this.#pending.push(value);
    this.#run();
  }

  /** Ends after what is being handled or waits. */
  complete(): void {
    this.#completed = true;
    this.#run();
  }

  /** Lets go of what waits. */
  clear(): void {
    while (this.#pending.length > 0) this.#pending.shift();
  }

  #run(): void {
    if (this.#handling) return;
    this.#handling = true;
    try {
      while (this.#pending.length > 0) this.handle(this.#pending.shift());
    } finally {
      this.#handling = false;
    }
    if (this.#completed) this.end();
  }
}
