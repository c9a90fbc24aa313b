import type { DefinitionScope } from '../definition.js';

/** Counts of frames of one session: `offered = delivered + dropped + superseded + waiting + inFlight`, always. */
export interface SessionStats {
  readonly sessionId: string;
  readonly scope: DefinitionScope | undefined;
  /** `catching-up`: it reads the log, for a replay or because it had overflowed. */
  readonly state: 'live' | 'catching-up';
  /** Broadcast in its scope since it was registered, and what it replays. */
  readonly offered: number;
  /** Given to `deliver`, which is done with them. */
  readonly delivered: number;
  /** Victims of the overflow strategy. */
  readonly dropped: number;
  /** Replaced by a later frame before they were delivered. */
  readonly superseded: number;
  /** In its buffer, or ahead of it in the log. */
  readonly waiting: number;
  /** Given to `deliver`, which is not done. */
  readonly inFlight: 0 | 1;
}

/**
 * Counts over all sessions that ever were, of frames as in `SessionStats`:
 * `offered = delivered + dropped + superseded + discarded + waiting + inFlight`, always.
 */
export interface FanoutStats {
  /** Messages that were encoded and sent on their way, whatever the number of sessions. */
  readonly broadcast: number;
  /** Messages that could not be encoded, and were skipped. */
  readonly encodeFailures: number;
  readonly activeSessions: number;
  readonly sessionsRegistered: number;
  /** Sessions that left the registry and still deliver what waits. */
  readonly ending: number;
  readonly offered: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly superseded: number;
  /** Let go by unsubscription, failure or the fan-out's error. */
  readonly discarded: number;
  readonly waiting: number;
  readonly inFlight: number;
}

/** What a session, or several, add to the totals. */
type SessionCounts = Record<'delivered' | 'superseded' | 'waiting' | 'inFlight', number>;

/** The counts that outlive sessions. `dropped` is kept up to date by every drop; the others when a session ends. */
export class Totals {
  broadcast = 0;
  encodeFailures = 0;
  registered = 0;
  dropped = 0;
  #delivered = 0;
  #superseded = 0;
  #discarded = 0;

  /** A session is over; what it still holds is discarded. */
  add(session: SessionCounts): void {
    this.#delivered += session.delivered;
    this.#superseded += session.superseded;
    this.#discarded += session.waiting + session.inFlight;
  }

  /** The whole account. `held`: of the sessions that are registered (`active`) and those that still drain (`ending`). */
  stats(active: number, ending: number, held: SessionCounts): FanoutStats {
    const { broadcast, encodeFailures, registered, dropped } = this;
    const discarded = this.#discarded;
    const delivered = this.#delivered + held.delivered;
    const superseded = this.#superseded + held.superseded;
    const { waiting, inFlight } = held;
    return {
      broadcast,
      encodeFailures,
      activeSessions: active,
      sessionsRegistered: registered,
      ending,
      offered: delivered + dropped + superseded + discarded + waiting + inFlight,
      delivered,
      dropped,
      superseded,
      discarded,
      waiting,
      inFlight,
    };
  }
}
