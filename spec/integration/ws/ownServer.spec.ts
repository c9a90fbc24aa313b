import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import { deliverTo } from 'ddl-fanout/ws';
import { WebSocketServer } from 'ws';
import { Client, eventually } from '../../helpers/client.js';

describe.each(['the socket of the upgrade', 'the WebSocket'])(
  'deliverTo, on a server of the caller, given %s',
  (what) => {
    let fanout: DefinitionSyncFanout;
    let http: Server;
    let url: string;
    let sockets: Duplex[];

    beforeEach(async () => {
      fanout = new DefinitionSyncFanout({ capacity: Infinity });
      http = createServer();
      const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
      let sessions = 0;
      sockets = [];
      http.on('upgrade', (request, socket, head) => {
        upgrades.handleUpgrade(request, socket, head, (webSocket) => {
          sockets.push(socket);
          const to = what === 'the WebSocket' ? webSocket : socket;
          const session = fanout.register(String(sessions++), deliverTo(to, { highWaterMark: 20_000 })).subscribe({
            complete: () => setImmediate(() => webSocket.close(1001)),
            error: () => webSocket.close(1013),
          });
          webSocket.on('error', () => undefined);
          webSocket.on('close', () => session.unsubscribe());
          webSocket.on('message', (data) => {
            webSocket.send(data as Buffer);
          });
        });
      });
      http.listen(0, '127.0.0.1');
      await once(http, 'listening');
      url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
    });

    afterEach(() => {
      http.closeAllConnections();
      http.close();
    });

    it('delivers all frames in order, between messages that the caller sends, and nothing behind a close', async () => {
      const clients = await Promise.all([1, 2, 3].map(() => Client.open(url)));
      await eventually(() => fanout.activeSessions === 3);
      for (let i = 0; i < 3_000; i++) {
        fanout.broadcast(definition(`f${i}`));
        if (i % 100 !== 0) continue;
        for (const client of clients) client.send('PingPong', { timestampMs: BigInt(i), isPong: true });
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const client of clients) {
        await client.until(() => client.story.length === 3_030, 'all of it');
        expect(client.story.filter((each) => each.startsWith('put'))).toEqual(
          Array.from({ length: 3_000 }, (_, i) => `put f${i}`),
        );
        client.socket.close();
      }
      await eventually(() => fanout.activeSessions === 0);
      expect(fanout.stats()).toMatchObject({ dropped: 0, ending: 0 });
    });

    it('sends a burst by one write (S5)', async () => {
      const client = await Client.open(url);
      await eventually(() => fanout.activeSessions === 1);
      let writes = 0;
      const [socket] = sockets as [Duplex];
      for (const method of ['_write', '_writev'] as const) {
        const write = (socket[method] as (...args: unknown[]) => void).bind(socket);
        socket[method] = (...args: unknown[]) => {
          writes++;
          write(...args);
        };
      }
      for (const size of [50, 20]) {
        writes = 0;
        for (let i = 0; i < size; i++) fanout.broadcast(definition(`f${i}`));
        await client.until(() => client.story.at(-1) === `put f${size - 1}`, 'the burst');
        expect(writes).toBe(1);
      }
      client.socket.close();
    });

    it('delivers what waits before the socket is closed for a session that completes', async () => {
      const client = await Client.open(url);
      await eventually(() => fanout.activeSessions === 1);
      fanout.broadcast(definition('a'));
      fanout.broadcast(definition('b'));
      fanout.complete();
      expect(await client.closed()).toBe(1001);
      expect(client.story).toEqual(['put a', 'put b']);
    });

    it('outlives a client that sends what is no WebSocket frame', async () => {
      const client = await Client.open(url);
      await eventually(() => fanout.activeSessions === 1);
      client.socket.send('x', { mask: false });
      expect(await client.closed()).toBe(1002);
      await eventually(() => fanout.activeSessions === 0);
    });
  },
);
