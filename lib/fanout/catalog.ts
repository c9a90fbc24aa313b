import { tap } from 'rxjs';
import { FanoutError } from '../errors.js';
import { badOption, objectOption, stringOption, wholeNumber } from '../options.js';
import { ALL_DELETES, LogReader, NO_DELETES } from './logReader.js';
import { checkScope, scopeKey } from './scopeKey.js';
import { ScopeLog } from './scopeLog.js';
import type { MonoTypeOperatorFunction } from 'rxjs';
import type { DefinitionFrame, DefinitionScope } from '../definition.js';
import type { TombstoneRule } from './logReader.js';

export interface CatalogOptions {
  /** How many deletes that no session needs any more are remembered per scope: 0 or more, or Infinity; default 1024. */
  readonly maxTombstones?: number | undefined;
}

/** The logs of a catalog by scope: a catalog as its fan-out sees it, and nobody else should. */
export class CatalogInside {
  readonly #logs = new Map<string, ScopeLog>();
  /** The sequence of the last frame, of whatever scope; 0: there was none. */
  last = 0;
  /** What logs that are gone had let go. */
  #forgotten = 0;
  #owned = false;

  constructor(private readonly maxTombstones: number) {}

  own(): void {
    if (this.#owned) throw new FanoutError('BAD_OPTION', 'this catalog already belongs to another fan-out');
    this.#owned = true;
  }

  /** Its fan-out is over: nobody needs a tombstone any more. */
  disown(): void {
    for (const [key, log] of this.#logs) {
      log.sweep();
      this.close(key);
    }
    this.#owned = false;
  }

  /** Live definitions of all scopes. */
  get live(): number {
    let live = 0;
    for (const log of this.#logs.values()) live += log.live;
    return live;
  }

  /** Takes the next frame of a catalog that is nobody's. */
  apply(frame: DefinitionFrame): void {
    if (this.#owned)
      throw new FanoutError('OUT_OF_ORDER', 'this catalog takes the frames of its fan-out, and no others');
    objectOption('frame', frame);
    const { definitionType, name, scope } = objectOption('frame.msg', frame.msg);
    stringOption('frame.msg.definitionType', definitionType);
    stringOption('frame.msg.name', name);
    const key = scopeKey(checkScope(scope));
    this.append(key, frame);
    this.open(key).sweep();
    this.close(key);
  }

  append(key: string, frame: DefinitionFrame): void {
    const { sequence } = frame;
    if (!(Number.isSafeInteger(sequence) && sequence > this.last)) {
      throw new FanoutError('OUT_OF_ORDER', `a frame's sequence must be above ${this.last}, got ${sequence}`);
    }
    this.open(key).append(frame);
    this.last = sequence;
  }

  /** The log of a scope; made when there is none. */
  open(key: string): ScopeLog {
    let log = this.#logs.get(key);
    if (log === undefined) this.#logs.set(key, (log = new ScopeLog(this.maxTombstones, this.#forgotten)));
    return log;
  }

  /** From which sequence on the scope has every delete. */
  completeSince(key: string): number {
    return this.#logs.get(key)?.forgotten ?? this.#forgotten;
  }

  /** Whether the scope has every delete that came later, and there was such a sequence. */
  canResumeAfter(key: string, sequence: number): boolean {
    return Number.isInteger(sequence) && sequence >= this.completeSince(key) && sequence <= this.last;
  }

  /** Nobody reads this scope any more: an empty log is let go. */
  close(key: string): void {
    const log = this.#logs.get(key);
    if (log?.size !== 0) return;
    this.#forgotten = Math.max(this.#forgotten, log.forgotten);
    this.#logs.delete(key);
  }

  /** Before each frame the log is looked up: one that has become empty may be let go, and another be in its place. */
  *frames(after: number, key: string, rule: TombstoneRule): IterableIterator<DefinitionFrame> {
    for (;;) {
      const log = this.#logs.get(key);
      const frame = log && new LogReader(log, after, rule, 0).next();
      if (frame === undefined) return;
      after = frame.sequence;
      yield frame;
    }
  }
}

const INSIDES = new WeakMap<DefinitionCatalog, CatalogInside>();

/** @throws {FanoutError} BAD_OPTION unless it is a catalog of this library; `rule` is what else would do. */
export function insideOf(catalog: DefinitionCatalog, rule = 'a DefinitionCatalog'): CatalogInside {
  const inside = INSIDES.get(catalog);
  if (inside !== undefined) return inside;
  throw badOption('catalog', rule, catalog);
}

/**
 * Remembers, per scope and (definitionType, name), the last frame, in sequence order: a compacted log.
 *
 * - It holds the frames it was given and encodes nothing. A definition that changes moves to the end.
 * - Action `delete` leaves a tombstone, any other action a live definition.
 * - Iterators are live: what changes while one runs comes again at its end.
 * - One catalog belongs to one fan-out at most; alone it is a plain class (see `rememberIn`).
 */
export class DefinitionCatalog {
  readonly #inside: CatalogInside;

  /** @throws {FanoutError} BAD_OPTION unless `maxTombstones` is a whole number of 0 or more, or Infinity. */
  constructor(options: CatalogOptions = {}) {
    const { maxTombstones = 1024 } = objectOption('options', options);
    this.#inside = new CatalogInside(wholeNumber('maxTombstones', maxTombstones));
    INSIDES.set(this, this.#inside);
  }

  /** Live definitions of all scopes. */
  get size(): number {
    return this.#inside.live;
  }

  /** The sequence of the last frame that was applied, of whatever scope; 0: there was none. */
  get lastSequence(): number {
    return this.#inside.last;
  }

  /**
   * Takes the next frame.
   * @throws {FanoutError} OUT_OF_ORDER unless its sequence is above all before, and while a fan-out feeds this catalog;
   * BAD_OPTION for what is no frame.
   */
  apply(frame: DefinitionFrame): void {
    this.#inside.apply(frame);
  }

  /**
   * The live definitions of one scope (absent: of the unscoped ones) in sequence order.
   * @throws {FanoutError} BAD_OPTION unless the scope's ids are u64.
   */
  snapshot(scope?: DefinitionScope): IterableIterator<DefinitionFrame> {
    return this.#inside.frames(0, scopeKey(checkScope(scope)), NO_DELETES);
  }

  /**
   * The last frames of one scope whose sequence is above `sequence`, tombstones too, in order.
   * @throws {FanoutError} BAD_OPTION unless `sequence` is a whole number of 0 or more and the scope's ids are u64.
   */
  framesAfter(sequence: number, scope?: DefinitionScope): IterableIterator<DefinitionFrame> {
    return this.#inside.frames(wholeNumber('sequence', sequence), scopeKey(checkScope(scope)), ALL_DELETES);
  }

  /**
   * Whether `framesAfter(sequence, scope)`, read in one go, tells all that came later, and a session can resume there (its option
   * `after`). `false`: begin anew, since a later delete is forgotten, beyond `maxTombstones`, or there was no such sequence; any
   * number may be asked for. For a scope without definitions, what another scope forgot may count too.
   * @throws {FanoutError} BAD_OPTION unless the scope's ids are u64.
   */
  canResumeAfter(sequence: number, scope?: DefinitionScope): boolean {
    return this.#inside.canResumeAfter(scopeKey(checkScope(scope)), sequence);
  }
}

/**
 * Applies every frame to `catalog` on its way, for pipelines without a fan-out: `ddl$.pipe(encodeOnce(), rememberIn(catalog))`.
 * What `apply` throws errors the result.
 * @throws {FanoutError} BAD_OPTION at call time, unless `catalog` is a `DefinitionCatalog`.
 */
export function rememberIn(catalog: DefinitionCatalog): MonoTypeOperatorFunction<DefinitionFrame> {
  insideOf(catalog);
  return tap((frame) => catalog.apply(frame));
}
