import { createServer, type Server as HttpServer } from 'node:http';
import { once } from 'node:events';
import { LONGEST_TIMER } from '../options.js';
import { announcingClose } from './announcingClose.js';
import { DefinitionServerEnd, type DefinitionServer } from './definitionServer.js';
import { checkServeOptions, type ServeOptions, type ServerSettings } from './serverOptions.js';
import { claim, letGo } from './upgrades.js';
import type { Server as HttpsServer } from 'node:https';

/**
 * Bytes of `maxFrameBytes` for each fragment that a message may have, and for each piece in which it may come. A fragment keeps the
 * whole piece that it came in, up to 64 KiB, and a piece costs Node a few hundred bytes. No client that is known sends fragments.
 */
const BYTES_PER_FRAGMENT = 8_192;
const BYTES_PER_PIECE = 64;
/** How often the sockets that have not been upgraded are looked at, ms. */
const LOOK_EVERY = 1_000;
/** `ws` keeps its limits in 32 bits, of which one is the sign; above that there is none. */
const MOST_LIMIT = 2 ** 31 - 1;

/**
 * Puts a fan-out behind WebSockets: every client that shakes hands with a token that `authenticate` accepts becomes a session
 * of the token's scope. Resolves when it listens, or, with a server of yours, when it takes upgrades.
 *
 * - A client that a stock Origin would understand is understood; what is not, ends that connection alone (see
 *   `docs/websocket.md` for each case, with its close code).
 * @throws {FanoutError} BAD_OPTION at the call, naming the rule and the value; rejects when it cannot listen
 */
export function serveDefinitions(options: ServeOptions): Promise<DefinitionServer> {
  const settings = checkServeOptions(options);
  const { server, port = 0, host = '127.0.0.1', replay } = options;
  if (!settings.hasCatalog && replay === undefined)
    settings.logger.warn('the fan-out has no catalog, so a device that connects lets go of all it has', {
      replay: false,
    });
  if (server === undefined) {
    return serve(settings, async () => {
      const own = await listen(port, host, settings.limits.handshakeTimeout);
      return { http: own, close: () => closeServer(own) };
    });
  }
  // At the call: a second one for the same path must not come between.
  claim(server, settings.path);
  return serve(settings, () => Promise.resolve({ http: server, close: () => Promise.resolve() })).catch(
    (error: unknown) => {
      letGo(server, settings.path);
      throw error;
    },
  );
}

async function serve(
  settings: ServerSettings,
  open: () => Promise<{ http: HttpServer | HttpsServer; close: () => Promise<void> }>,
): Promise<DefinitionServer> {
  const { WebSocket, WebSocketServer } = await import('ws');
  const { maxFrameBytes } = settings.limits;
  // Compression would make a frame another one for each client; UTF-8 is only in text, which is refused.
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: announcingClose(WebSocket),
    // The deadlines are this library's own: 30 seconds, that of ws, would cut a longer grace short.
    // Spread, since the types of ws do not have the option yet.
    ...{ closeTimeout: LONGEST_TIMER },
    perMessageDeflate: false,
    autoPong: false,
    skipUTF8Validation: true,
    // One message of a client a turn of the event loop: whoever floods the server delays nobody else.
    allowSynchronousEvents: false,
    maxPayload: Math.min(maxFrameBytes, MOST_LIMIT),
    maxFragments: partsOf(maxFrameBytes, BYTES_PER_FRAGMENT),
    maxBufferedChunks: partsOf(maxFrameBytes, BYTES_PER_PIECE),
  });
  const { http, close } = await open();
  return new DefinitionServerEnd(settings, upgrades, http, close);
}

/** As many as the default limit, 64 KiB, has room for at least. */
function partsOf(maxFrameBytes: number, bytesPerPart: number): number {
  return Math.min(Math.ceil(Math.max(maxFrameBytes, 65_536) / bytesPerPart), MOST_LIMIT);
}

/** A server that knows nothing but upgrades. */
async function listen(port: number, host: string, handshakeTimeout: number): Promise<HttpServer> {
  const patience = Math.ceil(handshakeTimeout);
  // Without an interval of ours, Node looks only every 30 seconds for whose time is over.
  const connectionsCheckingInterval = Math.min(patience, LOOK_EVERY);
  const limits = { headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval };
  const server = createServer(limits, (_request, response) => {
    response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end();
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

function closeServer(server: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
