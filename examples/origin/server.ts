import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DefinitionSyncFanout, Logger } from 'ddl-fanout';
import { serveDefinitions, type Authenticate } from 'ddl-fanout/ws';
import { shortLine } from './line.js';
import { Complaint } from './options.js';

export interface OriginServer {
  readonly url: string;
  /** Connects over a short line: the client's end of it. */
  readonly overShortLine: () => Duplex;
  /** Closes every session's socket, and stops to listen. */
  close(): Promise<void>;
}

interface ServerOptions {
  readonly fanout: DefinitionSyncFanout;
  readonly port: number;
  readonly authenticate: Authenticate;
  readonly logger: Logger;
}

/**
 * Serves the fan-out's sessions on loopback. What a session may have waiting is little, so that one overflows within
 * this small a migration.
 * @throws {Complaint} when the port cannot be had
 */
export async function serve({ port, ...options }: ServerOptions): Promise<OriginServer> {
  const http = await listen(port);
  const server = await serveDefinitions({ ...options, server: http, capacity: 64, limits: { highWaterMark: 4_096 } });
  return {
    url: server.url,
    overShortLine: () => {
      const [client, accepted] = shortLine();
      http.emit('connection', accepted);
      return client;
    },
    async close() {
      await server.close({ grace: 1_000 });
      http.closeAllConnections();
      http.close();
    },
  };
}

async function listen(port: number): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: unknown) => {
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new Complaint(inUse ? `port ${port} is in use` : `cannot listen on port ${port}: ${String(error)}`);
  });
  return server;
}
