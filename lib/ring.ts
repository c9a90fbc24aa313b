/** Places of a queue at the beginning. */
const FEW = 4;
/** One that has grown to more than this begins again when it is empty. */
const ROOMY = 1_024;

/**
 * A first-in, first-out queue in a circular buffer that starts at 4 places and doubles as needed.
 *
 * - `push`, `shift` and `peek` take constant time; `push` amortised.
 * - A shifted value is no longer referenced. `undefined` is a value like any other: ask `length`, not the value.
 */
export class Ring<T> {
  length = 0;
  #slots: (T | undefined)[] = [undefined, undefined, undefined, undefined];
  #head = 0;

  push(value: T): void {
    if (this.length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.length) & (this.#slots.length - 1)] = value;
    this.length++;
  }

  /** The value that waits longest. Only to be called when `length` is above 0. */
  peek(): T {
    return this.#slots[this.#head] as T;
  }

  /** Takes out the value that waits longest. Only to be called when `length` is above 0. */
  shift(): T {
    const value = this.#slots[this.#head] as T;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    if (--this.length === 0 && this.#slots.length > ROOMY) this.#shrink();
    return value;
  }

  #shrink(): void {
    this.#slots.length = FEW;
    this.#head = 0;
  }

  /** Called when full. A loop: copying so few by the array's own methods costs more than all the pushes. */
  #grow(): void {
    const { length } = this;
    const roomier = new Array<T | undefined>(2 * length);
    for (let i = 0; i < length; i++) roomier[i] = this.#slots[(this.#head + i) & (length - 1)];
    this.#slots = roomier;
    this.#head = 0;
  }
}
