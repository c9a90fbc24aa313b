import { FanoutError } from './errors.js';
import { Ring } from './ring.js';
import { subscribeChained } from './subscribeChained.js';
import type { ObservableInput, Subscription } from 'rxjs';

/** Who gives way when a value finds no place to wait: named after the victim. */
export type OverflowStrategy = 'drop-incoming' | 'drop-oldest' | 'error' | 'catch-up';

/** How many values wait when nothing else is said; the original's channel holds as many. */
export const DEFAULT_CAPACITY = 256;

/**
 * The machine behind `boundedBuffer` and every session: one delivery in flight, `capacity` values waiting, then overflow.
 *
 * - `ready` is the only thing the fast path asks; it is false while a value is in flight, waits, or must not be pushed.
 * - A delivery that ends while it is being started is left to the loop that started it, so no stack grows.
 */
export abstract class Delivery<T, R> {
  inFlight: 0 | 1 = 0;
  delivered = 0;
  dropped = 0;
  protected ready = true;
  protected closed = false;
  protected free: number;
  protected queue: Ring<T> | undefined = undefined;

  constructor(
    readonly capacity: number,
    readonly overflow: OverflowStrategy,
  ) {
    this.free = capacity;
  }

  /** How many values wait in the buffer. */
  get waiting(): number {
    return this.queue?.length ?? 0;
  }

  /** Delivers the value now, lets it wait, or lets the overflow strategy choose a victim. */
  offer(value: T): void {
    if (this.ready) {
      this.ready = false;
      this.start(value);
      if (this.inFlight === 0) this.drain();
    } else if (this.free > 0) {
      this.free--;
      (this.queue ??= new Ring()).push(value);
    } else {
      this.overflowed(value);
    }
  }

  /** Gives the value to whoever takes it; `undefined`: it is delivered. */
  protected abstract give(value: T): ObservableInput<R> | undefined;
  protected abstract emit(result: R): void;
  protected abstract fail(error: unknown): void;
  /** Nothing waits and nothing is in flight: become ready, or end. */
  protected abstract idle(): void;
  /** Keeps hold of the delivery in flight, to unsubscribe it when all ends. */
  protected abstract hold(inner: Subscription): void;
  /** A victim was chosen and counted. */
  protected abstract lost(victim: T): void;

  /** Starts one delivery. On return either it is in flight, or it has settled, or all is closed. */
  protected start(value: T): void {
    this.inFlight = 1;
    let result: ObservableInput<R> | undefined;
    try {
      result = this.give(value);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.closed) {
      quiet(result);
      return;
    }
    if (result !== undefined) {
      this.#follow(result);
      return;
    }
    this.inFlight = 0;
    this.delivered++;
  }

  /** Delivers what waits, one after the other, until one stays in flight. */
  protected drain(): void {
    while (!this.closed && this.inFlight === 0) {
      const { queue } = this;
      if (queue === undefined) {
        this.idle();
        return;
      }
      this.start(this.shift(queue));
    }
  }

  /** Takes out the value that waits longest; an empty buffer is let go. */
  protected shift(queue: Ring<T>): T {
    const value = queue.shift();
    this.free++;
    if (queue.length === 0) this.queue = undefined;
    return value;
  }

  /** Chooses the victim among the arriving value and those that wait. */
  protected overflowed(value: T): void {
    let victim = value;
    if (this.overflow === 'drop-oldest' && this.queue !== undefined) {
      victim = this.queue.shift();
      this.queue.push(value);
    }
    this.dropped++;
    if (this.overflow !== 'error') {
      this.lost(victim);
      return;
    }
    this.closed = true;
    this.lost(victim);
    const rule = `at most ${this.capacity} values (the capacity) can wait`;
    this.fail(new FanoutError('BUFFER_OVERFLOW', `${rule}, and one more arrived`));
  }

  /** The delivery that was followed is done. */
  protected settle(): void {
    if (this.closed) return;
    this.inFlight = 0;
    this.delivered++;
  }

  #follow(result: ObservableInput<R>): void {
    const run = { starting: true, completed: false };
    const settled = (): void => {
      this.settle();
      this.drain();
    };
    const inner = subscribeChained(result, (subscription) => this.hold(subscription), {
      next: (value) => this.emit(value),
      error: (error: unknown) => this.fail(error),
      complete: () => {
        run.completed = true;
        if (run.starting) return;
        // exhaustMap frees its place when the inner completes, concatMap only after the inner's teardown.
        if (this.capacity === 0) settled();
        else inner.add(settled);
      },
    });
    run.starting = false;
    if (run.completed) this.settle();
  }
}

/** Nobody follows what an ended delivery returned; a promise that rejects must not end the process for that. */
function quiet(result: unknown): void {
  if (result instanceof Promise) result.catch(() => undefined);
}
