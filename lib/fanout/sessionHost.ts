import type { Logger } from '../log.js';
import type { FanoutEvents } from './events.js';
import type { Group } from './group.js';
import type { OverflowAnnouncer } from './overflowAnnouncer.js';
import type { Session } from './session.js';
import type { Totals } from './totals.js';
import type { Turns } from './turns.js';

/** What all sessions of a fan-out share. */
export interface SessionHost {
  readonly totals: Totals;
  readonly events: FanoutEvents;
  readonly announcer: OverflowAnnouncer;
  readonly logger: Logger;
  readonly turns: Turns;
  /** The fan-out is over. */
  readonly over: boolean;
  /** It is over by an error of its own, which all sessions fail with. */
  readonly failed: boolean;
  /** The last sequence in the catalog; 0 without one. */
  lastSequence(): number;
  /** A session of the group needs its tombstones no longer: those in excess go with the next broadcast. */
  sweepSoon(group: Group): void;
  /** Ends a registered session gracefully; its id is free from now on. */
  unregister(session: Session): void;
  /** Takes an ended session out of everything that refers to it. */
  release(session: Session): void;
  /** Called when all is told about an ended session, or about the end of the hub. */
  ended(): void;
}
