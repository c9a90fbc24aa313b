import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { bundleForBrowser } from '../../helpers/bundleForBrowser.js';
import { chromiumProgram, openPage } from '../../helpers/chromium.js';
import { startOrigin, type Origin } from '../../helpers/origin.js';
import { describeWith } from '../../helpers/servers.js';
import { TcpProxy } from '../../helpers/tcpProxy.js';

const DEVICES = 20;

/** What runs in the page: devices, and what they have. */
const PROGRAM = `
  import { connectLite } from './lib/lite/index.js';
  const devices = [];
  globalThis.connect = (url, count, slowly) => {
    const put = () => new Promise((resolve) => setTimeout(resolve, 1));
    const store = { get: () => undefined, put, delete: put, list: () => [] };
    for (let i = 0; i < count; i++) {
      const lite = connectLite({ url, token: 'good', reconnect: { initialDelay: 20, maxDelay: 200 }, store: slowly ? store : undefined });
      const device = { lite, status: '', told: [] };
      lite.status$.subscribe((status) => (device.status = status));
      lite.messages$.subscribe(({ action, name }) => device.told.push(action + ' ' + name));
      devices.push(device);
    }
  };
  globalThis.look = () => devices.map(({ lite, status, told }) => ({
    status,
    told: told.length,
    has: Array.from(lite.definitions, ([key, { payload }]) => key + '=' + new TextDecoder().decode(payload)).sort(),
  }));
`;

interface Seen {
  readonly status: string;
  readonly told: number;
  readonly has: string[];
}

describeWith(chromiumProgram, 'devices in Chromium', () => {
  let origin: Origin;
  let proxy: TcpProxy;
  let page: Page;
  let closePage: () => Promise<void>;

  beforeEach(async () => {
    origin = await startOrigin(
      { limits: { highWaterMark: 16_384 }, capacity: 8 },
      { catalog: true, overflow: 'catch-up' },
    );
    proxy = await TcpProxy.start(Number(new URL(origin.server.url).port));
    ({ page, close: closePage } = await openPage());
    await page.evaluate(await bundleForBrowser(PROGRAM));
  });

  afterEach(async () => {
    await closePage();
    await proxy.close();
    await origin.server.close({ grace: 0 });
  });

  const connect = (count: number, slowly = false): Promise<void> =>
    page.evaluate(`connect('ws://127.0.0.1:${proxy.port}/sync', ${count}, ${slowly})`);
  const look = (): Promise<Seen[]> => page.evaluate('look()');

  /** Until every device is live and has exactly these. */
  async function all(expected: string[]): Promise<void> {
    const goal = JSON.stringify(expected.sort());
    const deadline = Date.now() + 30_000;
    for (;;) {
      const seen = await look();
      if (seen.every(({ status, has }) => status === 'live' && JSON.stringify(has) === goal)) return;
      if (Date.now() > deadline) throw new Error(`waited for ${goal}, and saw ${JSON.stringify(seen[0])}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('end with exactly the definitions of the Origin, though they are cut off again and again', async () => {
    const model = new Map<string, string>();
    await connect(DEVICES);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 10; i++) {
        const name = `f${Math.floor(Math.random() * 30)}`;
        if (Math.random() < 0.3) {
          model.delete(name);
          origin.drop(name);
        } else {
          model.set(name, `${round}.${i}`);
          origin.put(name, `${round}.${i}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      proxy.cutSome(0.2);
    }
    await all(Array.from(model, ([name, text]) => `function:${name}=${text}`));
  });

  it('whose store is slow keep what waits small, and end with the newest of each definition', async () => {
    await connect(1, true);
    await all([]);
    for (let i = 0; i < 20_000; i++) {
      origin.put(`f${i % 10}`, String(i));
      if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await all(Array.from({ length: 10 }, (_, i) => `function:f${i}=${19_990 + i}`));
    const [device] = await look();
    expect(device?.told).toBeLessThan(20_000);
  });
});
