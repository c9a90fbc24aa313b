import { CloseCode } from './closeCode.js';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { ServerCount } from './serverStats.js';

/** Whoever wants the WebSockets. */
export interface UpgradeOwner {
  readonly isClosing: boolean;
  /** Whoever comes now is to come again later. */
  readonly turnsAway: boolean;
  count(what: ServerCount): void;
  opened(webSocket: WebSocket, socket: Duplex, request: IncomingMessage): void;
}

/** Sockets at a time, beyond `maxSessions`, that are told to try again later; more are just cut off. */
const MOST_TURNED_AWAY = 256;
/** How long a client that is turned away may take to answer the close, ms. */
const TURN_AWAY_TIMEOUT = 1_000;

/** The paths that the upgrade listeners of this library take. */
const paths = new WeakMap<object, string>();

/** The paths of each server that are served, or are about to be. */
const claims = new WeakMap<HttpServer | HttpsServer, Set<string>>();

/** Whether this library serves the path on the server already. */
export function isServed(server: HttpServer | HttpsServer, path: string): boolean {
  return claims.get(server)?.has(path) === true;
}

/** Serves the path on the server, from now on and until it is let go. */
export function claim(server: HttpServer | HttpsServer, path: string): void {
  const claimed = claims.get(server) ?? new Set();
  claims.set(server, claimed.add(path));
}

export function letGo(server: HttpServer | HttpsServer, path: string): void {
  claims.get(server)?.delete(path);
}

/** The upgrades of an HTTP server to one path: WebSockets for the owner, a refusal for all else. */
export class Upgrades {
  #turnedAway = 0;

  constructor(
    private readonly owner: UpgradeOwner,
    private readonly webSockets: WebSocketServer,
    private readonly server: HttpServer | HttpsServer,
    private readonly path: string,
  ) {
    paths.set(this.#upgrade, path);
    server.on('upgrade', this.#upgrade);
  }

  stop(): void {
    this.server.off('upgrade', this.#upgrade);
    letGo(this.server, this.path);
  }

  readonly #upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (path !== this.path) {
      if (this.#isNobodys(path)) this.#reject(socket, '404 Not Found');
      return;
    }
    socket.on('error', ignore);
    if (this.owner.isClosing) this.#reject(socket, '503 Service Unavailable');
    else if (this.owner.turnsAway) this.#turnAway(request, socket, head);
    else this.#accept(request, socket, head);
  };

  /** Other listeners of the server may know the path; where all are of this library, the last one tells that none does. */
  #isNobodys(path: string): boolean {
    const listeners = this.server.listeners('upgrade');
    return listeners.at(-1) === this.#upgrade && listeners.every((each) => (paths.get(each) ?? path) !== path);
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#shake(request, socket, head, (webSocket) => {
      socket.off('error', ignore);
      this.owner.opened(webSocket, socket, request);
    });
  }

  /** Tells the client to come again: an HTTP status would reach no script in a browser. */
  #turnAway(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.owner.count('full');
    if (this.#turnedAway >= MOST_TURNED_AWAY) {
      socket.destroy();
      return;
    }
    this.#turnedAway++;
    socket.once('close', () => {
      this.#turnedAway--;
    });
    this.#shake(request, socket, head, (webSocket) => {
      webSocket.on('error', ignore);
      webSocket.close(CloseCode.tryAgainLater);
      setTimeout(() => {
        webSocket.terminate();
      }, TURN_AWAY_TIMEOUT).unref();
    });
  }

  /** `ws` calls back within the call, or answers by itself what is no request for a WebSocket. */
  #shake(request: IncomingMessage, socket: Duplex, head: Buffer, opened: (webSocket: WebSocket) => void): void {
    const shaken = { isOpen: false };
    this.webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      shaken.isOpen = true;
      opened(webSocket);
    });
    if (!shaken.isOpen) this.owner.count('rejectedUpgrades');
  }

  #reject(socket: Duplex, status: string): void {
    this.owner.count('rejectedUpgrades');
    socket.on('error', ignore);
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.once('finish', () => socket.destroy());
  }
}

function ignore(): void {
  // A socket that fails before it is a connection is nobody's.
}
