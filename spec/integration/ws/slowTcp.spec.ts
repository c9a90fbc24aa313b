import { afterEach, describe, expect, it } from '@jest/globals';
import { connectLite, type LiteConnection, type LiteOptions } from 'ddl-fanout/lite';
import { WebSocket } from 'ws';
import { eventually } from '../../helpers/client.js';
import { startOrigin, type Origin } from '../../helpers/origin.js';
import { TcpProxy, type Weather } from '../../helpers/tcpProxy.js';
import type { FanoutOptions } from 'ddl-fanout';
import type { ServeOptions } from 'ddl-fanout/ws';

let origin: Origin;
let proxy: TcpProxy;
let lite: LiteConnection;
let status = '';
const told: string[] = [];

async function start(
  weather: Weather,
  device: Partial<LiteOptions> = {},
  serve: Partial<ServeOptions> = {},
  fanout: FanoutOptions = { catalog: true, overflow: 'catch-up' },
): Promise<void> {
  origin = await startOrigin(serve, fanout);
  proxy = await TcpProxy.start(Number(new URL(origin.server.url).port), weather);
  const url = `ws://127.0.0.1:${proxy.port}/sync`;
  lite = connectLite({ url, token: 'good', WebSocket, reconnect: { initialDelay: 20, maxDelay: 100 }, ...device });
  told.length = 0;
  lite.status$.subscribe((next) => (status = next));
  lite.messages$.subscribe(({ action, name }) => told.push(`${action} ${name}`));
}

afterEach(async () => {
  lite.close();
  await proxy.close();
  await origin.server.close({ grace: 0 });
});

const has = (): string[] => Array.from(lite.definitions.values(), ({ name }) => name).sort();
const live = (): Promise<void> => eventually(() => status === 'live', 'the device to be live');

describe('a device behind a network', () => {
  it('that splits at every byte gets every definition', async () => {
    await start({ bytewise: true });
    for (const name of ['a', 'b', 'c']) origin.put(name, '"ä"'.repeat(50));
    await live();
    expect(has()).toEqual(['a', 'b', 'c']);
    origin.drop('b');
    origin.put('d');
    await eventually(() => has().join() === 'a,c,d');
  });

  it('that delays gets them in order', async () => {
    await start({ delay: 20 });
    await live();
    for (let i = 0; i < 100; i++) origin.put(`f${i}`);
    await eventually(() => told.length === 100);
    expect(told).toEqual(Array.from({ length: 100 }, (_, i) => `put f${i}`));
  });

  it('that is cut ends with what the Origin has: what was dropped meanwhile is deleted, what is unchanged is not told', async () => {
    await start({});
    for (const name of ['same', 'changed', 'dropped']) origin.put(name, '1');
    await live();
    proxy.weather.stalled = true;
    proxy.cut();
    await eventually(() => status !== 'live');
    told.length = 0;
    origin.put('changed', '2');
    origin.drop('dropped');
    origin.put('new');
    origin.put('brief');
    origin.drop('brief');
    proxy.weather.stalled = false;
    await live();
    expect(has()).toEqual(['changed', 'new', 'same']);
    expect(told.sort()).toEqual(['delete dropped', 'put changed', 'put new']);
  });

  it('that stalls is noticed at both ends, without a word from TCP', async () => {
    await start({}, { keepalive: 200 }, { limits: { idleTimeout: 400 } });
    origin.put('a');
    await live();
    proxy.weather.stalled = true;
    await eventually(() => status !== 'live', 'the device to notice');
    await eventually(() => origin.server.stats().connections === 0, 'the server to notice');
    origin.put('b');
    proxy.cut();
    proxy.weather.stalled = false;
    await live();
    expect(has()).toEqual(['a', 'b']);
  });

  it('that stalls for a while costs the server no more than a place in the log, and the device catches up', async () => {
    await start({}, {}, { limits: { highWaterMark: 65_536 }, capacity: 4 });
    await live();
    proxy.weather.stalled = true;
    const text = 'x'.repeat(10_000);
    for (let i = 0; i < 2_000; i++) {
      origin.put(`f${i % 50}`, text + String(i));
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => [...origin.fanout.sessions()].some((session) => session.state === 'catching-up'));
    proxy.weather.stalled = false;
    await eventually(() => new TextDecoder().decode(lite.definitions.get('function:f49')?.payload).endsWith('1999'));
    await eventually(() => lite.definitions.size === 50);
    expect(origin.fanout.stats().dropped).toBe(0);
    expect(status).toBe('live');
  });

  it('slows the socket, not its memory, when its store is slow', async () => {
    let storing = 0;
    let most = 0;
    const kept = new Set<string>();
    const put = async (key: string): Promise<void> => {
      most = Math.max(most, ++storing);
      await new Promise((resolve) => setTimeout(resolve, 1));
      kept.add(key);
      storing--;
    };
    const store = { get: () => undefined, put, delete: () => undefined, list: () => [] };
    await start({}, { store }, { limits: { highWaterMark: 65_536 }, capacity: 4 });
    await live();
    const text = 'x'.repeat(50_000);
    for (let i = 0; i < 1_000; i++) origin.put(`f${i}`, text);
    await eventually(() => [...origin.fanout.sessions()].some((session) => session.state === 'catching-up'));
    await eventually(() => kept.size === 1_000, 'all to be stored');
    expect(most).toBe(1);
    expect(lite.definitions.size).toBe(1_000);
  });

  it('that is cut after any number of bytes, one more each time, ends whole', async () => {
    await start({});
    for (let i = 0; i < 3; i++) origin.put(`f${i}`);
    for (let limit = 0; limit < 700; limit += 13) {
      proxy.weather.cutAfter = limit;
      proxy.cut();
      const { cuts } = proxy;
      await eventually(() => proxy.cuts > cuts || status === 'live', 'the next cut');
    }
    proxy.weather.cutAfter = undefined;
    await live();
    expect(has()).toEqual(['f0', 'f1', 'f2']);
  });
});
