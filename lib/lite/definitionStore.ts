import type { DefinitionSyncMsg } from '../definition.js';

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * Where a device keeps its definitions between runs. `connectLite` calls one method at a time and waits for its result.
 *
 * - `list` is called before the first connection, again with each attempt until it works; `put` and `delete` for every change;
 *   `get` is for whoever has the store: the device does not call it.
 * - What is put MUST be what `get` and `list` give back: `definitionType`, `name`, `action`, `payload` and `scope`.
 * - A method that throws or rejects drops the connection (`STORE`); the next one brings the change again. Whether it took
 *   effect nobody knows, so that key is put or deleted once more even if nothing seems to have changed.
 * - A call may be under way when the device is closed. A store that the next device gets then MUST list behind it.
 */
export interface DefinitionStore {
  get(key: string): Awaitable<DefinitionSyncMsg | undefined>;
  put(key: string, msg: DefinitionSyncMsg): Awaitable<void>;
  delete(key: string): Awaitable<void>;
  list(): Awaitable<Iterable<DefinitionSyncMsg>>;
}
