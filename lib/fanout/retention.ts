import type { LogEntry } from './scopeLog.js';

/** A session as the log's tombstones see it. */
export interface Follower {
  /** The last sequence it was given, while it reads the log or may come to; Infinity: it needs nothing of the log. */
  readonly cursor: number;
  /** It may have any definition that was born up to here; at least `cursor`. */
  readonly knows: number;
  /** These tombstones (their sequences, ascending) are no longer for it. */
  spared(sequences: readonly number[]): void;
}

/**
 * Keeps a delete in the log as long as a session may have the definition and has not got the delete (`held`), and beyond
 * that up to a limit (`spare`), oldest out first.
 *
 * A session needs a tombstone when `cursor < sequence` and `born <= knows`. A held tombstone remembers one session that
 * needs it, its witness, and is looked at again only when that one has moved past it or is gone.
 */
export class Retention {
  #unsorted: LogEntry[] = [];
  readonly #held = new Map<Follower, LogEntry[]>();
  #spare = new Set<LogEntry>();
  #newestSpare = 0;

  constructor(
    private readonly maxTombstones: number,
    private readonly drop: (entry: LogEntry) => void,
  ) {}

  add(entry: LogEntry): void {
    this.#unsorted.push(entry);
  }

  forget(entry: LogEntry): void {
    this.#spare.delete(entry);
  }

  sweep(followers: readonly (Follower | undefined)[]): void {
    this.#releaseHeld();
    if (this.#unsorted.length === 0 && this.#spare.size <= this.maxTombstones) return;
    const needs = new Needs(followers);
    const spared = this.#sort(needs);
    if (spared.length > 0) {
      const sequences = spared.map(({ frame }) => frame.sequence).sort((a, b) => a - b);
      for (const follower of followers) follower?.spared(sequences);
    }
    for (const entry of this.#spare) {
      if (this.#spare.size <= this.maxTombstones) break;
      if (needs.witness(entry) === undefined) this.drop(entry);
    }
  }

  /** Takes back what witnesses no longer need. A witness that has left needs nothing: its cursor is Infinity. */
  #releaseHeld(): void {
    for (const [witness, entries] of this.#held) {
      const { cursor } = witness;
      const kept = entries.findIndex(({ frame }) => frame.sequence > cursor);
      if (kept === 0) continue;
      const passed = kept < 0 ? entries : entries.splice(0, kept);
      if (kept < 0) this.#held.delete(witness);
      for (const entry of passed) this.#unsorted.push(entry);
    }
  }

  /** Finds each a witness; those without are spare, and returned. */
  #sort(needs: Needs): LogEntry[] {
    const spared: LogEntry[] = [];
    const fresh = this.#unsorted.filter(({ slot }) => slot >= 0).sort(bySequence);
    this.#unsorted = [];
    for (const entry of fresh) {
      const witness = needs.witness(entry);
      if (witness === undefined) spared.push(entry);
      else this.#hold(witness, entry);
    }
    for (const entry of spared) this.#setSpare(entry);
    return spared;
  }

  #hold(witness: Follower, entry: LogEntry): void {
    const entries = this.#held.get(witness);
    if (entries === undefined) {
      this.#held.set(witness, [entry]);
      return;
    }
    const last = entries.at(-1);
    entries.push(entry);
    if (last !== undefined && bySequence(last, entry) > 0) entries.sort(bySequence);
  }

  #setSpare(entry: LogEntry): void {
    entry.spare = true;
    this.#spare.add(entry);
    // A Set keeps the order of arrival; what was held for long arrives behind younger ones.
    if (entry.frame.sequence < this.#newestSpare) this.#spare = new Set([...this.#spare].sort(bySequence));
    else this.#newestSpare = entry.frame.sequence;
  }
}

function bySequence(a: LogEntry, b: LogEntry): number {
  return a.frame.sequence - b.frame.sequence;
}

/** Answers which follower needs a tombstone, in the logarithm of the followers that are behind. */
class Needs {
  readonly #behind: Follower[];
  /** For each of `behind` the one with the lowest cursor from there on. */
  readonly #slowest: Follower[];

  constructor(followers: readonly (Follower | undefined)[]) {
    this.#behind = followers.filter((follower) => follower !== undefined && follower.cursor < Infinity) as Follower[];
    this.#behind.sort((a, b) => a.knows - b.knows);
    this.#slowest = [...this.#behind];
    for (let i = this.#slowest.length - 2; i >= 0; i--) {
      const [here, next] = [this.#slowest[i], this.#slowest[i + 1]] as [Follower, Follower];
      if (next.cursor < here.cursor) this.#slowest[i] = next;
    }
  }

  witness({ born, frame }: LogEntry): Follower | undefined {
    let low = 0;
    let high = this.#behind.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#behind[middle]?.knows ?? 0) >= born) high = middle;
      else low = middle + 1;
    }
    const slowest = this.#slowest[low];
    return slowest !== undefined && slowest.cursor < frame.sequence ? slowest : undefined;
  }
}
