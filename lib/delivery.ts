import { Backlog } from './backlog.js';
import { FanoutError } from './errors.js';
import { Following } from './following.js';
import type { ObservableInput, Subscription } from 'rxjs';
import type { Followed } from './following.js';
import type { Place } from './row.js';

/** Who gives way when a value finds no place to wait: named after the victim. */
export type OverflowStrategy = 'drop-incoming' | 'drop-oldest' | 'error' | 'catch-up';

/** How many values wait when nothing else is said; the original's channel holds as many. */
export const DEFAULT_CAPACITY = 256;

/** Nothing is in flight, nothing waits: the next value is delivered as it comes. */
export const READY = 0;
/** `deliver` is running, and nothing that matters behind it has happened meanwhile. */
export const STARTING = 1;
/** A value is in flight, or nothing is to be pushed. */
export const BUSY = 2;
export const CLOSED = 3;

/**
 * The machine behind `boundedBuffer` and every session: one delivery in flight, `capacity` values waiting, then overflow.
 *
 * - A delivery that ends while it is being started is left to the loop that started it, so no stack grows.
 */
export abstract class Delivery<T, R> extends Backlog<T> implements Followed<R> {
  // In this order: with very many sessions a broadcast costs what it costs to fetch the first of these from memory.
  protected status: typeof READY | typeof STARTING | typeof BUSY | typeof CLOSED = READY;
  inFlight: 0 | 1 = 0;
  delivered = 0;
  readonly capacity: number;
  /** Values that were dropped one by one. */
  protected victims = 0;
  readonly overflow: OverflowStrategy;
  /** At capacity 0: the delivery that is being started has completed, so that one value has a place to wait for its end. */
  #placeIsFreed = false;

  constructor(
    private readonly deliver: (value: T) => unknown,
    capacity: number,
    overflow: OverflowStrategy,
  ) {
    super();
    this.capacity = capacity;
    this.overflow = overflow;
  }

  /** How many values were dropped. */
  get dropped(): number {
    return this.victims;
  }

  /**
   * Delivers the value now, lets it wait, or lets the overflow strategy choose a victim.
   * @param place where the value stands in a row; whoever is given one is offered all that the row takes from there on
   */
  offer(value: T, place?: Place<T>): void {
    if (this.status === READY) this.deliverNow(value);
    else if (this.queued < this.capacity) this.enqueue(value, place);
    else this.overflowed(value, place);
  }

  abstract emit(result: R): void;
  abstract fail(error: unknown): void;
  /** Keeps hold of the delivery in flight, to unsubscribe it when all ends. */
  abstract hold(inner: Subscription): void;
  /** Nothing waits and nothing is in flight: become ready, or end. */
  protected abstract idle(): void;
  /** A victim was chosen and counted. */
  protected abstract lost(victim: T): void;
  /** The value in flight has left the buffer, and is about to be given. */
  protected abstract taken(): void;

  completed(inner: Subscription | undefined): void {
    // exhaustMap frees its place when the inner completes, concatMap only after the inner's teardown.
    if (inner === undefined) this.#placeIsFreed = this.capacity === 0;
    else if (this.capacity === 0) this.goOn();
    else inner.add(() => this.goOn());
  }

  protected get closed(): boolean {
    return this.status === CLOSED;
  }

  /** Starts one delivery. On return either it is in flight, or it has settled, or all is closed. */
  protected start(value: T): void {
    this.status = BUSY;
    this.inFlight = 1;
    this.taken();
    if (this.closed) return;
    const { deliver } = this;
    let result: unknown;
    try {
      result = deliver(value);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.started(result);
  }

  /** Delivers what waits, one after the other, until one stays in flight. */
  protected drain(): void {
    while (!this.closed && this.inFlight === 0) {
      if (this.queued === 0) {
        this.idle();
        return;
      }
      this.start(this.shift());
    }
  }

  /** Nothing has happened since `deliver` was called. */
  protected undisturbed(): boolean {
    return this.status === STARTING && this.queued === 0;
  }

  /** Something has happened that must be looked at when the `deliver` that is running has returned. */
  protected interrupt(): void {
    if (this.status === STARTING) this.status = BUSY;
  }

  /** Chooses the victim among the arriving value and those that wait. */
  protected overflowed(value: T, place: Place<T> | undefined): void {
    let victim = value;
    if (this.#placeIsFreed && this.queued === 0) {
      this.enqueue(value, place);
      return;
    }
    if (this.overflow === 'drop-oldest' && this.queued > 0) {
      victim = this.shift();
      this.enqueue(value, place);
    } else {
      this.leaveRow();
    }
    this.victims++;
    if (this.overflow !== 'error') {
      this.lost(victim);
      return;
    }
    this.status = CLOSED;
    this.lost(victim);
    const rule = `at most ${this.capacity} values (the capacity) can wait`;
    this.fail(new FanoutError('BUFFER_OVERFLOW', `${rule}, and one more arrived`));
  }

  /** The delivery in flight is done. */
  protected settle(): void {
    if (this.closed) return;
    this.inFlight = 0;
    this.delivered++;
  }

  /** `start` and `drain` for a value that nothing stands before: most are done when `deliver` returns. */
  private deliverNow(value: T): void {
    this.status = STARTING;
    this.inFlight = 1;
    const { deliver } = this;
    let result: unknown;
    try {
      result = deliver(value);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (result === undefined && this.undisturbed()) {
      this.status = READY;
      this.inFlight = 0;
      this.delivered++;
      return;
    }
    this.started(result);
    this.drain();
  }

  private goOn(): void {
    this.settle();
    this.drain();
  }

  private started(result: unknown): void {
    if (this.closed) {
      quiet(result);
      return;
    }
    this.status = BUSY;
    if (result === undefined) this.settle();
    else if (new Following<R>(this).start(result as ObservableInput<R>)) this.settle();
    this.#placeIsFreed = false;
  }
}

/** Nobody follows what an ended delivery returned; a promise that rejects must not end the process for that. */
function quiet(result: unknown): void {
  if (result instanceof Promise) result.catch(() => undefined);
}
