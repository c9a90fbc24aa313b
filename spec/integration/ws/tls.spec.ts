import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { connectLite, type WebSocketConstructor } from 'ddl-fanout/lite';
import { WebSocket } from 'ws';
import { eventually } from '../../helpers/client.js';
import { startOrigin, type Origin } from '../../helpers/origin.js';
import { selfSigned } from '../../helpers/selfSigned.js';

let https: Server;
let origin: Origin;

class TrustingWebSocket extends WebSocket {
  constructor(url: string) {
    super(url, { ca: selfSigned.cert });
  }
}

function device(WebSocket: WebSocketConstructor = TrustingWebSocket) {
  const lite = connectLite({
    url: origin.server.url,
    token: 'good',
    WebSocket,
    reconnect: { initialDelay: 20, maxDelay: 100 },
  });
  const seen: { status: string; errors: string[] } = { status: '', errors: [] };
  lite.status$.subscribe((status) => (seen.status = status));
  lite.errors$.subscribe(({ code }) => seen.errors.push(code));
  return { lite, seen };
}

beforeEach(async () => {
  https = createServer(selfSigned);
  origin = await startOrigin(
    { server: https, capacity: 4, limits: { highWaterMark: 65_536 } },
    { catalog: true, overflow: 'catch-up' },
  );
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
});

afterEach(async () => {
  await origin.server.close({ grace: 0 });
  https.closeAllConnections();
  https.close();
  await once(https, 'close');
});

describe('over TLS', () => {
  it('serves devices at a wss: URL, on an https server of the caller', async () => {
    expect(origin.server.url).toBe(`wss://127.0.0.1:${(https.address() as AddressInfo).port}/sync`);
    origin.put('a');
    const devices = [device(), device(), device()];
    await eventually(() => devices.every(({ seen }) => seen.status === 'live'), 'all to be live');
    for (let i = 0; i < 1_000; i++) origin.put(`f${i % 100}`, String(i));
    origin.drop('a');
    await eventually(() =>
      devices.every(({ lite }) => lite.definitions.size === 100 && !lite.definitions.has('function:a')),
    );
    for (const { lite, seen } of devices) {
      expect(new TextDecoder().decode(lite.definitions.get('function:f99')?.payload)).toBe('999');
      expect(seen.errors).toEqual([]);
      lite.close();
    }
    await eventually(() => origin.server.stats().connections === 0);
  });

  it('waits for a device that does not read, and brings it up to date when it does', async () => {
    const sockets: WebSocket[] = [];
    class Seen extends TrustingWebSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    }
    const { lite, seen } = device(Seen);
    await eventually(() => seen.status === 'live', 'the device to be live');
    sockets[0]?.pause();
    const text = 'x'.repeat(50_000);
    const behind = () =>
      [...origin.fanout.sessions()].some(({ state, waiting }) => state === 'catching-up' && waiting === 50);
    for (let i = 0; !behind(); i++) {
      for (let name = 0; name < 50; name++) origin.put(`f${name}`, `${text}${i}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    sockets[0]?.resume();
    await eventually(() => [...origin.fanout.sessions()].every(({ state }) => state === 'live'));
    await eventually(() => lite.definitions.size === 50);
    const texts = new Set([...lite.definitions.values()].map(({ payload }) => new TextDecoder().decode(payload)));
    expect(texts.size).toBe(1);
    expect([origin.fanout.stats().dropped, seen.errors]).toEqual([0, []]);
    lite.close();
  });

  it('is not reached by a device that does not trust the certificate, and answers what is no WebSocket', async () => {
    const { lite, seen } = device(WebSocket);
    await eventually(() => seen.errors.length > 0);
    expect(seen.errors[0]).toBe('LOST');
    lite.close();
    const socket = connect({ port: (https.address() as AddressInfo).port, host: '127.0.0.1', ca: selfSigned.cert });
    await once(socket, 'secureConnect');
    socket.write('GET /sync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 /);
    socket.destroy();
    expect(origin.server.stats()).toMatchObject({ rejectedUpgrades: 1, connections: 0 });
  });
});
