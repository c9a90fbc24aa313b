import { firstAbove } from './firstAbove.js';
import { TombstoneQueue } from './tombstoneQueue.js';
import type { LogEntry } from './scopeLog.js';

/** A session as the log's tombstones see it. */
export interface Follower {
  /** It needs no tombstone up to here, mostly since it was given what is; Infinity: none at all. */
  readonly cursor: number;
  /** It has, or has waiting in its queue, no definition that was born later. */
  readonly knows: number;
  /** It may have, from elsewhere, any definition that the log heard of up to here; 0: none. */
  readonly promised: number;
  /** These tombstones (their sequences, ascending) are no longer for it. */
  spared(sequences: readonly number[]): void;
}

/**
 * Keeps a delete in the log as long as a session may have the definition and has not got the delete (`held`), and beyond
 * that up to a limit (`spare`), oldest out first.
 *
 * A session needs a tombstone when `cursor < sequence`, and `born <= knows` or `heard <= promised`. A held tombstone
 * remembers one session that needs it, its witness, and is looked at again only when that one has moved past it, is gone,
 * or says that its need has changed.
 */
export class Retention {
  #unsorted: LogEntry[] = [];
  readonly #held = new Map<Follower, TombstoneQueue>();
  readonly #spare = new TombstoneQueue();

  constructor(
    private readonly maxTombstones: number,
    private readonly drop: (entry: LogEntry) => void,
  ) {}

  add(entry: LogEntry): void {
    this.#unsorted.push(entry);
  }

  /** The tombstone has left the log, and must be free to go. */
  forget(entry: LogEntry): void {
    this.#spare.delete(entry);
    const { witness } = entry;
    const held = witness && this.#held.get(witness);
    held?.delete(entry);
    if (witness && held?.size === 0) this.#held.delete(witness);
  }

  /** The follower has left, or needs less than it did: what it is the witness of is looked at in the next sweep. */
  release(follower: Follower): void {
    for (const entry of this.#held.get(follower) ?? []) this.#takeBack(entry);
    this.#held.delete(follower);
  }

  /** @param behind gives all that may be behind; called only when there is a tombstone to decide on */
  sweep(behind: () => readonly Follower[]): void {
    this.#releasePassed();
    if (this.#unsorted.length === 0 && this.#spare.size <= this.maxTombstones) return;
    const followers = behind();
    const needs = new Needs(followers);
    const spared = this.#sort(needs);
    if (spared.length > 0) for (const follower of followers) follower.spared(spared);
    if (this.#spare.size <= this.maxTombstones) return;
    for (const entry of this.#spare) {
      entry.witness = needs.witness(entry);
      if (entry.witness === undefined) this.drop(entry);
      else this.#hold(entry.witness, entry);
      if (this.#spare.size <= this.maxTombstones) break;
    }
  }

  /** Takes back what witnesses have moved past. */
  #releasePassed(): void {
    for (const [witness, entries] of this.#held) {
      const { cursor } = witness;
      for (const entry of entries) {
        if (entry.frame.sequence > cursor) break;
        entries.delete(entry);
        this.#takeBack(entry);
      }
      if (entries.size === 0) this.#held.delete(witness);
    }
  }

  #takeBack(entry: LogEntry): void {
    entry.witness = undefined;
    this.#unsorted.push(entry);
  }

  /** Finds each a witness; those without are spare from now on, and their sequences are returned, ascending. */
  #sort(needs: Needs): number[] {
    const spared: number[] = [];
    for (const entry of this.#unsorted) {
      if (entry.slot < 0) continue;
      entry.witness = needs.witness(entry);
      if (entry.witness !== undefined) {
        this.#hold(entry.witness, entry);
        continue;
      }
      // One that was spare before a session came that was promised it, is spared nobody again.
      if (!entry.spare) spared.push(entry.frame.sequence);
      entry.spare = true;
      this.#spare.add(entry);
    }
    this.#unsorted = [];
    return spared.sort((a, b) => a - b);
  }

  #hold(witness: Follower, entry: LogEntry): void {
    this.#spare.delete(entry);
    let entries = this.#held.get(witness);
    if (entries === undefined) this.#held.set(witness, (entries = new TombstoneQueue()));
    entries.add(entry);
  }
}

/** Answers which follower needs a tombstone, in the logarithm of the places at which followers are behind. */
class Needs {
  readonly #byKnowledge: Ranking;
  readonly #byPromise: Ranking;

  constructor(followers: readonly Follower[]) {
    const knows = new Map<number, Follower>();
    const promised = new Map<number, Follower>();
    for (const follower of followers) {
      if (follower.cursor === Infinity) continue;
      keepSlowest(knows, follower.knows, follower);
      if (follower.promised > 0) keepSlowest(promised, follower.promised, follower);
    }
    this.#byKnowledge = new Ranking(knows);
    this.#byPromise = new Ranking(promised);
  }

  witness({ born, heard, spare, frame: { sequence } }: LogEntry): Follower | undefined {
    // What is spare was not needed when it was new; who has read on since has not been given what it ends.
    if (spare) return this.#byPromise.behind(sequence, sequence);
    return this.#byKnowledge.behind(sequence, born) ?? this.#byPromise.behind(sequence, heard);
  }
}

/** Many fall behind together: of those of one rank the one that is furthest behind speaks for all. */
function keepSlowest(byRank: Map<number, Follower>, rank: number, follower: Follower): void {
  const slowest = byRank.get(rank);
  if (slowest === undefined || follower.cursor < slowest.cursor) byRank.set(rank, follower);
}

/** Followers by rank; each with the one that is furthest behind from there on. */
class Ranking {
  readonly #ranks: number[];
  readonly #slowest: Follower[];

  constructor(byRank: ReadonlyMap<number, Follower>) {
    const ranked = [...byRank].sort(([a], [b]) => a - b);
    this.#ranks = ranked.map(([rank]) => rank);
    this.#slowest = ranked.map(([, follower]) => follower);
    for (let i = this.#slowest.length - 2; i >= 0; i--) {
      const [here, next] = [this.#slowest[i], this.#slowest[i + 1]] as [Follower, Follower];
      if (next.cursor < here.cursor) this.#slowest[i] = next;
    }
  }

  /** The one that is furthest behind among those of rank `least` and above, if it is behind `sequence`. */
  behind(sequence: number, least: number): Follower | undefined {
    const slowest = this.#slowest[firstAbove(this.#ranks, least - 1)];
    return slowest !== undefined && slowest.cursor < sequence ? slowest : undefined;
  }
}
