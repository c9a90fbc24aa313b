import type { SchedulerLike } from 'rxjs';
import type { DefinitionScope } from '../definition.js';
import { checkScope } from '../fanout/scopeKey.js';
import { type Logger, safeLogger } from '../log.js';
import {
  badOption,
  type Backoff,
  functionOption,
  milliseconds,
  objectOption,
  reconnectOption,
  schedulerOption,
} from '../options.js';
import { captureNames, type CaptureNames } from './captureNames.js';
import type { Deliver } from './deliver.js';
import type { CaptureOptions } from './installCapture.js';

export interface PostgresDefinitionsOptions extends CaptureOptions {
  /** Tell what exists first; default true. False: go on where the reader of this name left off, a new one from now. */
  readonly snapshot?: boolean | undefined;
  /** Put on every message; default none. */
  readonly scope?: DefinitionScope | undefined;
  /** Whose position this is, in 1 to 255 characters; default `default`. Two that read at the same time should have two names. */
  readonly reader?: string | undefined;
  /**
   * Called with each message before it is emitted, one at a time; returns nothing (delivered) or an ObservableInput
   * (delivered when that completes). A position is noted only after deliveries, so whoever reads on under this name, in this
   * process or another, is told again what was not delivered; after a lost connection some may be delivered twice. It
   * throws, or its result errors: so does this, and nothing is noted. Default: a message is delivered by being emitted.
   */
  readonly deliver?: Deliver | undefined;
  /**
   * Called once per subscription, when all that was committed at its start has been emitted, and delivered by `deliver`: what the
   * messages went into is whole now, unless an operator on the way takes its time (`concatMap`, `delay`): let `deliver` do such
   * work. `position`: how far the capture was read, 0n or more. A throw ends the subscription.
   */
  readonly onCaughtUp?: ((position: bigint) => void) | undefined;
  /** How often to look without having been woken, in milliseconds, 1 to 2^31-1; default 1,000. */
  readonly pollInterval?: number | undefined;
  /** How long to wait before connecting again, in milliseconds above 0 to 2^31-1, doubling and jittered; defaults 100 and 10,000. */
  readonly reconnect?:
    { readonly initialDelay?: number | undefined; readonly maxDelay?: number | undefined } | undefined;
  /** Told (warn) of a lost connection, another reader of this name, event triggers switched off; default: tslog at `warn` and above. */
  readonly logger?: Logger | undefined;
  /** Times polling and reconnecting; default: RxJS's `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/** The same with every default filled in. */
export interface CheckedReaderOptions {
  readonly names: CaptureNames;
  readonly reader: string;
  readonly snapshot: boolean;
  readonly scope: DefinitionScope | undefined;
  readonly deliver: Deliver | undefined;
  readonly onCaughtUp: ((position: bigint) => void) | undefined;
  readonly pollInterval: number;
  readonly reconnect: Backoff;
  readonly logger: Logger;
  readonly scheduler: SchedulerLike | undefined;
}

const DEFAULT_BACKOFF: Backoff = { initialDelay: 100, maxDelay: 10_000 };

/** Fills the defaults in. @throws {FanoutError} BAD_OPTION, naming the rule and the value */
export function checkReaderOptions(options: PostgresDefinitionsOptions): CheckedReaderOptions {
  const {
    schema,
    snapshot = true,
    scope,
    reader = 'default',
    deliver,
    pollInterval = 1_000,
    scheduler,
  } = objectOption('options', options);
  const { reconnect = {}, logger, onCaughtUp } = options;
  if (typeof snapshot !== 'boolean') throw badOption('snapshot', 'a boolean', snapshot);
  if (deliver !== undefined) functionOption('deliver', deliver);
  if (onCaughtUp !== undefined) functionOption('onCaughtUp', onCaughtUp);
  if (scheduler !== undefined) schedulerOption(scheduler);
  return {
    names: captureNames(schema),
    reader: checkReader(reader),
    snapshot,
    scope: checkScope(scope),
    deliver,
    onCaughtUp,
    pollInterval: milliseconds('pollInterval', pollInterval, 1),
    reconnect: reconnectOption(reconnect, DEFAULT_BACKOFF),
    logger: safeLogger(logger),
    scheduler,
  };
}

/** @throws {FanoutError} BAD_OPTION */
export function checkReader(reader: string): string {
  const length = typeof reader === 'string' ? reader.length : 0;
  if (length >= 1 && length <= 255 && !reader.includes('\0')) return reader;
  throw badOption('reader', 'a name of 1 to 255 characters without NUL', reader);
}
