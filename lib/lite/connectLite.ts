import { defer, ReplaySubject, retry, Subject, Subscription, switchMap, timer } from 'rxjs';
import { fullJitter, longestWait } from './backoff.js';
import { DeviceCatalog } from './deviceCatalog.js';
import { LiteError } from './liteError.js';
import { LiteIdentity } from './liteId.js';
import { checkLiteOptions } from './liteOptions.js';
import { liteSession } from './liteSession.js';
import { TokenSource } from './tokenSource.js';
import type { Observable } from 'rxjs';
import type { DefinitionSyncMsg } from '../definition.js';
import type { CheckedLiteOptions, LiteOptions } from './liteOptions.js';

/**
 * - `connecting`: asks for a token, opens a socket, waits for the server's answer.
 * - `syncing`: the server is telling all that it has. `live`: all of that is stored, and what commits follows.
 * - `waiting`: there is no connection; the next attempt comes by itself.
 * - `closed`: by `close()`, or because the server refused a token that cannot be renewed.
 */
export type LiteStatus = 'connecting' | 'syncing' | 'live' | 'waiting' | 'closed';

/** A device's end of a connection that is made again for as long as it takes. */
export interface LiteConnection {
  /**
   * What the server tells, hot, when it is stored; of a snapshot only what changes `definitions`. Deletes that the device
   * missed are told as such.
   * Completes on `close()`; errors with a `LiteError` (`REFUSED`) when a fixed token is refused.
   */
  readonly messages$: Observable<DefinitionSyncMsg>;
  /** The current status, then each change; completes after `closed`. */
  readonly status$: Observable<LiteStatus>;
  /** Why there was no connection, each time, hot; completes on `closed`. */
  readonly errors$: Observable<LiteError>;
  /** What the device has, by `${definitionType}:${name}`: live, puts only; after `close()` what it had. */
  readonly definitions: ReadonlyMap<string, DefinitionSyncMsg>;
  /** Ends it all; what the store is doing ends by itself. Does nothing when closed. */
  close(): void;
}

/**
 * Connects a device, and keeps it connected: after any interruption it ends with exactly the Origin's definitions.
 *
 * - Each connection asks for a resync, and what is not in the answer is deleted; what is unchanged is left alone.
 * - Lost connections are made again after a random part of a time that doubles, without end, until `close()`.
 * - A refused token: a fixed one ends the connection; a provider is asked again, at the pace of the attempts, and nothing is
 *   sent until it gives one that was not refused, of which the last 64 are remembered.
 * - A store slower than the socket pauses the socket, where that can be done; elsewhere (browsers) only the newest change of
 *   each definition waits for it.
 *
 * @throws {FanoutError} BAD_OPTION, naming the rule and the value
 */
export function connectLite(options: LiteOptions): LiteConnection {
  const device = new Device(checkLiteOptions(options));
  device.connect();
  return device;
}

class Device implements LiteConnection {
  readonly messages$: Observable<DefinitionSyncMsg>;
  readonly status$: Observable<LiteStatus>;
  readonly errors$: Observable<LiteError>;
  readonly definitions: ReadonlyMap<string, DefinitionSyncMsg>;
  readonly #catalog: DeviceCatalog;
  readonly #tokens: TokenSource;
  readonly #identity: LiteIdentity;
  readonly #statuses = new ReplaySubject<LiteStatus>(1);
  readonly #errors = new Subject<LiteError>();
  readonly #connection = new Subscription();
  #status: LiteStatus | undefined;
  #loaded = false;
  /** Losses in a row, but for those of connections that were live for long enough. */
  #failures = 0;
  /** Since when the connection has been live. */
  #liveSince: number | undefined;

  constructor(private readonly options: CheckedLiteOptions) {
    this.#catalog = new DeviceCatalog(options.store, (cause) => {
      this.#errors.next(new LiteError('STORE', 'the store failed', { cause }));
    });
    this.#tokens = new TokenSource(options.token);
    this.#identity = new LiteIdentity(options.liteId, options.epoch);
    this.messages$ = this.#catalog.messages$.asObservable();
    this.status$ = this.#statuses.asObservable();
    this.errors$ = this.#errors.asObservable();
    this.definitions = this.#catalog.definitions;
  }

  connect(): void {
    const session = {
      ...this.options,
      catalog: this.#catalog,
      tokens: this.#tokens,
      identity: this.#identity,
      onFailure: (error: unknown) => {
        this.#errors.next(error as LiteError);
      },
    };
    const statuses$ = defer(() => this.#prepare()).pipe(
      switchMap((token) => liteSession(session, token)),
      retry({ delay: (error: LiteError) => this.#wait(error) }),
    );
    this.#connection.add(
      statuses$.subscribe({
        next: (status) => {
          if (status === 'live') this.#liveSince ??= this.options.scheduler.now();
          this.#become(status);
        },
        error: (error: unknown) => {
          this.#end(error as LiteError);
        },
      }),
    );
  }

  close(): void {
    this.#end();
  }

  /** All that a connection needs: what the store has, once, and a token. */
  async #prepare(): Promise<string> {
    this.#become('connecting');
    if (!this.#loaded) {
      await this.#catalog.load();
      this.#loaded = true;
    }
    // Whoever is told of the status, or the store, may have closed: nobody waits for a token any more.
    return this.#connection.closed ? '' : this.#tokens.next();
  }

  #wait(error: LiteError): Observable<unknown> {
    this.#errors.next(error);
    if (error.code === 'REFUSED' && !this.#tokens.renewable) throw error;
    this.#become('waiting');
    const { scheduler, reconnect } = this.options;
    const { initialDelay, maxDelay } = reconnect;
    const lived = scheduler.now() - (this.#liveSince ?? Infinity);
    this.#liveSince = undefined;
    // A server that tells all and then turns the device away is not to tell all again at once, for ever.
    if (lived >= longestWait(this.#failures, initialDelay, maxDelay)) this.#failures = 0;
    return timer(fullJitter(++this.#failures, initialDelay, maxDelay), scheduler);
  }

  #become(status: LiteStatus): void {
    if (this.#status === status || this.#status === 'closed') return;
    this.#status = status;
    this.#statuses.next(status);
  }

  #end(error?: LiteError): void {
    if (this.#status === 'closed') return;
    this.#become('closed');
    this.#connection.unsubscribe();
    this.#catalog.close();
    this.#statuses.complete();
    this.#errors.complete();
    if (error === undefined) this.#catalog.messages$.complete();
    else this.#catalog.messages$.error(error);
  }
}
