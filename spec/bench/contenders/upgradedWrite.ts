import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { Clients, FRAMED, type SocketContender } from '../support/sockets.js';
import type { AddressInfo, Socket } from 'node:net';

/** The sockets of `ws`, which an HTTP upgrade handed over, written beside it as bare ones are: what no WebSocket server can be cheaper than. */
export const upgradedWrite: SocketContender = {
  name: 'ws, one raw write',
  async serve() {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    const upgraded: Socket[] = [];
    server.on('connection', (_, { socket }) => upgraded.push(socket));
    const http = createServer().on('upgrade', (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (webSocket) => server.emit('connection', webSocket, request));
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const clients = await Clients.open((http.address() as AddressInfo).port, 'ws');
    return {
      clients,
      send(frames) {
        const bytes = Buffer.alloc(frames * FRAMED, 0x61);
        for (const socket of upgraded) socket.write(bytes);
      },
      async close() {
        for (const client of server.clients) client.terminate();
        http.close();
        await once(http, 'close');
      },
    };
  },
};
