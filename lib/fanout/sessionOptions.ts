import { FanoutError } from '../errors.js';
import { objectOption, oneOf, sequenceOption, show, stringOption, wholeNumber } from '../options.js';
import { checkScope } from './scopeKey.js';
import type { DefinitionScope } from '../definition.js';
import type { OverflowStrategy } from '../bufferedDelivery.js';

export interface SessionOptions {
  /** The session gets frames of exactly this scope; absent: the unscoped ones. There is no session of all scopes. */
  readonly scope?: DefinitionScope | undefined;
  /** How many frames may wait, the one in flight not counted: 0 or more, or Infinity; default: the fan-out's. */
  readonly capacity?: number | undefined;
  /** The victim when `capacity` frames wait; `catch-up`: none, the session reads the log. Default: the fan-out's. */
  readonly overflow?: OverflowStrategy | undefined;
  /**
   * `true`: first the live definitions of the scope, then what commits. `with-deletes`: the deletes that are still
   * remembered too, for a device that cannot know what it missed. Needs a catalog; default `false`.
   */
  readonly replay?: boolean | 'with-deletes' | undefined;
  /**
   * Resumes: leaves out of `replay: 'with-deletes'`, which it needs, all frames up to this sequence, of which the receiving side has
   * been told. A session that the catalog has not all deletes for since then fails, with BAD_OPTION (see `canResumeAfter`). Default 0.
   */
  readonly after?: number | undefined;
}

export interface SessionDefaults {
  readonly capacity: number;
  readonly overflow: OverflowStrategy;
  readonly hasCatalog: boolean;
}

/** Session options with every default filled in. */
export interface CheckedSessionOptions {
  readonly scope: DefinitionScope | undefined;
  readonly capacity: number;
  readonly overflow: OverflowStrategy;
  readonly replay: boolean | 'with-deletes';
  readonly after: number;
}

const STRATEGIES: readonly OverflowStrategy[] = ['drop-incoming', 'drop-oldest', 'error', 'catch-up'];
const CATALOG = 'a fan-out with a catalog (catalog: true)';

/** @throws {FanoutError} BAD_OPTION, naming the rule and the value. */
export function checkSessionOptions(options: SessionOptions, defaults: SessionDefaults): CheckedSessionOptions {
  const {
    scope,
    capacity = defaults.capacity,
    overflow = defaults.overflow,
    replay = false,
    after = 0,
  } = objectOption('options', options);
  oneOf('replay', replay, [false, true, 'with-deletes']);
  if (replay !== false && !defaults.hasCatalog) throw needs('replay', replay, CATALOG);
  sequenceOption('after', after);
  if (after > 0 && replay !== 'with-deletes') throw needs('after', after, "replay: 'with-deletes'");
  wholeNumber('capacity', capacity);
  oneOf('overflow', overflow, STRATEGIES);
  if (overflow === 'catch-up' && !defaults.hasCatalog) throw needs('overflow', overflow, CATALOG);
  return { scope: checkScope(scope), capacity, overflow, replay, after };
}

/** @throws {FanoutError} BAD_OPTION unless it is a string. */
export function checkSessionId(sessionId: string): void {
  stringOption('sessionId', sessionId);
}

function needs(option: string, value: unknown, what: string): FanoutError {
  return new FanoutError('BAD_OPTION', `${option} ${show(value)} needs ${what}`);
}
