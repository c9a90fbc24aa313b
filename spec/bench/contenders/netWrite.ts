import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Clients, SOCKETS, type SocketContender, until, writeRaw } from '../support/sockets.js';

/** Bare `net` sockets that are written as many bytes at once: what nothing that writes to a socket can be much cheaper than. */
export const netWrite: SocketContender = {
  name: 'net, one write',
  async serve() {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      socket.setNoDelay();
      sockets.add(socket.on('error', () => undefined));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const clients = await Clients.open((server.address() as AddressInfo).port, 'net');
    await until(() => sockets.size === SOCKETS);
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
