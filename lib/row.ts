/** A place in a row, with the value that stands there; the last place of every row is empty. */
export interface Place<T> {
  value: T | undefined;
  next: Place<T> | undefined;
}

/**
 * The values that many consumers wait for, in one linked list that they share: each keeps the place it has come to.
 * The row holds no value itself, so what nobody waits for any more can be collected.
 */
export class Row<T> {
  #end: Place<T> = { value: undefined, next: undefined };

  append(value: T): Place<T> {
    const place = this.#end;
    place.value = value;
    this.#end = place.next = { value: undefined, next: undefined };
    return place;
  }
}
