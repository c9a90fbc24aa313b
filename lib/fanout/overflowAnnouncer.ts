import type { FanoutEvents } from './events.js';
import type { Logger } from '../log.js';
import type { Totals } from './totals.js';

/** While sessions overflow, at most one line in this many milliseconds. */
const LINE_INTERVAL = 10_000;
/** A session that comes and goes between full and empty must not write two lines each time: so often in that interval it may. */
const MOST_BEGINNINGS = 5;

/**
 * Tells overflow: per session on `events$`, fan-out-wide in the log.
 * There is no timer: the clock is asked when a session begins to overflow, and once a broadcast while any does.
 */
export class OverflowAnnouncer {
  #overflowing = 0;
  /** The log has been told that sessions overflow, and not that none does any more. */
  #announced = false;
  #lastLine = 0;
  /** Beginnings that were announced in the interval since `#intervalBegan`. */
  #beginnings = 0;
  #intervalBegan = -Infinity;

  constructor(
    private readonly events: FanoutEvents,
    private readonly logger: Logger,
    private readonly totals: Totals,
    private readonly now: () => number,
  ) {}

  began(sessionId: string): void {
    this.#overflowing++;
    this.events.tell({ type: 'overflow-began', sessionId });
    if (this.#announced || !this.#mayAnnounce()) return;
    this.#announced = true;
    this.#line('sessions overflow');
    this.announceEnd();
  }

  ended(sessionId: string, lost: number): void {
    this.left();
    this.events.tell({ type: 'overflow-ended', sessionId, lost });
    this.announceEnd();
  }

  /** A session does not overflow any more. Who says so tells of it before it calls `announceEnd`. */
  left(): void {
    this.#overflowing--;
  }

  /** Tells the log when none is left. Whoever was told of a beginning may have ended it. */
  announceEnd(): void {
    if (this.#overflowing > 0 || !this.#announced) return;
    this.#announced = false;
    this.#line('no session overflows any more');
  }

  /** Called after every broadcast. */
  tick(): void {
    if (this.#overflowing === 0 || !isLongAfter(this.#lastLine, this.now())) return;
    this.#announced = true;
    this.#line('sessions still overflow');
  }

  #mayAnnounce(): boolean {
    const now = this.now();
    if (isLongAfter(this.#intervalBegan, now)) {
      this.#intervalBegan = now;
      this.#beginnings = 0;
    }
    return ++this.#beginnings <= MOST_BEGINNINGS;
  }

  #line(message: string): void {
    this.#lastLine = this.now();
    this.logger.warn(message, { sessions: this.#overflowing, framesDropped: this.totals.dropped });
  }
}

/** A clock that was set back tells nothing of how long ago it was. */
function isLongAfter(then: number, now: number): boolean {
  return now - then >= LINE_INTERVAL || now < then;
}
