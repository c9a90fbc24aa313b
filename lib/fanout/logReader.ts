import { Ring } from '../ring.js';
import { firstAbove } from './firstAbove.js';
import type { DefinitionFrame } from '../definition.js';
import type { LogEntry, ScopeLog } from './scopeLog.js';

/** Which tombstones a reader is given: all up to `deletesUntil`, and those above `since` that somebody has a use for. */
export interface TombstoneRule {
  readonly deletesUntil: number;
  readonly since: number;
}

export const NO_DELETES: TombstoneRule = { deletesUntil: 0, since: Infinity };
export const ALL_DELETES: TombstoneRule = { deletesUntil: Infinity, since: 0 };
/** Those of definitions that the reader may have. */
export const NEEDED_DELETES: TombstoneRule = { deletesUntil: 0, since: 0 };

/**
 * One reader's place in the log of a scope: a sequence number, a hint, and the exact count of what is ahead.
 * It copies nothing, so that any number of readers share the log; only `freeze` does, for a session that ends.
 */
export class LogReader {
  waiting: number;
  /** The last sequence that is for it, once it is frozen. */
  last: number | undefined = undefined;
  #slot = 0;
  #epoch = -1;
  #frozen: Ring<DefinitionFrame> | undefined = undefined;

  /** Reads on after `position`; `waiting` frames lie ahead, or are to be counted. */
  constructor(
    private readonly log: ScopeLog,
    public position: number,
    private readonly rule: TombstoneRule,
    waiting?: number,
  ) {
    this.waiting = waiting ?? this.count();
  }

  /** It has no use for tombstones up to here, given or not. */
  get cursor(): number {
    const { deletesUntil, since } = this.rule;
    return deletesUntil > 0 ? this.position : Math.max(this.position, since);
  }

  /** All tombstones up to here are for it, whatever it was given. */
  get promised(): number {
    return this.rule.deletesUntil;
  }

  /** The next later frame; `undefined` at the head. */
  next(): DefinitionFrame | undefined {
    const { entries, epoch } = this.log;
    const slot = this.#slot;
    const entry = this.#epoch === epoch && slot < entries.length ? entries[slot] : undefined;
    if (entry === undefined || entry.tombstone) return this.search();
    this.#slot = slot + 1;
    return this.given(entry.frame);
  }

  /** The same where it is not simply what stands in the next slot. */
  private search(): DefinitionFrame | undefined {
    if (this.#frozen !== undefined) return this.#frozen.length > 0 ? this.given(this.#frozen.shift()) : undefined;
    const { entries, epoch } = this.log;
    let slot = this.#epoch === epoch ? this.#slot : this.log.slotAfter(this.position);
    this.#epoch = epoch;
    for (; slot < entries.length; slot++) {
      const entry = entries[slot];
      if (!this.reads(entry)) continue;
      this.#slot = slot + 1;
      return this.given(entry.frame);
    }
    this.#slot = slot;
    return undefined;
  }

  /** Counts the frame that the log took last; returns how many frames it superseded (0 or 1). */
  offered(): 0 | 1 {
    const { sequence, tombstone, spare } = this.log.replaced;
    if (sequence > this.position && (!tombstone || this.sees(sequence, spare))) return 1;
    this.waiting++;
    return 0;
  }

  /** These tombstones are no longer read by those whom `deletesUntil` does not promise them; returns how many were ahead. */
  spared(sequences: readonly number[]): number {
    const above = Math.max(this.position, this.rule.since, this.rule.deletesUntil);
    const gone = sequences.length - firstAbove(sequences, above);
    this.waiting -= gone;
    return gone;
  }

  /** Keeps what is ahead now, whatever becomes of the log. `last`: its newest sequence. */
  freeze(last: number): void {
    if (this.#frozen !== undefined) return;
    this.last = last;
    const frozen = new Ring<DefinitionFrame>();
    this.eachAhead((frame) => frozen.push(frame));
    this.#frozen = frozen;
    this.#epoch = -1;
  }

  private given(frame: DefinitionFrame): DefinitionFrame {
    this.position = frame.sequence;
    this.waiting--;
    return frame;
  }

  /** Whether an entry that is ahead is for it; a hole is not. */
  private reads(entry: LogEntry | undefined): entry is LogEntry {
    return entry !== undefined && (!entry.tombstone || this.sees(entry.frame.sequence, entry.spare));
  }

  private sees(sequence: number, spare: boolean): boolean {
    return sequence <= this.rule.deletesUntil || (sequence > this.rule.since && !spare);
  }

  private count(): number {
    let count = 0;
    this.eachAhead(() => count++);
    return count;
  }

  private eachAhead(visit: (frame: DefinitionFrame) => void): void {
    const { entries } = this.log;
    for (let slot = this.log.slotAfter(this.position); slot < entries.length; slot++) {
      const entry = entries[slot];
      if (this.reads(entry)) visit(entry.frame);
    }
  }
}
