import { from, Subscription } from 'rxjs';
import type { ObservableInput, Observer } from 'rxjs';

/** Who is told of a delivery in flight. */
export interface Followed<R> {
  /** Whether the place is free when a delivery completes, before it is torn down. */
  readonly freesAtOnce: boolean;
  /** Keeps hold of it, to unsubscribe it when all ends. */
  hold(inner: Subscription): void;
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
 * An Observer and a Subscription in one is what RxJS itself takes for a Subscriber: so it costs one object, and a consumer
 * that unsubscribes during a synchronous run can stop it, which the subscription that `subscribe` returns comes too late for.
 */
export class Following<R> extends Subscription implements Observer<R> {
  private started = false;
  private ended: 'completed' | 'failed' | undefined = undefined;

  constructor(private readonly delivery: Followed<R>) {
    super();
  }

  /**
   * An `input` that is no ObservableInput is an error of the delivery (a TypeError), as in RxJS.
   * @returns whether it has completed already
   */
  start(input: ObservableInput<R>): boolean {
    this.delivery.hold(this);
    try {
      from(input).subscribe(this);
    } catch (error) {
      this.error(error);
    }
    this.started = true;
    return this.ended === 'completed';
  }

  next(value: R): void {
    if (!this.stopped) this.delivery.emit(value);
  }

  error(error: unknown): void {
    if (this.stopped) return;
    this.ended = 'failed';
    this.delivery.fail(error);
    this.unsubscribe();
  }

  complete(): void {
    if (this.stopped) return;
    this.ended = 'completed';
    // exhaustMap frees its place when the inner completes, concatMap only after the inner's teardown.
    if (!this.started) this.delivery.settling();
    else if (this.delivery.freesAtOnce) this.delivery.settleAndGoOn();
    this.unsubscribe();
  }

  override unsubscribe(): void {
    if (this.closed) return;
    try {
      super.unsubscribe();
    } finally {
      if (this.started && this.ended === 'completed' && !this.delivery.freesAtOnce) this.delivery.settleAndGoOn();
    }
  }

  /** Whatever it is told now comes too late. */
  private get stopped(): boolean {
    return this.ended !== undefined || this.closed;
  }
}
