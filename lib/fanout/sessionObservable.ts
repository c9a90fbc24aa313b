import { Observable, Subscription } from 'rxjs';
import type { Observer } from 'rxjs';
import type { Session } from './session.js';

/** Opens a session that gives its results to `output`; `made` has it before anybody is told, and so can end it. */
export type OpenSession<R> = (output: Observer<R>, made: (session: Session) => void) => void;

type Next<R> = (value: R) => void;
type Fail = (error: unknown) => void;

/** What a session's Observable hears of when nobody handles its errors: it is in the log and on `events$` already. */
const quiet = (): void => undefined;

/** The subscription of somebody who wants no results; it is the session's Observer too, and so closes when that ends. */
class SessionSubscription<R> extends Subscription implements Observer<R> {
  #session: Session | undefined = undefined;
  #leaving = false;

  constructor(open: OpenSession<R>) {
    super();
    open(this, (session) => (this.#session = session));
  }

  next(): void {
    // Nobody listens.
  }

  error(): void {
    this.unsubscribe();
  }

  complete(): void {
    this.unsubscribe();
  }

  override unsubscribe(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    // First of all: what others have added may broadcast.
    this.#session?.end('unsubscribed');
    this.#session = undefined;
    super.unsubscribe();
  }
}

/**
 * A cold Observable: subscribing registers the session, unsubscribing unregisters it.
 * Subscribed to without an error handler, it raises no unhandled error when the session fails.
 */
export class SessionObservable<R> extends Observable<R> {
  constructor(private readonly open: OpenSession<R>) {
    super((subscriber) => {
      if (subscriber.closed) return;
      open(subscriber, (session) => subscriber.add(() => session.end('unsubscribed')));
    });
  }

  override subscribe(
    observer?: Partial<Observer<R>> | Next<R> | null,
    error?: Fail | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (!observer && !error && !complete) return new SessionSubscription(this.open);
    if (!observer || typeof observer === 'function') {
      return super.subscribe({ next: observer ?? quiet, error: error ?? quiet, complete: complete ?? quiet });
    }
    if (observer.error !== undefined) return super.subscribe(observer);
    return super.subscribe({
      next: (value) => observer.next?.(value),
      error: quiet,
      complete: () => observer.complete?.(),
    });
  }
}
