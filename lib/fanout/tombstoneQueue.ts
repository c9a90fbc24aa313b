import type { LogEntry } from './scopeLog.js';

/** Tombstones, oldest first. Any can be taken out; those that arrive out of order are sorted in when next it is read. */
export class TombstoneQueue implements Iterable<LogEntry> {
  #entries = new Set<LogEntry>();
  #newest = 0;
  #sorted = true;

  get size(): number {
    return this.#entries.size;
  }

  add(entry: LogEntry): void {
    const { sequence } = entry.frame;
    if (sequence < this.#newest) this.#sorted = false;
    else this.#newest = sequence;
    this.#entries.add(entry);
  }

  delete(entry: LogEntry): void {
    this.#entries.delete(entry);
  }

  [Symbol.iterator](): IterableIterator<LogEntry> {
    if (!this.#sorted) {
      this.#entries = new Set([...this.#entries].sort((a, b) => a.frame.sequence - b.frame.sequence));
      this.#sorted = true;
    }
    return this.#entries.values();
  }
}
