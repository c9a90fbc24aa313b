import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Clients, FRAMED, SOCKETS, until, type SocketContender } from '../support/sockets.js';

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
      send(frames) {
        // Memory that was written to, as frames are: pages that never were are all one page, and cost nothing to read.
        const bytes = Buffer.alloc(frames * FRAMED, 0x61);
        for (const socket of sockets) socket.write(bytes);
      },
      async close() {
        for (const socket of sockets) socket.destroy();
        server.close();
        await once(server, 'close');
      },
    };
  },
};
