import { tap } from 'rxjs';
import { badOption, objectOption, wholeNumber } from '../options.js';
import { CatalogInside } from './catalogInside.js';
import { ALL_DELETES, NO_DELETES } from './logReader.js';
import { checkScope, scopeKey } from './scopeKey.js';
import type { MonoTypeOperatorFunction } from 'rxjs';
import type { DefinitionFrame, DefinitionScope } from '../definition.js';

export interface CatalogOptions {
  /** How many deletes that no session needs any more are remembered per scope: 0 or more, or Infinity; default 1024. */
  readonly maxTombstones?: number | undefined;
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
   * @throws {FanoutError} BAD_OPTION unless `sequence` is a whole number of 0 or more, or Infinity (none is above it), and the
   * scope's ids are u64.
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
