import { once } from 'node:events';
import { encodeDefinitionSync } from 'ddl-fanout/wire';
import { WebSocketServer } from 'ws';
import { Clients, definition, type SocketContender } from '../support/sockets.js';
import type { AddressInfo } from 'node:net';

/** `ws`, which is sent one message after the other on every socket; encoded once. No queue, no backpressure, no catalog. */
export const wsSend: SocketContender = {
  name: 'ws, send loop',
  async serve() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    const clients = await Clients.open((server.address() as AddressInfo).port, 'ws');
    return {
      clients,
      send(frames) {
        for (let i = 0; i < frames; i++) {
          const bytes = encodeDefinitionSync(definition());
          for (const client of server.clients) client.send(bytes);
        }
      },
      async close() {
        for (const client of server.clients) client.terminate();
        server.close();
        await once(server, 'close');
      },
    };
  },
};
