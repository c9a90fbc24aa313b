import { badOption } from '../options.js';
import { FanoutEvents } from './events.js';
import { Hub } from './hub.js';
import { KeyedMap } from './keyedMap.js';
import { OverflowAnnouncer } from './overflowAnnouncer.js';
import { Totals } from './totals.js';
import { Turns } from './turns.js';
import type { FanoutError } from '../errors.js';
import type { Logger } from '../log.js';
import type { CatalogInside } from './catalogInside.js';
import type { CheckedFanoutOptions } from './fanoutOptions.js';
import type { Group } from './group.js';
import type { HubHost } from './hub.js';
import type { Session } from './session.js';
import type { FanoutStats, SessionStats } from './totals.js';

/** Who is registered under which id, and who has left but still delivers what waits; and what they all share. */
export class Registry implements HubHost {
  readonly totals = new Totals();
  readonly events = new FanoutEvents();
  readonly announcer: OverflowAnnouncer;
  readonly logger: Logger;
  readonly turns: Turns;
  /** Who offers them what is broadcast. */
  readonly hub: Hub;
  readonly #catalog: CatalogInside | undefined;
  #sessions = new KeyedMap<Session>();
  readonly #ending = new Set<Session>();
  /** The fan-out is over: those that are left only drain. */
  over = false;
  failed = false;
  /** The hub, and the sessions of whose end not all is told yet. */
  #unfinished = 1;

  constructor({ inside, logger, scheduler, now }: CheckedFanoutOptions) {
    this.#catalog = inside;
    this.logger = logger;
    this.announcer = new OverflowAnnouncer(this.events, logger, this.totals, now);
    this.turns = new Turns(scheduler);
    this.hub = new Hub(this, inside);
  }

  get size(): number {
    return this.over ? 0 : this.#sessions.size;
  }

  lastSequence(): number {
    return this.#catalog?.last ?? 0;
  }

  get(sessionId: string): Session | undefined {
    return this.over ? undefined : this.#sessions.get(sessionId);
  }

  /**
   * Registers the session, and begins its replay; one of the same id is replaced: the frame under way is its last.
   * The new one is in place before anybody is told, and before the old one ends: the log must not go in between.
   */
  add(session: Session, replay: boolean | 'with-deletes', after: number): void {
    const { id: sessionId } = session;
    const gap = this.#gapBehind(after, session.group.key);
    this.totals.registered++;
    this.#unfinished++;
    const old = this.#sessions.set(sessionId, session);
    session.group.attach(session);
    if (replay !== false) session.replay(replay === 'with-deletes', after);
    if (old !== undefined) {
      this.#ending.add(old);
      if (!old.group.awaits(old)) {
        this.#part(old);
        old.retire('replaced');
      }
    }
    this.events.tell({ type: 'registered', sessionId });
    this.logger.info('session registered', { sessionId });
    if (old !== undefined) {
      // The frame under way comes to the old one after the telling: its delivery may end either.
      this.#part(old);
      old.close('replaced');
    }
    if (gap === undefined) session.begin();
    else session.fail(gap);
  }

  /** Ends the session gracefully; its id is free from now on. */
  unregister(session: Session): void {
    if (this.get(session.id) !== session) return;
    this.#sessions.delete(session.id);
    this.#ending.add(session);
    this.hub.detach(session);
    session.freeze();
    session.close('unregistered');
  }

  /** The fan-out is over: all sessions end after what waits for them. */
  complete(): void {
    this.over = true;
    // Nothing is broadcast any more, so that nobody needs to be detached, or to copy what lies ahead.
    const draining: Session[] = [];
    this.#sessions.forEach((session) => {
      session.close('completed');
      if (session.closed) return;
      // Before the next is told: whoever that is may take the last frame of this one.
      session.leave();
      draining.push(session);
    });
    this.#sessions = new KeyedMap();
    for (const session of draining) if (!session.closed) this.#ending.add(session);
  }

  /** The fan-out is over: all sessions end now, those that drain too, before any of them is told. */
  fail(error: unknown): void {
    const sessions: Session[] = [];
    this.#forEach((session) => sessions.push(session));
    this.over = true;
    this.failed = true;
    this.#sessions = new KeyedMap();
    const ends = sessions.map((session) => ({ session, discarded: session.stop('failed', error) }));
    this.logger.error('the fan-out has failed, and all its sessions with it', { sessions: sessions.length, error });
    for (const { session, discarded } of ends) session.tell(discarded, 'failed', error);
  }

  sweepSoon(group: Group): void {
    this.hub.sweepSoon(group);
  }

  release(session: Session): void {
    this.#ending.delete(session);
    if (this.over) {
      // When all end, maps and groups go as a whole: taking one after the other out of them costs more than all else.
      session.leave();
      return;
    }
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
    this.hub.detach(session);
  }

  ended(): void {
    this.#unfinished--;
    if (this.#unfinished > 0) return;
    this.#catalog?.disown();
    this.events.complete();
  }

  *sessions(): IterableIterator<SessionStats> {
    for (const session of this.#sessions.values()) if (session.registered) yield session.stats();
  }

  stats(): FanoutStats {
    const sum = { sessions: 0, delivered: 0, superseded: 0, waiting: 0, inFlight: 0 };
    this.#forEach((session) => {
      sum.sessions++;
      sum.delivered += session.delivered;
      sum.superseded += session.superseded;
      sum.waiting += session.waiting;
      sum.inFlight += session.inFlight;
    });
    return this.totals.stats(this.size, sum.sessions - this.size, sum);
  }

  /** Why a session cannot resume there. */
  #gapBehind(after: number, scope: string): FanoutError | undefined {
    const catalog = this.#catalog;
    if (after === 0 || catalog === undefined || catalog.canResumeAfter(scope, after)) return undefined;
    const rule = `of ${catalog.completeSince(scope)} (since then no delete is forgotten) to ${catalog.last} (the newest)`;
    return badOption('after', rule, after);
  }

  #part(old: Session): void {
    this.hub.detach(old, true);
    old.freeze();
  }

  /** Those that are registered, and those that drain. */
  #forEach(visit: (session: Session) => void): void {
    const visitOpen = (session: Session): void => {
      if (!session.closed) visit(session);
    };
    this.#ending.forEach(visitOpen);
    this.#sessions.forEach(visitOpen);
  }
}
