import { DEFAULT_CAPACITY } from '../bufferedDelivery.js';
import { safeLogger } from '../log.js';
import { objectOption, schedulerOption } from '../options.js';
import { DefinitionCatalog, insideOf } from './catalog.js';
import { checkSessionOptions } from './sessionOptions.js';
import type { SchedulerLike } from 'rxjs';
import type { OverflowStrategy } from '../bufferedDelivery.js';
import type { Logger } from '../log.js';
import type { CatalogInside } from './catalogInside.js';
import type { SessionDefaults } from './sessionOptions.js';

export interface FanoutOptions {
  /** What a session's buffer holds unless it says otherwise: 0 or more, or Infinity; default 256. */
  readonly capacity?: number | undefined;
  /** A session's overflow strategy unless it says otherwise; default `drop-incoming`. `catch-up` needs a catalog. */
  readonly overflow?: OverflowStrategy | undefined;
  /** `true`: a catalog of its own; or one to use, whose sequence is continued. Default: none. */
  readonly catalog?: boolean | DefinitionCatalog | undefined;
  /** Default: tslog at `warn` and above. */
  readonly logger?: Logger | undefined;
  /**
   * Clock, and turns for the sessions that read the log, which it should not give all at once; default: the event loop's. In
   * virtual time hand in the `TestScheduler`, or `asyncScheduler` inside its `run`.
   */
  readonly scheduler?: SchedulerLike | undefined;
}

/** Fan-out options, checked, with every default filled in. */
export interface CheckedFanoutOptions {
  readonly defaults: SessionDefaults;
  readonly catalog: DefinitionCatalog | undefined;
  readonly inside: CatalogInside | undefined;
  readonly logger: Logger;
  readonly scheduler: SchedulerLike | undefined;
  /** Milliseconds. */
  readonly now: () => number;
}

/** @throws {FanoutError} BAD_OPTION, naming the rule and the value. */
export function checkFanoutOptions(options: FanoutOptions): CheckedFanoutOptions {
  const { capacity, overflow, catalog = false, logger, scheduler } = objectOption('options', options);
  const chosen = chosenCatalog(catalog);
  const inside = chosen === undefined ? undefined : insideOf(chosen, 'a boolean or a DefinitionCatalog');
  const hasCatalog = inside !== undefined;
  const defaults = { capacity: DEFAULT_CAPACITY, overflow: 'drop-incoming', hasCatalog } as const;
  const checked = {
    defaults: { ...checkSessionOptions({ capacity, overflow }, defaults), hasCatalog },
    catalog: chosen,
    inside,
    logger: safeLogger(logger),
    scheduler,
    now: clockOf(scheduler),
  };
  // Last: a catalog is taken only by a fan-out that comes to be.
  inside?.own();
  return checked;
}

function chosenCatalog(catalog: boolean | DefinitionCatalog): DefinitionCatalog | undefined {
  if (catalog === false) return undefined;
  return catalog === true ? new DefinitionCatalog() : catalog;
}

function clockOf(scheduler: SchedulerLike | undefined): () => number {
  if (scheduler === undefined) return () => Date.now();
  schedulerOption(scheduler);
  return () => scheduler.now();
}
