import { Following } from './following.js';
import { guarded } from './unhandled.js';
import type { ObservableInput, Unsubscribable } from 'rxjs';
import type { Followed } from './following.js';

// In this order: from STARTING to SETTLING a value is in flight.
/** Nothing is in flight, nothing waits: the next value is delivered as it comes. A session stays so while its group gives it a frame. */
export const READY = 0;
/** `deliver` is running, and meanwhile no value came to wait and no end was announced. */
export const STARTING = 1;
/** `deliver` is running, or what it returned is followed. */
export const IN_FLIGHT = 2;
/** The delivery in flight has completed, but is still being started. */
export const SETTLING = 3;
/** Nothing is in flight, and nothing is to be pushed. */
export const PAUSED = 4;
/** Nothing is delivered any more. */
export const CLOSED = 5;

type Status = typeof READY | typeof STARTING | typeof IN_FLIGHT | typeof SETTLING | typeof PAUSED | typeof CLOSED;

/**
 * The machine behind `boundedBuffer` and every session: one delivery at a time.
 *
 * - A delivery that ends while it is being started is left to the loop that started it, so no stack grows.
 */
export abstract class Delivery<T, R> implements Followed<R> {
  protected status: Status = READY;
  /** Values that were delivered, and counted here. */
  protected done = 0;

  constructor(readonly deliver: (value: T) => unknown) {}

  /** How many values were delivered. */
  get delivered(): number {
    return this.done;
  }

  get inFlight(): 0 | 1 {
    return this.status >= STARTING && this.status <= SETTLING ? 1 : 0;
  }

  /** Delivers the value now, or lets it wait. */
  offer(value: T): void {
    if (this.status !== READY) {
      this.wait(value);
      return;
    }
    this.run(value, READY);
    this.goOn();
  }

  abstract hold(inner: Unsubscribable): void;
  release?(inner: Unsubscribable): void;
  abstract emit(result: R): void;
  abstract fail(error: unknown): void;

  settling(): void {
    if (!this.closed) this.status = SETTLING;
  }

  settleAndGoOn(): void {
    this.settle();
    this.goOn();
  }

  abstract get freesAtOnce(): boolean;
  protected abstract wait(value: T): void;
  /** Delivers what waits, or becomes ready, as long as nothing is in flight. */
  protected abstract goOn(): void;

  /** Nothing is in flight any more, and what waits comes next. */
  protected freed(): void {
    // For those who care.
  }

  /** The value in flight has left whatever it waited in, and is about to be given. */
  protected taken(): void {
    // For those who care.
  }

  get closed(): boolean {
    return this.status === CLOSED;
  }

  /** Starts one delivery. On return either it is in flight, or it has settled, or all is closed. */
  protected start(value: T): void {
    this.status = IN_FLIGHT;
    this.taken();
    if (!this.closed) this.run(value, PAUSED);
  }

  /** `start` for a value that waited nowhere. `then`: what to be when all is done as `deliver` returns, as it mostly is. */
  protected run(value: T, then: typeof READY | typeof PAUSED): void {
    this.status = STARTING;
    const { deliver } = this;
    let result: unknown;
    try {
      result = deliver(value);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (result !== undefined || !this.undisturbed()) {
      this.started(result);
      return;
    }
    this.status = then;
    this.done++;
  }

  /** Something has happened that must be looked at when the `deliver` that is running has returned. */
  protected interrupt(): void {
    if (this.status === STARTING) this.status = IN_FLIGHT;
  }

  private settle(): void {
    if (this.closed) return;
    this.status = PAUSED;
    this.done++;
  }

  /** Nothing has happened since `deliver` was called. */
  private undisturbed(): boolean {
    return this.status === STARTING;
  }

  /** `deliver` has returned. */
  protected started(result: unknown): void {
    if (this.closed) {
      guarded(() => quiet(result));
      return;
    }
    this.status = IN_FLIGHT;
    if (result === undefined || new Following<R>(this).follow(result as ObservableInput<R>)) this.settle();
  }
}

/** Nobody follows what an ended delivery returned; a promise that rejects must not end the process for that. */
function quiet(result: unknown): void {
  // Of whatever realm; what is only like a promise may begin to work when it is asked.
  const isPromise = result instanceof Promise || Object.prototype.toString.call(result) === '[object Promise]';
  if (isPromise) (result as Promise<unknown>).then(undefined, () => undefined);
}
