import { Delivery, PAUSED, SETTLING } from './delivery.js';
import { FanoutError } from './errors.js';
import { Ring } from './ring.js';
import type { Place, Row } from './row.js';

/** Who gives way when a value finds no place to wait: named after the victim. */
export type OverflowStrategy = 'drop-incoming' | 'drop-oldest' | 'error' | 'catch-up';

/** How many values wait when nothing else is said; the original's channel holds as many. */
export const DEFAULT_CAPACITY = 256;

/**
 * One delivery at a time, `capacity` values waiting, first in, first out, then overflow.
 *
 * - What waits is `queued` values of a row that many share, from `head` on, as long as it was offered all that the row
 *   took since; else it is in a queue of its own. Either is there only while values wait.
 * - `undefined` is a value like any other: ask how many wait, not for the value.
 */
export abstract class BufferedDelivery<T, R> extends Delivery<T, R> {
  protected queued = 0;
  readonly capacity: number;
  protected head: Place<T> | undefined = undefined;
  protected queue: Ring<T> | undefined = undefined;
  /** Values that were dropped one by one. */
  protected victims = 0;
  readonly overflow: OverflowStrategy;

  constructor(deliver: (value: T) => unknown, capacity: number, overflow: OverflowStrategy) {
    super(deliver);
    this.capacity = capacity;
    this.overflow = overflow;
  }

  /** How many values were dropped. */
  get dropped(): number {
    return this.victims;
  }

  /** Where values may wait together with others'; whoever has one is offered every value that it takes. */
  protected get row(): Row<T> | undefined {
    return undefined;
  }

  /** Nothing waits and nothing is in flight: become ready, or end. */
  protected abstract idle(): void;
  /** A victim was chosen and counted. */
  protected abstract lost(victim: T): void;

  override get freesAtOnce(): boolean {
    return this.capacity === 0;
  }

  protected override wait(value: T): void {
    if (this.queued < this.capacity || this.hasFreedItsPlace()) this.enqueue(value);
    else this.overflowed(value);
  }

  /** At capacity 0 a delivery that has completed has freed its own place, even while it is still being started. */
  private hasFreedItsPlace(): boolean {
    return this.freesAtOnce && this.status === SETTLING && this.queued === 0;
  }

  protected override goOn(): void {
    while (this.status === PAUSED) {
      this.freed();
      if (this.queued === 0) {
        this.idle();
        return;
      }
      this.start(this.shift());
    }
  }

  protected enqueue(value: T): void {
    this.interrupt();
    const place = this.queue === undefined ? this.row?.take() : undefined;
    if (this.queued++ === 0 && place !== undefined) this.head = place;
    else if (this.head === undefined) (this.queue ??= new Ring()).push(value);
  }

  /** The value that waits longest. Only to be called when one does. */
  protected oldest(): T {
    const { head, queue } = this;
    return (head === undefined ? queue?.peek() : head.value) as T;
  }

  /** Takes out the value that waits longest. Only to be called when one does. */
  protected shift(): T {
    const { head, queue } = this;
    const isLast = --this.queued === 0;
    if (head !== undefined) {
      this.head = isLast ? undefined : head.next;
      return head.value as T;
    }
    if (isLast) this.queue = undefined;
    return queue?.shift() as T;
  }

  /** Takes what waits out of the row, which goes on without it: a place keeps alive all that comes after it. */
  protected leaveRow(): void {
    if (this.head === undefined) return;
    const queue = new Ring<T>();
    for (let place: Place<T> | undefined = this.head; place && queue.length < this.queued; place = place.next) {
      queue.push(place.value as T);
    }
    this.queue = queue;
    this.head = undefined;
  }

  /** Lets go of what waits. */
  protected letQueueGo(): void {
    this.queued = 0;
    this.head = undefined;
    this.queue = undefined;
  }

  /** Chooses the victim among the arriving value and those that wait. */
  protected overflowed(value: T): void {
    let victim = value;
    if (this.overflow === 'drop-oldest' && this.capacity > 0) {
      victim = this.shift();
      this.enqueue(value);
    } else if (this.overflow !== 'error') {
      this.leaveRow();
    }
    this.victims++;
    this.lost(victim);
    if (this.overflow !== 'error') return;
    const rule = `at most ${this.capacity} values (the capacity) can wait`;
    this.fail(new FanoutError('BUFFER_OVERFLOW', `${rule}, and one more arrived`));
  }
}
