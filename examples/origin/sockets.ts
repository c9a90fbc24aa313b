import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { FanoutError, type DefinitionFrame, type DefinitionSyncFanout, type SessionOptions } from 'ddl-fanout';
import type { MessageOf } from 'ddl-fanout/wire';
import {
  defer,
  EMPTY,
  first,
  fromEvent,
  ignoreElements,
  merge,
  switchMap,
  takeUntil,
  tap,
  type Observable,
} from 'rxjs';
import { WebSocketServer, type WebSocket } from 'ws';
import { isKind, messagesOf, send } from './messages.js';
import { Complaint } from './options.js';

export interface DefinitionServer {
  readonly url: string;
  close(): Promise<void>;
}

interface ServerOptions {
  readonly fanout: DefinitionSyncFanout;
  readonly port: number;
  /** How the session of a device is registered. */
  readonly sessionOptions: (liteId: string) => SessionOptions;
}

/**
 * Serves the fan-out's sessions on loopback, one for each WebSocket that shakes hands.
 * @throws {Complaint} when the port cannot be had
 */
export async function serveDefinitions({ port, ...options }: ServerOptions): Promise<DefinitionServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port, path: '/sync', perMessageDeflate: false });
  await once(server, 'listening').catch((error: unknown) => {
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new Complaint(inUse ? `port ${port} is in use` : `cannot listen on port ${port}: ${String(error)}`);
  });
  server.on('connection', (socket) => {
    serveSession(socket, options);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${bound}/sync`,
    async close() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((closed) => {
        server.close(closed);
      });
    },
  };
}

function serveSession(socket: WebSocket, { fanout, sessionOptions }: Omit<ServerOptions, 'port'>): void {
  const messages$ = messagesOf(socket);
  messages$
    .pipe(
      first(isKind('Handshake')),
      tap(({ message: { liteId } }) => {
        send(socket, 'HandshakeAck', { ...accepted, sessionId: liteId });
      }),
      switchMap(({ message: { liteId } }) =>
        fanout.register(liteId, deliverTo(socket, messages$), sessionOptions(liteId)),
      ),
      takeUntil(fromEvent(socket, 'close')),
    )
    .subscribe({
      complete: () => {
        socket.close(1001);
      },
      error: (error: unknown) => {
        socket.close(error instanceof FanoutError ? 1013 : 1002);
      },
    });
}

/**
 * Sends a frame and a ping behind it. The frame is delivered when the device has answered: what lies in TCP's
 * buffers is not taken yet, and on loopback they would take a whole migration.
 */
function deliverTo(socket: WebSocket, messages$: Observable<MessageOf>) {
  const pong$ = messages$.pipe(first(isKind('PingPong')), ignoreElements());
  return ({ bytes }: DefinitionFrame): Observable<never> =>
    merge(
      pong$,
      defer(() => {
        socket.send(bytes, () => undefined);
        send(socket, 'PingPong', { timestampMs: BigInt(Date.now()), isPong: false });
        return EMPTY;
      }),
    );
}

const accepted = {
  success: true,
  serverClock: new Map<string, bigint>(),
  error: null,
  forkDetected: false,
  serverWireVersion: 1,
};
