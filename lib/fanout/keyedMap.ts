/**
 * A Map by string in which one key may come and go for ever at a constant cost.
 *
 * V8's Map keeps deleted entries in their chain until it is rebuilt, and walks them at every look-up of that key. So a
 * deleted key stays with an empty value, and the whole is rebuilt when more than half of the keys are dead.
 */
export class KeyedMap<V extends object> {
  size = 0;
  #map = new Map<string, V | undefined>();

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  /** Sets the value, and returns the one before. */
  set(key: string, value: V): V | undefined {
    const before = this.#map.get(key);
    this.#map.set(key, value);
    if (before === undefined) this.size++;
    return before;
  }

  delete(key: string): void {
    if (this.#map.get(key) === undefined) return;
    this.#map.set(key, undefined);
    this.size--;
    if (this.#map.size > 2 * this.size + 16) this.#rebuild();
  }

  forEach(visit: (value: V, key: string) => void): void {
    this.#map.forEach((value, key) => {
      if (value !== undefined) visit(value, key);
    });
  }

  values(): V[] {
    const values: V[] = [];
    this.forEach((value) => values.push(value));
    return values;
  }

  #rebuild(): void {
    const alive = new Map<string, V | undefined>();
    for (const [key, value] of this.#map) if (value !== undefined) alive.set(key, value);
    this.#map = alive;
  }
}
