import { subscribeChained } from './subscribeChained.js';
import type { ObservableInput, Observer, Subscription } from 'rxjs';

/** Who is told of a delivery in flight. */
export interface Followed<R> {
  /** Keeps hold of it, to unsubscribe it when all ends. */
  hold(inner: Subscription): void;
  emit(result: R): void;
  fail(error: unknown): void;
  /** @param inner its subscription; absent while it is still being started */
  completed(inner: Subscription | undefined): void;
}

/** Follows what one delivery returned until it ends. */
export class Following<R> implements Observer<R> {
  #completed = false;
  #inner: Subscription | undefined = undefined;

  constructor(private readonly delivery: Followed<R>) {}

  /** @returns whether it has completed already */
  start(result: ObservableInput<R>): boolean {
    this.#inner = subscribeChained(result, (subscription) => this.delivery.hold(subscription), this);
    return this.#completed;
  }

  next(value: R): void {
    this.delivery.emit(value);
  }

  error(error: unknown): void {
    this.delivery.fail(error);
  }

  complete(): void {
    this.#completed = true;
    this.delivery.completed(this.#inner);
  }
}
