import { Observable, Subscription } from 'rxjs';
import { reportUnhandled } from '../unhandled.js';
import type { Observer, Subscriber } from 'rxjs';
import type { Session } from './session.js';

/** Opens a session that gives its results to `output`; `made` has it before anybody is told, and so can end it. */
export type OpenSession<R> = (output: Observer<R>, made: (session: Session) => void) => void;

type Next<R> = (value: R) => void;
type Fail = (error: unknown) => void;
/** An observer, however it was given. */
type Handlers<R> = { readonly [K in keyof Observer<R>]?: Observer<R>[K] | null | undefined };

/** Whoever subscribes without an observer. */
const NOBODY: Handlers<unknown> = {};

/**
 * The subscription of an observer and the session's Observer in one: it closes when the session ends.
 * RxJS's own takes four objects more, as many as all else that a session consists of.
 */
class SessionSubscription<R> extends Subscription implements Observer<R> {
  #session: Session | undefined = undefined;
  /** `undefined`: it has left, or has been told the end. */
  #observer: Handlers<R> | undefined;

  constructor(open: OpenSession<R>, observer: Handlers<R>) {
    super();
    this.#observer = observer;
    open(this, (session) => (this.#session = session));
  }

  next(value: R): void {
    // What it throws is caught by who follows the delivery that emits.
    this.#observer?.next?.(value);
  }

  /** Without an error handler nothing is raised: the failure is in the log and on `events$` already. */
  error(error: unknown): void {
    try {
      this.#observer?.error?.(error);
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    this.unsubscribe();
  }

  complete(): void {
    try {
      this.#observer?.complete?.();
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    this.unsubscribe();
  }

  override unsubscribe(): void {
    if (this.#observer === undefined) return;
    this.#observer = undefined;
    // Closed for whoever is told of the end, and what others have added comes after it: that may broadcast.
    this.closed = true;
    this.#session?.end('unsubscribed');
    this.#session = undefined;
    this.closed = false;
    super.unsubscribe();
  }
}

/**
 * A cold Observable: subscribing registers the session, unsubscribing unregisters it.
 * Subscribed to without an error handler, it raises no unhandled error when the session fails.
 */
export class SessionObservable<R> extends Observable<R> {
  constructor(private readonly open: OpenSession<R>) {
    super();
  }

  override subscribe(
    observer?: Partial<Observer<R>> | Next<R> | null,
    error?: Fail | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (!isSubscriber(observer)) return new SessionSubscription(this.open, handlersOf(observer, error, complete));
    if (!observer.closed) this.open(observer, (session) => observer.add(session));
    return observer;
  }
}

/** An operator's, mostly; RxJS takes it as it is. */
function isSubscriber(observer: unknown): observer is Subscriber<unknown> {
  if (typeof observer !== 'object' || observer === null) return false;
  const { add, remove, unsubscribe, error } = observer as Partial<Subscriber<unknown>>;
  const isSubscription = typeof add === 'function' && typeof remove === 'function' && typeof unsubscribe === 'function';
  return isSubscription && typeof error === 'function';
}

function handlersOf<R>(
  observer: Partial<Observer<R>> | Next<R> | null | undefined,
  error: Fail | null | undefined,
  complete: (() => void) | null | undefined,
): Handlers<R> {
  if (typeof observer === 'object' && observer !== null) return observer;
  if (!observer && !error && !complete) return NOBODY;
  return { next: orNone(observer), error: orNone(error), complete: orNone(complete) };
}

/** Without types it may be what `isWanted && handler` comes to. */
function orNone<F>(handler: F): F | undefined {
  return typeof handler === 'function' ? handler : undefined;
}
