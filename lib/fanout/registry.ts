import { KeyedMap } from './keyedMap.js';
import type { EndReason, FanoutEvents } from './events.js';
import type { Hub } from './hub.js';
import type { OverflowAnnouncer } from './overflowAnnouncer.js';
import type { BufferedSession, SessionHost } from './bufferedSession.js';
import type { Session } from './session.js';
import type { FanoutStats, SessionStats, Totals } from './totals.js';
import type { Logger } from '../log.js';
import type { Turns } from './turns.js';

export interface RegistryParts {
  readonly totals: Totals;
  readonly events: FanoutEvents;
  readonly announcer: OverflowAnnouncer;
  readonly logger: Logger;
  readonly turns: Turns;
  /** The last sequence that was given out. */
  readonly lastSequence: () => number;
  /** The fan-out is over, and its last session has ended. */
  readonly allOver: () => void;
}

/** Who is registered under which id, and who has left but still delivers what waits. */
export class Registry implements SessionHost {
  readonly totals: Totals;
  readonly events: FanoutEvents;
  readonly announcer: OverflowAnnouncer;
  readonly logger: Logger;
  readonly turns: Turns;
  readonly lastSequence: () => number;
  readonly #allOver: () => void;
  #sessions = new KeyedMap<Session>();
  readonly #ending = new Set<BufferedSession>();
  #over = false;
  /** Whether `allOver` was called. */
  #told = false;

  constructor(
    parts: RegistryParts,
    private readonly hub: () => Hub,
  ) {
    this.totals = parts.totals;
    this.events = parts.events;
    this.announcer = parts.announcer;
    this.logger = parts.logger;
    this.turns = parts.turns;
    this.lastSequence = parts.lastSequence;
    this.#allOver = parts.allOver;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(sessionId: string): Session | undefined {
    return this.#sessions.get(sessionId);
  }

  /**
   * Registers the session; one of the same id is replaced: the frame under way is its last.
   * The new one is in place before anybody is told, and before the old one ends: the log must not go in between.
   */
  add(session: Session, replay: boolean | 'with-deletes'): Session {
    const { id: sessionId } = session;
    this.totals.registered++;
    const old = this.#sessions.set(sessionId, session);
    session.group.attach(session);
    if (replay !== false) session.replay(replay === 'with-deletes');
    if (old !== undefined) {
      this.#ending.add(old);
      this.hub().detach(old, true);
      old.freeze();
    }
    this.logger.info('session registered', { sessionId });
    this.events.tell({ type: 'registered', sessionId });
    old?.close('replaced');
    return session;
  }

  /** Ends the session gracefully; its id is free from now on. */
  close(session: Session, reason: EndReason): void {
    if (!session.registered || this.#sessions.get(session.id) !== session) return;
    this.#sessions.delete(session.id);
    this.#ending.add(session);
    this.hub().detach(session);
    session.freeze();
    session.close(reason);
  }

  /** The fan-out is over: all sessions end, gracefully or with its error. */
  end(failure: { readonly error: unknown } | undefined): void {
    this.#over = true;
    const sessions = [...this.#sessions.values()];
    const ending = [...this.#ending];
    this.#sessions = new KeyedMap();
    for (const session of sessions) {
      this.#ending.add(session);
      this.hub().detach(session);
    }
    // Nothing is appended to the log any more, so those that read it need no copy.
    if (failure === undefined) for (const session of sessions) session.close('completed');
    else for (const session of [...ending, ...sessions]) session.discard('failed', failure.error);
    this.ended();
  }

  release(session: Session): void {
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
    this.#ending.delete(session);
    this.hub().detach(session);
  }

  ended(): void {
    if (!this.#over || this.#ending.size > 0 || this.#told) return;
    this.#told = true;
    this.#allOver();
  }

  *sessions(): IterableIterator<SessionStats> {
    for (const session of this.#sessions.values()) if (session.registered) yield session.stats();
  }

  stats(): FanoutStats {
    const sessions = [...this.#sessions.values(), ...this.#ending];
    return this.totals.stats(this.#sessions.size, this.#ending.size, sessions);
  }
}
