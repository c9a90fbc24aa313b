import { Observable, Subscription } from 'rxjs';
import type { Observer, Subscriber } from 'rxjs';
import type { Session } from './session.js';

/** Opens a session that gives its results to `output`, or to nobody. */
export type OpenSession<R> = (output: Subscriber<R> | undefined) => Session | undefined;

/** What a session's Observable hears of when nobody handles its errors: it is in the log and on `events$` already. */
const quiet = (): void => undefined;

/** Unsubscribing unregisters; there is no Subscriber between, since nobody listens. */
class SessionSubscription extends Subscription {
  constructor(private readonly session: Session) {
    super();
  }

  override unsubscribe(): void {
    if (this.closed) return;
    super.unsubscribe();
    this.session.discard('unsubscribed');
  }
}

/**
 * A cold Observable: subscribing registers the session, unsubscribing unregisters it.
 * Subscribed to without an error handler, it raises no unhandled error when the session fails.
 */
export class SessionObservable<R> extends Observable<R> {
  constructor(private readonly open: OpenSession<R>) {
    super((subscriber) => {
      const session = open(subscriber);
      if (session === undefined) return;
      subscriber.add(() => session.discard('unsubscribed'));
      session.begin();
    });
  }

  override subscribe(observer?: Partial<Observer<R>> | ((value: R) => void) | null): Subscription {
    if (observer === undefined || observer === null) return this.#subscribeBare();
    if (typeof observer === 'function') return super.subscribe({ next: observer, error: quiet });
    if (observer.error !== undefined) return super.subscribe(observer);
    return super.subscribe({
      next: (value) => observer.next?.(value),
      error: quiet,
      complete: () => observer.complete?.(),
    });
  }

  #subscribeBare(): Subscription {
    const session = this.open(undefined);
    if (session === undefined) return Subscription.EMPTY;
    const subscription = new SessionSubscription(session);
    session.begin();
    return subscription;
  }
}
