import { once } from 'node:events';
import { createServer } from 'node:http';
import { encodeDefinitionSync } from 'ddl-fanout/wire';
import { Server } from 'socket.io';
import { Clients, definition, SOCKETS, until, type SocketContender } from '../support/sockets.js';
import type { AddressInfo } from 'node:net';

/** socket.io that emits a binary argument to all; encoded once. Two messages a frame, no bound of what waits. */
export const socketIo: SocketContender = {
  name: 'socket.io',
  async serve() {
    const http = createServer();
    // The clients of the bench answer no pings.
    const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 3_600_000 });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const clients = await Clients.open((http.address() as AddressInfo).port, 'socket.io');
    await until(() => io.of('/').sockets.size === SOCKETS);
    return {
      clients,
      send(frames) {
        for (let i = 0; i < frames; i++) io.emit('definition', encodeDefinitionSync(definition()));
      },
      close: () => io.close(),
    };
  },
};
