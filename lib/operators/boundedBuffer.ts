import { Observable } from 'rxjs';
import { BufferedDelivery, DEFAULT_CAPACITY } from '../bufferedDelivery.js';
import { CLOSED, READY, SETTLING } from '../delivery.js';
import { guarded } from '../unhandled.js';
import { functionOption, objectOption, oneOf, wholeNumber } from '../options.js';
import { subscribeChained } from '../subscribeChained.js';
import type { ObservableInput, OperatorFunction, Subscriber, Unsubscribable } from 'rxjs';

export interface BoundedBufferOptions<T> {
  /** How many values may wait, the one in flight not counted: a whole number of 0 or more, or Infinity; default 256. */
  readonly capacity?: number | undefined;
  /** The victim when a value finds `capacity` values waiting; default `drop-incoming`. */
  readonly overflow?: 'drop-incoming' | 'drop-oldest' | 'error' | undefined;
  /**
   * Called once for every victim, after the state has changed and before any error, with the victims so far.
   * What it throws goes to `config.onUnhandledError`; the stream goes on.
   */
  readonly onOverflow?: ((dropped: T, total: number) => void) | undefined;
}

const STRATEGIES = ['drop-incoming', 'drop-oldest', 'error'] as const;

/**
 * Hands values to `deliver` one at a time, lets `capacity` more wait, and gives way by `overflow` beyond that.
 * `capacity: 0` is `exhaustMap`; `capacity: Infinity` is `concatMap`.
 *
 *     source   -abc-----d----|
 *     deliver   x---|             emits at once, completes 4 frames later
 *     result   -a---b---d----|    capacity 1: a in flight, b waits
 *     dropped  ---c-----------    c finds one waiting
 *
 * - Never delays the source: a slow consumer cannot hold another back.
 * - The source completes: what waits is delivered first. The source errors, or the consumer unsubscribes: what is in
 *   flight is unsubscribed and what waits is let go.
 * - State belongs to the subscription; an idle one holds no buffer memory, and no value that has left is referenced.
 *
 * @param deliver called with a value and the number of deliveries before it. Returns nothing: delivered at once.
 *   Returns an ObservableInput: delivered when that completes, and what it emits is emitted. It throws, or its result
 *   errors: the result errors.
 * @throws {FanoutError} BAD_OPTION at call time, naming the rule and the value.
 */
export function boundedBuffer<T, R = never>(
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a delivery that returns nothing is a delivery done
  deliver: (value: T, index: number) => ObservableInput<R> | void,
  options: BoundedBufferOptions<T> = {},
): OperatorFunction<T, R> {
  const { capacity = DEFAULT_CAPACITY, overflow = 'drop-incoming', onOverflow } = objectOption('options', options);
  functionOption('deliver', deliver);
  wholeNumber('capacity', capacity);
  oneOf('overflow', overflow, STRATEGIES);
  if (onOverflow !== undefined) functionOption('onOverflow', onOverflow);

  return (source) =>
    new Observable((subscriber) => {
      const buffer = new Buffer(subscriber, deliver, capacity, overflow, onOverflow);
      subscriber.add(() => buffer.clear());
      subscribeChained(source, subscriber, {
        next: (value) => buffer.offer(value),
        complete: () => buffer.complete(),
      });
    });
}

class Buffer<T, R> extends BufferedDelivery<T, R> {
  #sourceCompleted = false;

  constructor(
    private readonly subscriber: Subscriber<R>,
    deliver: (value: T, index: number) => unknown,
    capacity: number,
    overflow: 'drop-incoming' | 'drop-oldest' | 'error',
    private readonly onOverflow: ((dropped: T, total: number) => void) | undefined,
  ) {
    super((value) => deliver(value, this.delivered), capacity, overflow);
  }

  override offer(value: T): void {
    if (!this.closed) super.offer(value);
  }

  complete(): void {
    this.#sourceCompleted = true;
    if (this.status === READY || this.isLast()) this.subscriber.complete();
    else this.interrupt();
  }

  /** Lets go of everything; nothing is delivered any more. */
  clear(): void {
    this.status = CLOSED;
    this.letQueueGo();
  }

  /** The last one of all is over when it completes, before what it started with has returned: so do its RxJS siblings. */
  override settling(): void {
    super.settling();
    if (this.#sourceCompleted && this.isLast()) this.subscriber.complete();
  }

  private isLast(): boolean {
    return this.status === SETTLING && this.queued === 0;
  }

  override emit(result: R): void {
    this.subscriber.next(result);
  }

  override fail(error: unknown): void {
    this.clear();
    this.subscriber.error(error);
  }

  protected override idle(): void {
    this.status = READY;
    if (this.#sourceCompleted) this.subscriber.complete();
  }

  override hold(inner: Unsubscribable): void {
    this.subscriber.add(inner);
  }

  override release(inner: Unsubscribable): void {
    this.subscriber.remove(inner);
  }

  protected override lost(victim: T): void {
    const { dropped, overflow, onOverflow } = this;
    // Whatever arrives while the last victim is told of comes too late.
    if (overflow === 'error') this.clear();
    if (onOverflow !== undefined) guarded(() => onOverflow(victim, dropped));
  }
}
