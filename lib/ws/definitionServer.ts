import { Connection, type ConnectionHost } from './connection.js';
import { CloseCode } from './closeCode.js';
import { KnownEpochs } from './knownEpochs.js';
import { newCounts, type DefinitionServerStats, type ServerCount } from './serverStats.js';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Subscription } from 'rxjs';
import type { WebSocketServer } from 'ws';
import type { ServedSession } from './servedSession.js';
import type { ServerSettings } from './serverOptions.js';

export interface DefinitionServer {
  /** Where clients connect to: `ws://127.0.0.1:4000/sync`. */
  readonly url: string;
  /** Clients that are let in now. */
  readonly sessions: number;
  stats(): DefinitionServerStats;
  /**
   * Takes no more clients, sends what waits, closes every socket with 1001, and, with a server of its own, that too. What has
   * not gone out after `grace` (milliseconds, default 5,000) is let go. Resolves when every socket is closed.
   */
  close(options?: { readonly grace?: number | undefined }): Promise<void>;
}

/** Sockets at a time, beyond `maxSessions`, that are told to try again later; more are just cut off. */
const MOST_TURNED_AWAY = 256;
const DEFAULT_GRACE = 5_000;
/** How long a client that is turned away may take to answer the close, ms. */
const TURN_AWAY_TIMEOUT = 1_000;

export class DefinitionServerEnd implements DefinitionServer, ConnectionHost {
  readonly epochs = new KnownEpochs();
  readonly #connections = new Set<Connection>();
  readonly #sessions = new Map<string, ServedSession>();
  readonly #counts = newCounts();
  readonly #events: Subscription;
  #turnedAway = 0;
  #closing: Promise<void> | undefined;
  #allGone: () => void = () => undefined;

  constructor(
    readonly settings: ServerSettings,
    private readonly upgrades: WebSocketServer,
    private readonly server: HttpServer | HttpsServer,
    private readonly closeServer: () => Promise<void>,
  ) {
    this.#events = settings.fanout.events$.subscribe((event) => {
      if (event.type === 'caught-up') this.#sessions.get(event.sessionId)?.caughtUp();
    });
    server.on('upgrade', this.#upgrade);
  }

  get url(): string {
    const scheme = 'setSecureContext' in this.server ? 'wss' : 'ws';
    const at = this.server.address();
    if (at === null || typeof at === 'string') return `${scheme}://${at ?? 'localhost'}${this.settings.path}`;
    const host = at.family === 'IPv6' ? `[${at.address}]` : at.address;
    return `${scheme}://${host}:${at.port}${this.settings.path}`;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  stats(): DefinitionServerStats {
    return { connections: this.#connections.size, sessions: this.sessions, ...this.#counts };
  }

  close({ grace = DEFAULT_GRACE }: { readonly grace?: number | undefined } = {}): Promise<void> {
    return (this.#closing ??= this.#close(grace));
  }

  count(what: ServerCount): void {
    this.#counts[what]++;
  }

  letIn(session: ServedSession): void {
    this.#sessions.set(session.sessionId, session);
  }

  left(session: ServedSession): void {
    this.#sessions.delete(session.sessionId);
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#allGone();
  }

  async #close(grace: number): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    const late = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
    }, grace);
    if (this.#connections.size === 0) this.#allGone();
    for (const connection of this.#connections) connection.finish();
    await gone;
    clearTimeout(late);
    this.#events.unsubscribe();
    this.server.off('upgrade', this.#upgrade);
    await this.closeServer();
  }

  readonly #upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (pathOf(request) !== this.settings.path) {
      // Another listener of the same server may know the path.
      if (this.server.listenerCount('upgrade') === 1) this.#reject(socket, '404 Not Found');
      return;
    }
    socket.on('error', ignore);
    if (this.#closing !== undefined) this.#reject(socket, '503 Service Unavailable');
    else if (this.#connections.size >= this.settings.limits.maxSessions) this.#turnAway(request, socket, head);
    else this.#accept(request, socket, head);
  };

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', ignore);
      this.#connections.add(new Connection(this, webSocket, socket, request));
    });
  }

  /** Tells the client to come again: an HTTP status would reach no script in a browser. */
  #turnAway(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.count('full');
    if (this.#turnedAway >= MOST_TURNED_AWAY) {
      socket.destroy();
      return;
    }
    this.#turnedAway++;
    socket.once('close', () => {
      this.#turnedAway--;
    });
    this.upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', ignore);
      webSocket.close(CloseCode.tryAgainLater);
      setTimeout(() => {
        webSocket.terminate();
      }, TURN_AWAY_TIMEOUT).unref();
    });
  }

  #reject(socket: Duplex, status: string): void {
    this.count('rejectedUpgrades');
    socket.on('error', ignore);
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.once('finish', () => socket.destroy());
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

function ignore(): void {
  // A socket that fails before it is a connection is nobody's.
}
