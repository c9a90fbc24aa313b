import { connectable, Subject } from 'rxjs';
import { shownNames } from '../definition.js';
import { encodeOnce } from '../operators/encodeOnce.js';
import { functionOption } from '../options.js';
import { checkFanoutOptions } from './fanoutOptions.js';
import { Group } from './group.js';
import { PulledSession } from './pulledSession.js';
import { Receiver } from './receiver.js';
import { Registry } from './registry.js';
import { Session } from './session.js';
import { SessionObservable } from './sessionObservable.js';
import { checkSessionId, checkSessionOptions } from './sessionOptions.js';
import type { Observable, ObservableInput, Observer } from 'rxjs';
import type { DefinitionFrame, DefinitionSyncMsg } from '../definition.js';
import type { WireError } from '../errors.js';
import type { DefinitionCatalog } from './catalog.js';
import type { FanoutEvent } from './events.js';
import type { DefinitionReceiver } from './receiver.js';
import type { FanoutOptions } from './fanoutOptions.js';
import type { SessionDefaults, SessionOptions } from './sessionOptions.js';
import type { FanoutStats, SessionStats } from './totals.js';

/**
 * Carries every message to every session of its scope, encoded once.
 *
 *     messages   -a-b-c-|
 *     frames$    -1-2-3-|
 *     session 1  -1-2-3-|        keeps up
 *     session 2  -1---2---3|     is slow: what it has no time for waits, then overflow
 *
 * - Hot, and an Observer: `ddl$.subscribe(fanout)`. `complete()` ends every session after what waits for it, `error()` at once.
 * - A session that fails, stalls or is slow affects no other, nor the caller of `broadcast`.
 */
export class DefinitionSyncFanout implements Observer<DefinitionSyncMsg> {
  /**
   * The frames of every scope, hot, each after the sessions have had it; counts in no statistic.
   * Completes with the fan-out and errors with its `error()`, so give it a handler.
   */
  readonly frames$: Observable<DefinitionFrame>;
  /** What happens to sessions; hot; completes when all is over. */
  readonly events$: Observable<FanoutEvent>;
  /** Its own, or the one that was handed in; `undefined`: it has none. It takes frames from this fan-out alone until that is over. */
  readonly catalog: DefinitionCatalog | undefined;

  readonly #source = new Subject<DefinitionSyncMsg>();
  readonly #registry: Registry;
  readonly #defaults: SessionDefaults;
  #over = false;
  #failure: { readonly error: unknown } | undefined = undefined;

  /** @throws {FanoutError} BAD_OPTION, naming the rule and the value. */
  constructor(options: FanoutOptions = {}) {
    const checked = checkFanoutOptions(options);
    const { defaults, catalog, logger } = checked;
    this.#defaults = defaults;
    this.catalog = catalog;
    // RxJS 6 calls an observer's methods on an object of its own.
    this.next = this.next.bind(this);
    this.error = this.error.bind(this);
    this.complete = this.complete.bind(this);
    this.#registry = new Registry(checked);
    const { events, hub, totals } = this.#registry;
    this.frames$ = hub.asObservable();
    this.events$ = events.events$;
    const onFailure = (error: WireError, msg: DefinitionSyncMsg): void => {
      totals.encodeFailures++;
      events.tell({ type: 'encode-failed', msg, error });
      logger.error('a message cannot be encoded, and is skipped', {
        code: error.code,
        reason: error.message,
        ...shownNames(msg),
      });
    };
    const frames$ = this.#source.pipe(encodeOnce({ onFailure, after: catalog?.lastSequence }));
    connectable(frames$, { connector: () => hub, resetOnDisconnect: false }).connect();
  }

  /** Sessions that are registered now. */
  get activeSessions(): number {
    return this.#registry.size;
  }

  /** Sessions that were ever registered. */
  get sessionsRegistered(): number {
    return this.#registry.totals.registered;
  }

  /** Frames that were ever dropped. */
  get framesDropped(): number {
    return this.#registry.totals.dropped;
  }

  /**
   * Encodes the message once and offers the frame to every session of its scope.
   * It never throws: a message that cannot be encoded is logged, counted, told on `events$`, and skipped.
   */
  broadcast(msg: DefinitionSyncMsg): void {
    this.#source.next(msg);
  }

  /** The same as `broadcast`. */
  next(msg: DefinitionSyncMsg): void {
    this.#source.next(msg);
  }

  /** Ends every session with this error, at once. */
  error(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = { error };
    this.#source.error(error);
  }

  /** Ends every session after what was broadcast: each gets what waits for it, then completes. */
  complete(): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.complete();
  }

  /**
   * A session, cold: subscribing registers it, unsubscribing unregisters it at once.
   *
   * - An id that is in use: the new session replaces the old one, which gets what it has waiting and completes.
   * - `deliver` can run before `subscribe` has returned (replay).
   * - A failure is on `events$`, and in the log, at warn (that of the fan-out itself once for all, at error); a bare `subscribe()`
   *   raises nothing. Behind an operator (`takeUntil`) an error handler is needed, as always in RxJS, or a failure ends a Node
   *   process.
   * - An adapter MUST unsubscribe when its transport closes, and before it registers again on the same transport.
   *
   * @param deliver called with one frame at a time. Returns nothing: delivered. Returns an ObservableInput: delivered
   *   when that completes. It throws, or its result errors: this session fails, nothing else is touched.
   * @throws {FanoutError} BAD_OPTION at call time, naming the rule and the value.
   */
  register<R = never>(
    sessionId: string,
    // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a delivery that returns nothing is a delivery done
    deliver: (frame: DefinitionFrame) => ObservableInput<R> | void,
    options: SessionOptions = {},
  ): Observable<R> {
    checkSessionId(sessionId);
    functionOption('deliver', deliver);
    const { scope, capacity, overflow, replay, after } = checkSessionOptions(options, this.#defaults);
    return new SessionObservable<R>((output, made) => {
      if (this.#over) {
        if (this.#failure === undefined) output.complete();
        else output.error(this.#failure.error);
        return;
      }
      const group = this.#registry.hub.group(scope);
      const observer = output as Observer<unknown>;
      const session = new Session(sessionId, group, capacity, overflow, deliver, observer);
      made(session);
      this.#registry.add(session, replay, after);
    });
  }

  /**
   * A session that is pulled, registered at this call; at most `capacity` frames wait for it.
   * @throws {FanoutError} BAD_OPTION, naming the rule and the value.
   */
  receiver(sessionId: string, options: SessionOptions = {}): DefinitionReceiver {
    checkSessionId(sessionId);
    const { scope, capacity, overflow, replay, after } = checkSessionOptions(options, this.#defaults);
    const group = this.#over ? new Group(this.#registry, '', scope, undefined) : this.#registry.hub.group(scope);
    const session = new PulledSession(sessionId, group, capacity, overflow);
    if (this.#over) session.refuse(this.#failure);
    else this.#registry.add(session, replay, after);
    return new Receiver(session);
  }

  /** Ends the session gracefully: nothing new from this call on, what waits is delivered. `false`: there is none. */
  unregister(sessionId: string): boolean {
    const session = this.#registry.get(sessionId);
    if (session === undefined) return false;
    this.#registry.unregister(session);
    return true;
  }

  /** The counts of a registered session; `undefined`: there is none of this id. */
  session(sessionId: string): SessionStats | undefined {
    return this.#registry.get(sessionId)?.stats();
  }

  /** The counts of all sessions that are registered when it begins, and still are when it comes to them. */
  sessions(): IterableIterator<SessionStats> {
    return this.#registry.sessions();
  }

  /** The counts over all sessions that ever were; takes time with the number of sessions. */
  stats(): FanoutStats {
    return this.#registry.stats();
  }
}
