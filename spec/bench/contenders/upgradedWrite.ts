import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { Clients, type SocketContender, writeRaw } from '../support/sockets.js';
import type { AddressInfo, Socket } from 'node:net';

/** The sockets beneath `ws`, written past it as bare ones are: what nothing that writes to such sockets can be much cheaper than. */
export const upgradedWrite: SocketContender = {
  name: 'ws, one raw write',
  async serve() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    const sockets: Socket[] = [];
    server.on('connection', (_, { socket }) => sockets.push(socket));
    await once(server, 'listening');
    const clients = await Clients.open((server.address() as AddressInfo).port, 'ws');
    return {
      clients,
      send: (frames) => writeRaw(sockets, frames),
      async close() {
        for (const socket of sockets) socket.destroy();
        server.close();
        await once(server, 'close');
      },
    };
  },
};
