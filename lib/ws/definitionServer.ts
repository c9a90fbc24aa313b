import { Subscription } from 'rxjs';
import { milliseconds, objectOption } from '../options.js';
import { Connection, type ConnectionHost } from './connection.js';
import { KnownEpochs } from './knownEpochs.js';
import { newCounts, type DefinitionServerStats, type ServerCount } from './serverStats.js';
import { Upgrades, type UpgradeOwner } from './upgrades.js';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
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
   * not gone out after `grace` (milliseconds, 0 to 2^31-1, default 5,000) is let go. Resolves when every socket is closed.
   * @throws {FanoutError} BAD_OPTION, naming the rule and the value
   */
  close(options?: { readonly grace?: number | undefined }): Promise<void>;
}

const DEFAULT_GRACE = 5_000;

export class DefinitionServerEnd implements DefinitionServer, ConnectionHost, UpgradeOwner {
  readonly epochs = new KnownEpochs();
  readonly #connections = new Set<Connection>();
  readonly #sessions = new Map<string, ServedSession>();
  readonly #counts = newCounts();
  readonly #watching = new Subscription();
  readonly #upgrades: Upgrades;
  /** The fan-out registers nobody any more. */
  isOver = false;
  #closing: Promise<void> | undefined;
  #cutOffAt = Infinity;
  #late: NodeJS.Timeout | undefined;
  #allGone: () => void = () => undefined;

  constructor(
    readonly settings: ServerSettings,
    webSockets: WebSocketServer,
    private readonly server: HttpServer | HttpsServer,
    private readonly closeServer: () => Promise<void>,
  ) {
    const { events$, frames$ } = settings.fanout;
    const over = (): void => {
      this.isOver = true;
      if (!this.isClosing) settings.logger.warn('the fan-out is over: new connections are closed with 1013');
    };
    this.#watching.add(
      events$.subscribe((event) => {
        if (event.type === 'caught-up') this.#sessions.get(event.sessionId)?.caughtUp();
        else if (event.type === 'registered') this.#sessions.get(event.sessionId)?.registration.registered();
      }),
    );
    // Ends when nobody can be registered any more, while others may still drain.
    this.#watching.add(frames$.subscribe({ complete: over, error: over }));
    this.#upgrades = new Upgrades(this, webSockets, server, settings.path);
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

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  get turnsAway(): boolean {
    return this.isOver || this.#connections.size >= this.settings.limits.maxSessions;
  }

  stats(): DefinitionServerStats {
    return { connections: this.#connections.size, sessions: this.sessions, ...this.#counts };
  }

  close(options: { readonly grace?: number | undefined } = {}): Promise<void> {
    const { grace = DEFAULT_GRACE } = objectOption('options', options);
    milliseconds('grace', grace, 0);
    this.#cutOffWithin(grace);
    return this.#closing ?? this.#close();
  }

  count(what: ServerCount): void {
    this.#counts[what]++;
  }

  opened(webSocket: WebSocket, socket: Duplex, request: IncomingMessage): void {
    this.#connections.add(new Connection(this, webSocket, socket, request));
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

  /** Whoever closes again, and is in more of a hurry, is heard too. */
  #cutOffWithin(grace: number): void {
    const at = performance.now() + grace;
    if (at >= this.#cutOffAt) return;
    this.#cutOffAt = at;
    clearTimeout(this.#late);
    this.#late = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
    }, grace);
  }

  #close(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    // First: whoever is told of a session's end may close once more.
    this.#closing = gone.then(() => this.#end());
    if (this.#connections.size === 0) this.#allGone();
    for (const connection of this.#connections) connection.finish();
    return this.#closing;
  }

  #end(): Promise<void> {
    clearTimeout(this.#late);
    this.#cutOffAt = -Infinity;
    this.#watching.unsubscribe();
    this.#upgrades.stop();
    return this.closeServer();
  }
}
