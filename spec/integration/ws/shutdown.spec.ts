import { afterEach, describe, expect, it } from '@jest/globals';
import { NEVER } from 'rxjs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DefinitionSyncFanout } from 'ddl-fanout';
import type { ServeOptions } from 'ddl-fanout/ws';
import { Client, eventually, rawClient } from '../../helpers/client.js';
import { silent } from '../../helpers/fanout.js';
import { startOrigin, type Origin } from '../../helpers/origin.js';

let origin: Origin;
afterEach(() => origin.server.close({ grace: 0 }));

/** One that does not read, behind more than its socket takes. */
async function stuckClient(): Promise<Client> {
  origin = await startOrigin({ capacity: 10_000, limits: { highWaterMark: 10_000 } });
  const stuck = await Client.letIn(origin.server.url);
  stuck.socket.pause();
  for (let i = 0; i < 5_000; i++) {
    origin.put(`f${i}`, 'x'.repeat(5_000));
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return stuck;
}

/** One that does not read from now on, and is sent 200 definitions of so many bytes. */
async function pausedClient(bytes: number, options: Partial<ServeOptions>): Promise<Client> {
  origin = await startOrigin(options);
  const client = await Client.letIn(origin.server.url);
  client.socket.pause();
  for (let i = 0; i < 200; i++) origin.put(`f${i}`, 'x'.repeat(bytes));
  return client;
}

/** Waits until the network takes no more. */
async function stalled(fanout: DefinitionSyncFanout): Promise<void> {
  let looks = 0;
  let before = 0;
  await eventually(() => {
    const { delivered } = fanout.stats();
    looks = delivered === before ? looks + 1 : 0;
    before = delivered;
    return looks > 20;
  });
}

describe('close', () => {
  it('sends what waits, then closes with 1001', async () => {
    origin = await startOrigin();
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.letIn(origin.server.url)));
    for (let i = 0; i < 200; i++) origin.put(`f${i}`, 'x'.repeat(1_000));
    await origin.server.close();
    for (const client of clients) {
      expect(await client.closed()).toBe(1001);
      expect(client.story).toEqual(Array.from({ length: 200 }, (_, i) => `put f${i}`));
    }
    expect(origin.server.stats()).toMatchObject({ connections: 0, sessions: 0 });
    expect(origin.fanout.stats()).toMatchObject({ activeSessions: 0, ending: 0, discarded: 0 });
  });

  it.each<[string, (fanout: DefinitionSyncFanout) => unknown]>([
    ['the fan-out has completed', (fanout) => fanout.complete()],
    ['its session was unregistered', (fanout) => fanout.unregister([...fanout.sessions()][0]?.sessionId ?? '')],
  ])('sends what waits also when %s before', async (_, before) => {
    const stuck = await stuckClient();
    before(origin.fanout);
    const closing = origin.server.close({ grace: 60_000 });
    stuck.socket.resume();
    expect(await stuck.closed()).toBe(1001);
    await closing;
    expect(stuck.story).toHaveLength(5_000);
  });

  it.each<[string, () => unknown]>([
    ['is broadcast', () => origin.put('late')],
    ['fails', () => origin.fanout.error(new Error('late'))],
  ])('is under way when it is called: what %s behind it, in the same turn, changes nothing', async (_, late) => {
    origin = await startOrigin();
    const client = await Client.letIn(origin.server.url);
    const closing = origin.server.close();
    late();
    expect(await client.closed()).toBe(1001);
    await closing;
    expect(client.story).toEqual([]);
    expect(origin.server.stats().failed).toBe(0);
  });

  // The session used to be registered after its end, for ever.
  it('leaves nobody in the fan-out whom it closes while it lets them in', async () => {
    const info = (message: string): void => {
      if (message === 'a client is let in') void origin.server.close();
    };
    origin = await startOrigin({ logger: { ...silent, info } });
    const client = await Client.letIn(origin.server.url);
    expect(await client.closed()).toBe(1001);
    expect(origin.fanout.stats()).toMatchObject({ activeSessions: 0, sessionsRegistered: 0 });
  });

  it('waits for a slow client no longer than the grace', async () => {
    const stuck = await stuckClient();
    await origin.server.close({ grace: 200 });
    expect(origin.fanout.stats()).toMatchObject({ activeSessions: 0, ending: 0 });
    stuck.socket.terminate();
  });

  it('closes a client that has not shaken hands at once, and lets no other in', async () => {
    origin = await startOrigin();
    const client = await Client.open(origin.server.url);
    const closing = origin.server.close();
    expect(await client.closed()).toBe(1001);
    await closing;
    const late = await Client.open(origin.server.url);
    expect(late.closeCode).toBe(1006);
  });

  it('waits no longer than the shortest grace that it was called with', async () => {
    const stuck = await stuckClient();
    const closing = origin.server.close({ grace: 2 ** 31 - 1 });
    void origin.server.close({ grace: 100 });
    await closing;
    expect(origin.server.stats().connections).toBe(0);
    stuck.socket.terminate();
  });

  it('keeps no process alive when it is called again behind its end', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    origin = await startOrigin();
    await origin.server.close({ grace: 60_000 });
    const before = timers();
    await origin.server.close({ grace: 50_000 });
    expect(timers()).toBe(before);
  });

  it('does the same work once, however often it is called, also by those who are told of its work', async () => {
    origin = await startOrigin();
    const { server } = origin;
    await Client.letIn(server.url);
    const again: Promise<void>[] = [];
    origin.fanout.events$.subscribe(() => again.push(server.close()));
    const closing = server.close();
    expect(server.close()).toBe(closing);
    await closing;
    expect(again.map((each) => each === closing)).toEqual([true]);
  });

  it.each<[string, () => unknown]>([
    ['the fan-out completes', () => origin.fanout.complete()],
    ['it is unregistered', () => origin.fanout.unregister([...origin.fanout.sessions()][0]?.sessionId ?? '')],
  ])('does not cut off a client that is slow to read what was sent before the 1001: %s', async (_, end) => {
    const client = await pausedClient(100_000, { limits: { highWaterMark: 100_000_000 } });
    const other = await rawClient(origin.server.url, { allowHalfOpen: true });
    await eventually(() => origin.fanout.stats().delivered === 200);
    end();
    // Another client is closed later, for a frame without a mask; it does not answer, and is cut off for that.
    other.write(Buffer.from([0x82, 1, 0]));
    await eventually(() => origin.server.stats().protocolErrors === 1);
    await eventually(() => origin.server.stats().connections <= 1);
    client.socket.resume();
    expect(await client.closed()).toBe(1001);
    expect(client.story).toHaveLength(200);
  });
});

describe('a resync that comes too late', () => {
  it.each<[string, () => unknown]>([
    ['the server closes', () => void origin.server.close({ grace: 60_000 })],
    ['its session was unregistered', () => origin.fanout.unregister([...origin.fanout.sessions()][0]?.sessionId ?? '')],
  ])('is not answered, or a device would take the pong behind it for the end of an empty one: %s', async (_, end) => {
    for (const when of ['before', 'after']) {
      // More than the network takes while nobody reads.
      const client = await pausedClient(50_000, { replay: false, limits: { highWaterMark: 1_000 } });
      await stalled(origin.fanout);
      if (when === 'after') end();
      client.resync();
      client.ping(1n);
      await eventually(() => origin.server.stats().resyncs === 1);
      if (when === 'before') end();
      client.socket.resume();
      expect(await client.closed()).toBe(1001);
      expect(client.story).toEqual(Array.from({ length: 200 }, (_each, i) => `put f${i}`));
      await origin.server.close();
    }
  });
});

describe('a fan-out that is over', () => {
  it.each([
    ['completed', 1001, (fanout: DefinitionSyncFanout) => fanout.complete()],
    ['failed', 1013, (fanout: DefinitionSyncFanout) => fanout.error(new Error('the source broke'))],
  ])('closes its clients when it has %s, with %d', async (_how, code, end) => {
    origin = await startOrigin();
    const client = await Client.letIn(origin.server.url);
    origin.put('a');
    end(origin.fanout);
    expect(await client.closed()).toBe(code);
    expect(client.story).toEqual(['put a']);
    expect(await (await Client.open(origin.server.url)).closed()).toBe(1013);
    expect(origin.server.stats()).toMatchObject({ accepted: 1, full: 1 });
  });

  it('lets nobody in while others still drain, nor whoever was connected before', async () => {
    origin = await startOrigin();
    const early = await Client.open(origin.server.url);
    const draining = origin.fanout.register('drains', () => NEVER).subscribe();
    origin.put('a');
    origin.fanout.complete();
    early.shake('good', { liteId: 'lite', epoch: 1n });
    expect([await early.closed(), early.of('HandshakeAck')]).toEqual([1013, []]);
    expect(await (await Client.open(origin.server.url)).closed()).toBe(1013);
    expect(origin.server.stats()).toMatchObject({ accepted: 0, full: 2 });
    expect(origin.fanout.stats().ending).toBe(1);
    draining.unsubscribe();
  });

  it('closes a client that was unregistered, behind what waits', async () => {
    origin = await startOrigin();
    const client = await Client.letIn(origin.server.url);
    origin.put('a');
    const [session] = origin.fanout.sessions();
    expect(session?.sessionId).toBe(client.of('HandshakeAck')[0]?.sessionId);
    origin.fanout.unregister(session?.sessionId ?? '');
    expect(await client.closed()).toBe(1001);
    expect(client.story).toEqual(['put a']);
  });
});

describe('a client whose session was taken away by the owner of the fan-out', () => {
  it.each<[string, (fanout: DefinitionSyncFanout, sessionId: string) => unknown]>([
    ['unregistered', (fanout, sessionId) => fanout.unregister(sessionId)],
    ['replaced', (fanout, sessionId) => fanout.register(sessionId, () => undefined).subscribe()],
  ])('does not let itself in again by a resync (%s)', async (_how, takeAway) => {
    // More than the network takes while nobody reads.
    const client = await pausedClient(50_000, { limits: { highWaterMark: 1_000 } });
    await eventually(() => origin.fanout.stats().inFlight === 1);
    const sessionId = client.of('HandshakeAck')[0]?.sessionId ?? '';
    takeAway(origin.fanout, sessionId);
    const { activeSessions } = origin.fanout;
    client.send('ResyncRequest', { reason: { type: 'CorruptedState' }, fromMutationId: 0n, collection: '' });
    await eventually(() => origin.server.stats().resyncs === 1);
    origin.put('later');
    client.socket.resume();
    expect(await client.closed()).toBe(1001);
    expect(client.story).toEqual(Array.from({ length: 200 }, (_, i) => `put f${i}`));
    expect(origin.fanout.activeSessions).toBe(activeSessions);
  });
});

describe('an owner that takes the place of a session while it resyncs', () => {
  it('is replaced by it: the session goes on, resyncs again and is closed as any other', async () => {
    origin = await startOrigin();
    origin.put('a');
    const client = await Client.letIn(origin.server.url);
    const { fanout } = origin;
    fanout.events$.subscribe((event) => {
      if (event.type === 'ended' && event.reason === 'unsubscribed') fanout.receiver(event.sessionId);
    });
    for (const pings of [1n, 2n]) {
      client.resync();
      client.ping(pings);
      await client.until(() => client.story.at(-1) === `pong ${pings}`, 'the pong');
    }
    expect(client.story.filter((each) => each === 'put a')).toHaveLength(3);
    await origin.server.close();
    expect(await client.closed()).toBe(1001);
  });
});

describe('a server of the caller', () => {
  let http: Server;

  async function started(options: Partial<ServeOptions> = {}): Promise<string> {
    http = createServer((_request, response) => response.end('hello'));
    origin = await startOrigin({ server: http, ...options });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return origin.server.url;
  }

  afterEach(() => {
    http.closeAllConnections();
    http.close();
  });

  it('keeps its requests and its other upgrades, and is left open', async () => {
    const url = await started({ path: '/definitions' });
    expect(url).toBe(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/definitions`);
    http.on('upgrade', (request, socket) => {
      if (request.url === '/mine') socket.end('HTTP/1.1 418 Mine\r\nConnection: close\r\n\r\n');
    });
    const client = await Client.letIn(url);
    const other = await fetch(url.replace('ws:', 'http:').replace('/definitions', '/'));
    expect(await other.text()).toBe('hello');
    const mine = await Client.open(url.replace('/definitions', '/mine'));
    expect(mine.closeCode).toBe(1006);
    await origin.server.close();
    expect(await client.closed()).toBe(1001);
    expect(http.listening).toBe(true);
    await eventually(() => http.listenerCount('upgrade') === 1);
  });

  it('may have several fan-outs on several paths; a path that none of them has is answered 404', async () => {
    const url = await started({ path: '/one' });
    const other = await startOrigin({ server: http, path: '/two' });
    origin.put('a');
    other.put('b');
    const clients = [await Client.letIn(url), await Client.letIn(other.server.url)];
    for (const client of clients) client.ping(1n);
    for (const client of clients) await client.until(() => client.story.includes('pong 1'), 'the pong');
    expect(clients.map(({ story }) => story)).toEqual([
      ['put a', 'pong 1'],
      ['put b', 'pong 1'],
    ]);
    expect((await Client.open(url.replace('/one', '/three'))).closeCode).toBe(1006);
    await other.server.close();
    expect((await Client.open(url.replace('/one', '/two'))).closeCode).toBe(1006);
    expect([origin, other].map(({ server }) => server.stats().rejectedUpgrades)).toEqual([1, 1]);
    expect(clients[0]?.closeCode).toBeUndefined();
  });
});
