import { DefinitionSyncFanout } from 'ddl-fanout';
import { serveDefinitions } from 'ddl-fanout/ws';
import { Clients, definition, SOCKETS, until, type SocketContender } from '../support/sockets.js';

/** `serveDefinitions`: framed once for all, one write a socket and turn. */
export const oursOverWs: SocketContender = {
  name: 'ddl-fanout/ws',
  async serve() {
    const fanout = new DefinitionSyncFanout({ capacity: 1_000 });
    const limits = { maxSessions: SOCKETS };
    const server = await serveDefinitions({ fanout, authenticate: () => ({ subject: 'bench' }), limits });
    const clients = await Clients.open(Number(new URL(server.url).port), 'fanout');
    await until(() => fanout.activeSessions === SOCKETS);
    return {
      clients,
      send(frames) {
        for (let i = 0; i < frames; i++) fanout.broadcast(definition());
      },
      close: () => server.close({ grace: 0 }),
    };
  },
};
