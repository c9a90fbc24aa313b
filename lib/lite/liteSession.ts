import { interval, Observable, timer, type SchedulerLike, type Subscriber } from 'rxjs';
import { fullJitter } from './backoff.js';
import { Keepalive } from './keepalive.js';
import { LiteSocket, type LiteSocketListener } from './liteSocket.js';
import { newTokens } from './newTokens.js';
import { TokenRefresh } from './tokenRefresh.js';
import { Snapshot } from './snapshot.js';
import type { DefinitionSyncMsg } from '../definition.js';
import type { Backoff } from '../options.js';
import type { HandshakeAck, MessageOf, PingPong, TokenRefreshAck } from '../wire/index.js';
import type { DeviceCatalog, Feeder } from './deviceCatalog.js';
import type { LiteError } from './liteError.js';
import type { LiteIdentity } from './liteId.js';
import type { TokenSource } from './tokenSource.js';
import type { WebSocketConstructor } from './webSocketLike.js';

export interface LiteSessionOptions {
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly clientVersion: string;
  readonly identity: LiteIdentity;
  readonly tokens: TokenSource;
  readonly catalog: DeviceCatalog;
  readonly scheduler: SchedulerLike;
  /** Milliseconds, both. */
  readonly handshakeTimeout: number;
  readonly keepalive: number;
  readonly reconnect: Backoff;
  /** Told of a failure that does not end the session. */
  readonly onFailure: (error: unknown) => void;
}

const WIRE_VERSION = 1;
/** While this many bytes wait to be sent, a peer that pings gets no more answers. */
const MOST_UNSENT = 65_536;

/**
 * One socket, from its opening to its end: emits `syncing` when the server has let the device in and `live` when the whole
 * snapshot is stored. Errors with a `LiteError` when it ends, never completes. Unsubscribing closes the socket.
 */
export function liteSession(options: LiteSessionOptions, token: string): Observable<'syncing' | 'live'> {
  return new Observable((subscriber) => {
    new LiteSession(options, token, subscriber).open();
  });
}

class LiteSession implements Feeder, LiteSocketListener {
  readonly #socket = new LiteSocket(this);
  #accepted = false;
  #snapshot: Snapshot | undefined;
  readonly #keepalive: Keepalive;
  readonly #refresh = new TokenRefresh((newToken) => this.#socket.send('TokenRefresh', { newToken }));
  /** How often the server has asked for a resync, and whether that is still to be done. */
  #asked = 0;
  #resyncDue = false;

  constructor(
    private readonly options: LiteSessionOptions,
    private readonly token: string,
    private readonly out: Subscriber<'syncing' | 'live'>,
  ) {
    this.#keepalive = new Keepalive(options.scheduler, (timestampMs, isPong) => {
      this.#socket.send('PingPong', { timestampMs, isPong });
    });
  }

  open(): void {
    const { catalog, handshakeTimeout, scheduler, WebSocket, url } = this.options;
    catalog.feeder = this;
    this.out.add(() => {
      catalog.feeder = undefined;
      this.#socket.end();
    });
    const late = timer(handshakeTimeout, scheduler).subscribe(() => {
      if (!this.#accepted) this.#socket.fail('LOST', 'the server did not answer the handshake in time');
    });
    this.out.add(late);
    this.#socket.open(WebSocket, url);
  }

  hold(): void {
    this.#socket.pause();
  }

  release(): void {
    this.#socket.resume();
  }

  storeFailed(error: unknown): void {
    this.#socket.fail('STORE', 'the store failed', error);
  }

  failed(error: LiteError): void {
    this.out.error(error);
  }

  opened(): void {
    const { identity, clientVersion } = this.options;
    this.#socket.send('Handshake', {
      jwtToken: this.token,
      vectorClock: new Map(),
      subscribedShapes: [],
      clientVersion,
      liteId: identity.liteId,
      epoch: identity.nextEpoch(),
      wireVersion: WIRE_VERSION,
    });
  }

  received({ kind, message }: MessageOf): void {
    this.#keepalive.heard();
    if (kind === 'HandshakeAck') this.#acknowledged(message);
    else if (!this.#accepted) this.#socket.fail('PROTOCOL', `the server sent ${kind} before it answered the handshake`);
    else if (kind === 'DefinitionSync') this.#take(message);
    else if (kind === 'PingPong') this.#pinged(message);
    else if (kind === 'TokenRefreshAck') this.#refreshed(message);
    // The answer to a resync cannot ask for the next one, or two peers that differ would never come to an end.
    else if (kind === 'ResyncRequest' && this.#snapshot === undefined) this.#resyncLater();
  }

  #acknowledged(ack: HandshakeAck): void {
    if (this.#accepted) {
      this.#socket.fail('PROTOCOL', 'the server answered the handshake twice');
    } else if (ack.success) {
      this.#accepted = true;
      this.#begin();
    } else if (ack.forkDetected) {
      this.options.identity.renew();
      this.#socket.fail('FORKED', 'another device is known by this liteId');
    } else {
      this.#refused(this.token, ack.error);
    }
  }

  #begin(): void {
    const { tokens, catalog, scheduler, keepalive, onFailure } = this.options;
    this.#resync();
    if (catalog.holding) this.hold();
    const silence = interval(keepalive, scheduler).subscribe(() => {
      const found = this.#keepalive.look({ isHolding: catalog.holding, isAsked: this.#snapshot !== undefined });
      if (found === 'gone') this.#socket.fail('LOST', 'the server went silent');
    });
    const refresh = newTokens(tokens, this.token, scheduler, onFailure).subscribe((token) =>
      this.#refresh.offer(token),
    );
    this.out.add(silence);
    this.out.add(refresh);
  }

  #refused(token: string, reason: string | null): void {
    this.options.tokens.refused(token);
    this.#socket.fail('REFUSED', `the server refused the token: ${reason ?? 'no reason given'}`);
  }

  /** At once the first time; a server that asks again and again waits for ever longer, as one that cannot be reached. */
  #resyncLater(): void {
    if (this.#resyncDue) return;
    const { scheduler, reconnect } = this.options;
    if (this.#asked++ === 0) {
      this.#resync();
      return;
    }
    this.#resyncDue = true;
    const wait = fullJitter(this.#asked - 1, reconnect.initialDelay, reconnect.maxDelay);
    this.out.add(timer(wait, scheduler).subscribe(() => this.#resync()));
  }

  /** Asks for everything, and marks the end of the answer by a ping. */
  #resync(): void {
    this.#resyncDue = false;
    this.out.next('syncing');
    this.#socket.send('ResyncRequest', { reason: { type: 'CorruptedState' }, fromMutationId: 0n, collection: '' });
    this.#snapshot = new Snapshot(this.#keepalive.ping());
  }

  #take(msg: DefinitionSyncMsg): void {
    this.#snapshot?.take(msg);
    this.options.catalog.add({ type: 'message', msg, inSnapshot: this.#snapshot !== undefined });
  }

  #pinged({ timestampMs, isPong }: PingPong): void {
    const snapshot = this.#snapshot;
    if (!isPong) {
      if (this.#socket.unsent < MOST_UNSENT) this.#socket.send('PingPong', { timestampMs, isPong: true });
    } else if (snapshot?.pingTimestamp === timestampMs) {
      this.#snapshot = undefined;
      const done = (): void => {
        if (this.#snapshot === undefined) this.out.next('live');
      };
      this.options.catalog.add({ type: 'snapshot', alive: snapshot.alive, done });
    }
  }

  #refreshed({ success, error }: TokenRefreshAck): void {
    const token = this.#refresh.answered(success);
    if (token !== undefined && !success) this.#refused(token, error);
  }
}
