/** A place in a row, with the value that stands there; the last place of every row is empty. */
export interface Place<T> {
  value: T | undefined;
  next: Place<T> | undefined;
}

/**
 * The values that many consumers wait for, in one linked list that they share: each keeps the place it has come to, and is
 * to get every later value, or leaves the row.
 *
 * - The row holds no value itself, so what nobody waits for any more can be collected.
 * - A value that nobody waits for leads nowhere: a place that is garbage, but old, would keep all that comes after it until
 *   the next full collection.
 */
export class Row<T> {
  /** Where the next value will stand. */
  #end: Place<T> = vacant();
  /** The place of the value under way. */
  #place: Place<T> | undefined = undefined;
  /** Whether somebody has taken a place since the value came. */
  #taken = false;

  /** A value comes. */
  push(value: T): void {
    this.#place = this.#end;
    this.#end = vacant();
    this.#place.value = value;
    this.#place.next = this.#end;
    this.#taken = false;
  }

  /** The place of the value under way, for who waits for it. */
  take(): Place<T> | undefined {
    this.#taken = true;
    return this.#place;
  }

  /** The place of the next value, for who is to wait from there on. */
  next(): Place<T> {
    return this.#end;
  }

  /** The value under way has come to everybody. `waitedFor`: by somebody whose place comes before it. */
  passed(waitedFor: boolean): void {
    if (!waitedFor && !this.#taken && this.#place !== undefined) this.#place.value = this.#place.next = undefined;
    this.#place = undefined;
  }
}

function vacant<T>(): Place<T> {
  return { value: undefined, next: undefined };
}
