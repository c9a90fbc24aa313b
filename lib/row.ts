/** A place in a row, with the value that stands there; the last place of every row is empty. */
export interface Place<T> {
  value: T | undefined;
  next: Place<T> | undefined;
}

/**
 * The values that many consumers wait for, in one linked list that they share: each keeps the place it has come to, and is
 * offered every later value, or leaves the row.
 *
 * - The row holds no value itself, so what nobody waits for any more can be collected.
 * - A value has a place only if somebody waits for it. One that nobody waits for parts the list: a place that is garbage,
 *   but old, would keep all that comes after it until the next full collection.
 */
export class Row<T> {
  #end: Place<T> = { value: undefined, next: undefined };
  /** Whether a place before it leads to the end. */
  #linked = false;
  /** The place of the value under way, as soon as somebody waits for it. */
  #place: Place<T> | undefined = undefined;

  /** The place of the value under way. */
  take(value: T): Place<T> {
    if (this.#place !== undefined) return this.#place;
    const place = this.#end;
    place.value = value;
    this.#end = place.next = { value: undefined, next: undefined };
    this.#linked = true;
    return (this.#place = place);
  }

  /** The value under way has been offered to everybody. */
  passed(): void {
    if (this.#place === undefined && this.#linked) {
      this.#end = { value: undefined, next: undefined };
      this.#linked = false;
    }
    this.#place = undefined;
  }
}
