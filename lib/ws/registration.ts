import { Subscription } from 'rxjs';
import type { SessionOptions } from '../index.js';
import type { Identity } from './identity.js';
import type { Outbox } from './outbox.js';
import type { ServerSettings } from './serverOptions.js';

export interface RegistrationListener {
  /** The session has been given all that it is to get. */
  completed(): void;
  failed(error: unknown): void;
}

/** A connection's place in the fan-out: one registration, replaced by another for every resync. */
export class Registration {
  /** Closed when it has delivered all that it is to deliver, and before there is any. */
  #current = Subscription.EMPTY;
  #soon: NodeJS.Immediate | undefined = undefined;
  #resyncDue = false;
  /** Nothing is to be registered any more. */
  #finishing = false;
  /** Another has the id now. */
  #replaced = false;
  /** A replay was begun, by the registration or for a resync, whose end `caughtUp` has not told yet. */
  #replaying: 'at first' | 'for a resync' | undefined = undefined;
  /** A registration of ours comes first, or takes the place of another of ours: whoever comes between is replaced. */
  #swapping = true;
  /** Registrations of ours of which `registered` was not told yet. */
  #untold = 0;

  constructor(
    readonly sessionId: string,
    private readonly settings: ServerSettings,
    private readonly identity: Identity,
    private readonly outbox: Outbox,
    private readonly listener: RegistrationListener,
  ) {}

  /** Whether a replay runs, or is due. */
  get replaying(): boolean {
    return this.#replaying !== undefined || this.#resyncDue;
  }

  begin(): void {
    const { replay } = this.settings;
    this.#register(replay, replay === false ? undefined : 'at first');
  }

  /**
   * A whole replay, one for all that a client asks for while another one runs for it, and before its socket is ready: one who
   * asks and never reads would pile up their first frames. The replay that the registration began is broken off.
   */
  resync(): void {
    if (!this.settings.hasCatalog) return;
    // Also of a session that is leaving, which gets none: a device would take the answer to its ping for the end of an empty one.
    this.#resyncDue = true;
    if (this.#replaying !== 'for a resync' && !this.#isLeaving()) this.#replaySoon();
  }

  /** When a turn has passed in which the client did not ask again: of many requests that came at once one is heard in each. */
  #replaySoon(): void {
    clearImmediate(this.#soon);
    this.#soon = setImmediate(() => {
      this.#soon = setImmediate(() => {
        this.outbox.whenReady(this.#replayAll);
      });
    });
  }

  /** A `registered` of this session. Of another registration by its id: ours was replaced, and is not to come back. */
  registered(): void {
    if (this.#swapping) return;
    if (this.#untold > 0) {
      this.#untold--;
      return;
    }
    this.#replaced = true;
    this.#finishing = true;
  }

  /** A `caught-up` by the id of this session; that of another says nothing of ours. */
  caughtUp(): void {
    // One whose place we took still drains while ours catches up.
    if (this.#replaced || this.settings.fanout.session(this.sessionId)?.state === 'catching-up') return;
    const ended = this.#replaying;
    this.#replaying = undefined;
    if (ended === 'for a resync' && this.#resyncDue) this.#replaySoon();
  }

  /** Nothing new from now on; what waits is delivered, then `completed` is told. */
  finish(): void {
    const isReplaced = this.#finishing;
    this.#finishing = true;
    // What was unregistered before, by its owner or since the fan-out is over, may still drain.
    const isLeaving = isReplaced || this.settings.fanout.unregister(this.sessionId);
    if (!isLeaving && this.#current.closed) this.listener.completed();
  }

  /** Nothing more at all. */
  end(): void {
    this.#finishing = true;
    clearImmediate(this.#soon);
    this.#current.unsubscribe();
  }

  readonly #replayAll = (): void => {
    if (this.#isLeaving()) return;
    this.#resyncDue = false;
    // With deletes, whatever comes first by default: a delete that still waited in the registration before is among them, as far as it
    // is remembered: one with `catch-up` has kept what it had not been given.
    this.#register('with-deletes', 'for a resync');
  };

  /** Whether the session was unregistered, or replaced, by whoever owns the fan-out, or is to end: it must not come back. */
  #isLeaving(): boolean {
    return this.#finishing || this.settings.fanout.session(this.sessionId) === undefined;
  }

  #register(replay: SessionOptions['replay'], replaying: 'at first' | 'for a resync' | undefined): void {
    this.#swapping = true;
    this.#current.unsubscribe();
    this.#swapping = false;
    // Whoever was told of that, or that a client is let in, may have ended the connection.
    if (this.#finishing) return;
    // Replay begins, and the session may end, before `subscribe` returns.
    const current = new Subscription();
    this.#current = current;
    this.#replaying = replaying;
    const { outbox } = this;
    const options = { ...this.settings.session, scope: this.identity.scope, replay };
    const session$ = this.settings.fanout.register(this.sessionId, ({ bytes }) => outbox.deliver(bytes), options);
    this.#untold++;
    current.add(
      session$.subscribe({
        error: (error: unknown) => {
          this.listener.failed(error);
        },
        complete: () => {
          this.listener.completed();
        },
      }),
    );
  }
}
