import { firstAbove } from './firstAbove.js';
import { KeyedMap } from './keyedMap.js';
import { Retention } from './retention.js';
import type { DefinitionFrame, DefinitionSyncMsg } from '../definition.js';
import type { Follower } from './retention.js';

/** The last frame of one definition. */
export interface LogEntry {
  readonly frame: DefinitionFrame;
  /** A delete. */
  readonly tombstone: boolean;
  /** Whoever has been given nothing since `born` cannot have the definition from this log; 0: nobody knows. */
  readonly born: number;
  /** When the log first heard of the definition, as far as it has remembered it since. */
  readonly heard: number;
  /** A tombstone that no session which is behind has a use for. */
  spare: boolean;
  /** A session that needs the tombstone. */
  witness: Follower | undefined;
  /** Where it stands in the log; -1: no longer. */
  slot: number;
}

/** What the newest entry replaced, in numbers: the replaced frame itself must be free to go. */
export interface Replaced {
  sequence: number;
  tombstone: boolean;
  spare: boolean;
}

/** Any text may stand in a type or a name, so the length says where the type ends. */
function nameKey({ definitionType, name }: DefinitionSyncMsg): string {
  return `${definitionType.length}:${definitionType}${name}`;
}

/**
 * The compacted log of one scope: the last frame of every definition, in sequence order.
 *
 * - An array with holes: what changes leaves a hole and comes again at the end; when holes prevail the array is rebuilt.
 * - Readers keep a sequence number, and a slot as a hint that holds until the next rebuild (`epoch`).
 */
export class ScopeLog {
  /** Live definitions. */
  live = 0;
  /** Changes whenever slots do. */
  epoch = 0;
  entries: (LogEntry | undefined)[] = [];
  readonly replaced: Replaced = { sequence: 0, tombstone: false, spare: false };
  #sequences: number[] = [];
  readonly #byName = new KeyedMap<LogEntry>();
  readonly #retention: Retention;

  constructor(
    maxTombstones: number,
    /** The sequence of the newest tombstone that was let go, here or in a log before: every later delete is there. */
    public forgotten = 0,
  ) {
    this.#retention = new Retention(maxTombstones, (entry) => this.#drop(entry));
  }

  /** Live definitions and tombstones. */
  get size(): number {
    return this.#byName.size;
  }

  get hasTombstones(): boolean {
    return this.size > this.live;
  }

  append(frame: DefinitionFrame): void {
    const name = nameKey(frame.msg);
    const before = this.#byName.get(name);
    const tombstone = frame.msg.action === 'delete';
    const entry: LogEntry = {
      frame,
      tombstone,
      born: bornOf(before, frame.sequence, tombstone),
      heard: before?.heard ?? frame.sequence,
      spare: false,
      witness: undefined,
      slot: this.entries.length,
    };
    this.replaced.sequence = before?.frame.sequence ?? 0;
    this.replaced.tombstone = before?.tombstone ?? false;
    this.replaced.spare = before?.spare ?? false;
    if (before !== undefined) this.#leave(before);
    this.entries.push(entry);
    this.#sequences.push(frame.sequence);
    this.#byName.set(name, entry);
    if (tombstone) this.#retention.add(entry);
    else this.live++;
    if (this.entries.length > 2 * this.size + 32) this.#rebuild();
  }

  /** The first slot whose sequence is above `sequence`. */
  slotAfter(sequence: number): number {
    return firstAbove(this.#sequences, sequence);
  }

  /** Lets tombstones go that no follower needs, up to the limit. Called when the newest frame has reached everyone. */
  sweep(behind: () => readonly Follower[] = () => []): void {
    this.#retention.sweep(behind);
  }

  /** The follower has left, or needs fewer tombstones than it did. */
  release(follower: Follower): void {
    this.#retention.release(follower);
  }

  #leave(entry: LogEntry): void {
    this.entries[entry.slot] = undefined;
    entry.slot = -1;
    if (entry.tombstone) this.#retention.forget(entry);
    else this.live--;
  }

  #drop(entry: LogEntry): void {
    this.forgotten = Math.max(this.forgotten, entry.frame.sequence);
    this.#leave(entry);
    this.#byName.delete(nameKey(entry.frame.msg));
  }

  #rebuild(): void {
    this.epoch++;
    const entries = this.entries.filter((entry) => entry !== undefined);
    entries.forEach((entry, slot) => (entry.slot = slot));
    this.entries = entries;
    this.#sequences = entries.map(({ frame }) => frame.sequence);
  }
}

/**
 * A definition lives on through its changes. A tombstone that somebody still needs is part of the life it ended, for
 * whoever missed it; and of a definition that is deleted but was never put, the sessions may have heard elsewhere.
 */
function bornOf(before: LogEntry | undefined, sequence: number, tombstone: boolean): number {
  if (before === undefined) return tombstone ? 0 : sequence;
  return before.tombstone && before.spare ? sequence : before.born;
}
