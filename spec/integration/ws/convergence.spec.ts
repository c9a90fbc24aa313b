import { afterEach, describe, expect, it } from '@jest/globals';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { connectLite, type LiteConnection } from 'ddl-fanout/lite';
import type { DefinitionServer } from 'ddl-fanout/ws';
import { recordingLogger } from 'ddl-fanout/testing';
import { WebSocket } from 'ws';
import { eventually } from '../../helpers/client.js';
import { startOrigin, type Origin } from '../../helpers/origin.js';
import { TcpProxy } from '../../helpers/tcpProxy.js';

const DEVICES = 200;
const NAMES = 60;
const ROUNDS = 40;

let origin: Origin;
let server: DefinitionServer;
let proxy: TcpProxy;
const devices: { lite: LiteConnection; live: boolean }[] = [];

/** The Origin's definitions, kept by the spec on its own. */
const model = new Map<string, string>();

afterEach(async () => {
  for (const { lite } of devices.splice(0)) lite.close();
  await proxy.close();
  await server.close({ grace: 0 });
});

function newFanout(): DefinitionSyncFanout {
  return new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', capacity: 8, logger: recordingLogger() });
}

async function serve(fanout: DefinitionSyncFanout): Promise<void> {
  const limits = { highWaterMark: 4_096 };
  origin = await startOrigin({ fanout, limits });
  server = origin.server;
}

/** One change, of any definition. */
function change(round: number): void {
  const name = `f${Math.floor(Math.random() * NAMES)}`;
  if (Math.random() < 0.3) {
    model.delete(`function:${name}`);
    origin.drop(name);
  } else {
    const text = `${round} ${Math.random()} ${'x'.repeat(Math.floor(Math.random() * 300))}`;
    model.set(`function:${name}`, text);
    origin.put(name, text);
  }
}

/** A restarted Origin knows what is in its database, and nothing of what was dropped. */
async function restart(crash: boolean): Promise<void> {
  await server.close({ grace: crash ? 0 : 50 });
  for (let i = 0; i < 5; i++) model.delete(`function:f${Math.floor(Math.random() * NAMES)}`);
  await serve(newFanout());
  for (const [key, text] of model) origin.put(key.slice('function:'.length), text);
  proxy.target = Number(new URL(server.url).port);
}

function contents(lite: LiteConnection): string {
  const entries = Array.from(
    lite.definitions,
    ([key, { payload }]) => [key, new TextDecoder().decode(payload)] as const,
  );
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('convergence', () => {
  it(`${DEVICES} devices end with exactly the Origin's definitions, whatever is cut and whoever restarts`, async () => {
    await serve(newFanout());
    proxy = await TcpProxy.start(Number(new URL(server.url).port));
    const url = `ws://127.0.0.1:${proxy.port}/sync`;
    for (let i = 0; i < DEVICES; i++) {
      const lite = connectLite({ url, token: 'good', WebSocket, reconnect: { initialDelay: 50, maxDelay: 400 } });
      const device = { lite, live: false };
      lite.status$.subscribe((status) => (device.live = status === 'live'));
      devices.push(device);
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < 10; i++) change(round);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      proxy.cutSome(Math.random() < 0.2 ? 0.5 : 0.05);
      if (round % 13 === 12) await restart(round % 2 === 0);
    }
    const expected = JSON.stringify([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
    await eventually(() => devices.every(({ live }) => live), 'all devices to be live');
    await eventually(() => devices.every(({ lite }) => contents(lite) === expected), 'all devices to be equal');
    expect(origin.fanout.stats()).toMatchObject({ dropped: 0, ending: 0, activeSessions: DEVICES });
    expect(server.stats()).toMatchObject({ sessions: DEVICES, connections: DEVICES, protocolErrors: 0, refused: 0 });
  }, 120_000);
});
