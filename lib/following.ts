import { config, from, map, Observable, observable, Subscription } from 'rxjs';
import { show } from './options.js';
import { guarded, reportUnhandled } from './unhandled.js';
import type {
  ObservableInput,
  ObservableNotification,
  Observer,
  Subscriber,
  SubscriptionLike,
  TeardownLogic,
  Unsubscribable,
} from 'rxjs';

/** Who is told of a delivery in flight. */
export interface Followed<R> {
  /** Whether the place is free when a delivery completes, before it is torn down. */
  readonly freesAtOnce: boolean;
  /** Keeps hold of it, to unsubscribe it when all ends. */
  hold(inner: Unsubscribable): void;
  /** It is torn down: for who keeps hold of it beyond the next. */
  release?(inner: Unsubscribable): void;
  emit(result: R): void;
  fail(error: unknown): void;
  /** It has completed while it is still being started. */
  settling(): void;
  /** It has completed later, and the place is free. */
  settleAndGoOn(): void;
}

/**
 * Follows what one delivery returned until it ends.
 *
 * - An Observer and a subscription in one is what RxJS 7 itself takes for a Subscriber. So an Observable costs one object, and a
 *   consumer that unsubscribes during a synchronous run can stop it, which the subscription that `subscribe` returns comes
 *   too late for.
 * - It is no Subscription of RxJS, and makes one only for teardowns: that class's code serves whatever else a process does
 *   with RxJS, and is so general after a while that completing a delivery took twice as long.
 * - What a consumer or a teardown throws is reported, as RxJS does with what a consumer throws: whoever feeds several
 *   deliveries goes on with the next.
 */
export class Following<R> implements Observer<R>, SubscriptionLike {
  closed = false;
  private started = false;
  private ended: 'completed' | 'failed' | undefined = undefined;
  /** Made when there are any. */
  private teardowns: Subscription | undefined = undefined;

  constructor(private readonly delivery: Followed<R>) {}

  /**
   * An `input` that is no ObservableInput is an error of the delivery, a TypeError, as in RxJS.
   * @returns whether it has completed already
   */
  follow(input: ObservableInput<R>): boolean {
    this.delivery.hold(this);
    try {
      if (isMerePromise<R>(input)) this.settleWith(input);
      else streamOf(input).subscribe(this);
    } catch (error) {
      this.error(error);
    }
    this.started = true;
    return this.ended === 'completed';
  }

  /** What `from` does, without all that it makes for it: where deliveries take time, most are promises. */
  private settleWith(promise: Promise<R>): void {
    promise.then(
      (value) => {
        if (this.closed) return;
        this.next(value);
        this.complete();
      },
      (error: unknown) => this.error(error),
    );
  }

  next(value: R): void {
    if (this.stopped) {
      this.tooLate({ kind: 'N', value });
      return;
    }
    try {
      this.delivery.emit(value);
    } catch (error) {
      reportUnhandled(error);
    }
  }

  error(error: unknown): void {
    if (this.stopped) {
      this.tooLate({ kind: 'E', error });
      return;
    }
    this.ended = 'failed';
    guarded(() => this.delivery.fail(error));
    this.tearDown();
  }

  complete(): void {
    if (this.stopped) {
      this.tooLate({ kind: 'C' });
      return;
    }
    this.ended = 'completed';
    // exhaustMap frees its place when the inner completes, concatMap only after the inner's teardown.
    const { freesAtOnce } = this.delivery;
    if (!freesAtOnce) this.tearDown();
    if (!this.started) this.delivery.settling();
    else if (freesAtOnce) this.goOn();
    if (freesAtOnce) this.tearDown();
  }

  /** Runs `teardown` when all ends, or at once when it has: a Subscriber's method. */
  add(teardown: TeardownLogic): void {
    if (!teardown) return;
    if (this.closed) Subscription.EMPTY.add(teardown);
    else (this.teardowns ??= new Subscription()).add(teardown);
  }

  /** Takes back what was added: a Subscriber's method. */
  remove(teardown: Exclude<TeardownLogic, void>): void {
    this.teardowns?.remove(teardown);
  }

  unsubscribe(): void {
    if (this.closed) return;
    this.closed = true;
    this.delivery.release?.(this);
    try {
      this.teardowns?.unsubscribe();
    } finally {
      if (this.started && this.ended === 'completed' && !this.delivery.freesAtOnce) this.goOn();
    }
  }

  // `guarded`, written out where most deliveries come by: its closure costs more than all else here.
  private tearDown(): void {
    try {
      this.unsubscribe();
    } catch (error) {
      reportUnhandled(error);
    }
  }

  private goOn(): void {
    try {
      this.delivery.settleAndGoOn();
    } catch (error) {
      reportUnhandled(error);
    }
  }

  private get stopped(): boolean {
    return this.ended !== undefined || this.closed;
  }

  /** RxJS has a hook that is told, later, of what is ignored. */
  private tooLate(notification: ObservableNotification<R>): void {
    const { onStoppedNotification } = config;
    if (onStoppedNotification) setTimeout(onStoppedNotification, 0, notification, this as unknown as Subscriber<R>);
  }
}

/** One that `from` takes as a promise, since it looks for an Observable and an array first, and whose `then` is the language's own. */
function isMerePromise<R>(input: ObservableInput<R>): input is Promise<R> {
  if (!(input instanceof Promise)) return false;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- RxJS's own key, whatever it was when RxJS was loaded
  return !(observable in input || 'length' in input) && input.then === Promise.prototype.then;
}

/** Whatever is no Observable of RxJS gets a Subscriber of RxJS: other libraries' may wrap what they are given, or look for methods. */
function streamOf<R>(input: ObservableInput<R>): Observable<R> {
  return input instanceof Observable ? input : from(checked(input)).pipe(map((result) => result));
}

/** What an arrow function returns unawares: the length after a push, whether a socket took all. RxJS would not say who did. */
function checked<R>(input: ObservableInput<R>): ObservableInput<R> {
  const isStream = ['object', 'function', 'string'].includes(typeof input) && (input as unknown) !== null;
  if (isStream) return input;
  throw new TypeError(`deliver must return nothing or an ObservableInput, got ${show(input)}`);
}
