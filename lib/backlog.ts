import { Ring } from './ring.js';
import type { Place } from './row.js';

/**
 * The values that wait for one consumer, first in, first out.
 *
 * - They are `queued` values of a row that many share, from `head` on, as long as it was offered all that the row took
 *   since; else they are in a queue of its own. Either is there only while values wait.
 * - `undefined` is a value like any other: ask how many wait, not for the value.
 */
export abstract class Backlog<T> {
  protected queued = 0;
  protected head: Place<T> | undefined = undefined;
  protected queue: Ring<T> | undefined = undefined;

  /** How many values wait. */
  get waiting(): number {
    return this.queued;
  }

  /** @param place where the value stands in a row; whoever is given one is offered all that the row takes from there on */
  protected enqueue(value: T, place: Place<T> | undefined): void {
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

  /** Takes what waits out of the row, which goes on without it: a place keeps alive all that stands behind. */
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
}
