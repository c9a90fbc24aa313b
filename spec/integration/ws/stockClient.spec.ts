import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { decodeMessage, encodeMessage } from 'ddl-fanout/wire';
import type { SyncMessages } from 'ddl-fanout/wire';
import { Client, eventually } from '../../helpers/client.js';
import { unhandledDuring } from '../../helpers/unhandled.js';
import type { LetIn } from 'ddl-fanout/ws';
import { startOrigin, tenant, type Origin } from '../../helpers/origin.js';

interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly frame?: string;
  readonly message: Readonly<Record<string, unknown>>;
}

const vectors = JSON.parse(readFileSync('spec/wire/golden-vectors.json', 'utf8')) as Vector[];

/** Golden frames of one kind, by id. */
function golden(kind: string): [string, Buffer, Vector['message']][] {
  return vectors.flatMap(({ id, kind: of, frame, message }) =>
    of === kind && frame !== undefined ? [[id, Buffer.from(frame, 'hex'), message]] : [],
  );
}

const everybody = { authenticate: () => ({ subject: 'stock' }) };
let origin: Origin;
afterEach(() => origin.server.close({ grace: 0 }));

async function opened(bytes: Buffer): Promise<Client> {
  const client = await Client.open(origin.server.url);
  client.socket.send(bytes);
  return client;
}

/** The first handshake of a stock client, wire version 0 and empty ids. */
const hello = golden('Handshake')[0]?.[1] ?? Buffer.alloc(0);

describe('a stock client', () => {
  it.each(golden('Handshake'))('is let in by the bytes of %s', async (_id, bytes) => {
    origin = await startOrigin(everybody);
    const client = await opened(bytes);
    const ack = await client.message('HandshakeAck');
    expect(ack).toEqual({
      success: true,
      sessionId: expect.stringMatching(/^.{36}$/) as unknown,
      serverClock: new Map(),
      error: null,
      forkDetected: false,
      serverWireVersion: 1,
    });
  });

  it('is refused with the bytes of a stock server, and then closed with 1008', async () => {
    origin = await startOrigin();
    const client = await opened(hello);
    expect(await client.closed()).toBe(1008);
    const refusal = vectors.find(({ message }) => message['error'] === 'invalid token');
    expect(client.received.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual([refusal?.frame]);
  });

  it.each(golden('PingPong').filter(([, , message]) => message['is_pong'] === false))(
    'is answered %s with the same timestamp',
    async (_id, bytes) => {
      origin = await startOrigin(everybody);
      const client = await opened(hello);
      client.socket.send(bytes);
      await client.message('PingPong');
      const pong = Buffer.from(bytes);
      pong[pong.length - 1] = 0xc3;
      expect(Buffer.from(client.received.at(-1) ?? []).toString('hex')).toBe(pong.toString('hex'));
    },
  );

  it.each(golden('ResyncRequest'))('gets everything again for %s, and the pong behind it', async (_id, bytes) => {
    origin = await startOrigin(everybody);
    for (const name of ['a', 'b', 'c']) origin.put(name);
    const client = await opened(hello);
    await client.until(() => client.story.length === 3, 'the first replay');
    client.socket.send(bytes);
    client.ping(5n);
    await client.until(() => client.story.includes('pong 5'), 'the pong');
    expect(client.story.slice(3)).toEqual(['put a', 'put b', 'put c', 'pong 5']);
  });

  it.each(golden('TokenRefresh'))('has its token refreshed by %s', async (_id, bytes) => {
    origin = await startOrigin(everybody);
    const client = await opened(hello);
    await client.message('HandshakeAck');
    client.socket.send(bytes);
    expect(await client.message('TokenRefreshAck')).toEqual({
      success: true,
      error: null,
      expiresInSecs: 2n ** 32n - 1n,
    });
  });

  it('may send every golden Throttle, pong and message that this library does not speak', async () => {
    origin = await startOrigin(everybody);
    const client = await opened(hello);
    for (const [, bytes] of golden('Throttle')) client.socket.send(bytes);
    for (const [, bytes, { is_pong: isPong }] of golden('PingPong')) if (isPong === true) client.socket.send(bytes);
    for (const type of [0x10, 0x20, 0x30, 0x40, 0x80, 0x90, 0x97])
      client.socket.send(new Uint8Array([type, 0, 0, 0, 0]));
    client.ping(5n);
    await client.until(() => client.story.includes('pong 5'), 'the pong');
    expect(origin.server.stats()).toMatchObject({
      throttles: golden('Throttle').length,
      protocolErrors: 0,
      sessions: 1,
    });
    origin.put('a');
    await client.until(() => client.story.includes('put a'), 'a definition');
  });

  it('gets the golden bytes of a definition', async () => {
    origin = await startOrigin(everybody);
    const client = await opened(hello);
    await client.message('HandshakeAck');
    const sent = golden('DefinitionSync').slice(0, 60);
    for (const [, bytes] of sent) {
      const received = decodeMessage(bytes);
      if (received?.kind === 'DefinitionSync') origin.fanout.broadcast(received.message);
    }
    await client.until(() => client.of('DefinitionSync').length === sent.length, 'all definitions');
    expect(client.received.slice(1).map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
      sent.map(([, bytes]) => bytes.toString('hex')),
    );
  });
});

describe('a client that was let in', () => {
  it('is told of by `onSession`, and ended by its id', async () => {
    const told: LetIn[] = [];
    origin = await startOrigin({ onSession: (session) => told.push(session) });
    const client = await Client.letIn(origin.server.url, 'tenant:7');
    const { sessionId } = await client.message('HandshakeAck');
    expect(told).toEqual([
      {
        sessionId,
        identity: { subject: 'someone', scope: tenant(7n) },
        request: expect.objectContaining({ url: '/sync' }),
      },
    ]);
    expect(origin.logger.lines).toContainEqual({
      level: 'info',
      message: 'a client is let in',
      context: { sessionId, subject: 'someone' },
    });
    expect(origin.fanout.unregister(sessionId)).toBe(true);
    expect(await client.closed()).toBe(1001);
  });

  it('is told of with the very identity that `authenticate` gave', async () => {
    class User {
      constructor(private readonly name: string) {}

      get subject(): string {
        return this.name;
      }
    }
    const told: unknown[] = [];
    const user = new User('someone');
    origin = await startOrigin({ authenticate: () => user, onSession: ({ identity }) => told.push(identity) });
    await Client.letIn(origin.server.url);
    expect(told[0]).toBe(user);
  });

  it('is let in though `onSession` throws', async () => {
    const thrown = await unhandledDuring(async () => {
      origin = await startOrigin({
        onSession: () => {
          throw new Error('no room in the list');
        },
      });
      await Client.letIn(origin.server.url);
    });
    expect(thrown).toEqual([new Error('no room in the list')]);
  });

  it('gets its own scope only', async () => {
    origin = await startOrigin();
    const clients = [
      await Client.letIn(origin.server.url, 'tenant:7'),
      await Client.letIn(origin.server.url, 'tenant:8'),
      await Client.letIn(origin.server.url, 'good'),
    ];
    origin.put('a', '{}', tenant(7n));
    origin.put('b', '{}', tenant(8n));
    origin.put('c');
    for (const client of clients) client.ping(1n);
    for (const client of clients) await client.until(() => client.story.includes('pong 1'), 'the pong');
    expect(clients.map(({ story }) => story)).toEqual([
      ['put a', 'pong 1'],
      ['put b', 'pong 1'],
      ['put c', 'pong 1'],
    ]);
  });

  it('stays in the scope that its own token named, though `authenticate` has one object for all', async () => {
    const identity = { subject: 'all', scope: { tenantId: 0n, databaseId: 1n } };
    const authenticate = (token: string) => {
      identity.scope.tenantId = BigInt(token);
      return identity;
    };
    origin = await startOrigin({ authenticate });
    const first = await Client.letIn(origin.server.url, '7');
    await Client.letIn(origin.server.url, '8');
    first.resync();
    first.ping(1n);
    await first.until(() => first.story.includes('pong 1'), 'the resync');
    origin.put('a', '{}', tenant(8n));
    origin.put('b', '{}', tenant(7n));
    await first.until(() => first.story.at(-1) === 'put b', 'its definition');
    expect(first.story).toEqual(['pong 1', 'put b']);
  });

  it('learns of remembered deletes with a resync, and not without a catalog', async () => {
    origin = await startOrigin();
    origin.put('a');
    origin.drop('a');
    const client = await Client.letIn(origin.server.url);
    client.resync();
    client.ping(1n);
    await client.until(() => client.story.includes('pong 1'), 'the pong');
    expect(client.story.slice(-2)).toEqual(['delete a', 'pong 1']);
    await origin.server.close();
    origin = await startOrigin({}, {});
    origin.put('a');
    const bare = await Client.letIn(origin.server.url);
    bare.resync();
    bare.ping(1n);
    await bare.until(() => bare.story.includes('pong 1'), 'the pong');
    expect(bare.story).toEqual(['pong 1']);
  });

  it.each([
    [false, ['pong 1', 'put a', 'pong 2']],
    [true, ['put a', 'pong 1', 'put a', 'pong 2']],
  ] as const)('with replay %p first gets %p', async (replay, story) => {
    origin = await startOrigin({ replay });
    origin.put('a');
    origin.put('b');
    origin.drop('b');
    const client = await Client.letIn(origin.server.url);
    client.ping(1n);
    await client.until(() => client.story.includes('pong 1'), 'the pong');
    client.resync();
    client.ping(2n);
    await client.until(() => client.story.includes('pong 2'), 'the pong');
    expect(client.story.filter((each) => each !== 'delete b')).toEqual(story);
  });

  it('ends when its token expires, unless it was refreshed in time', async () => {
    origin = await startOrigin();
    const soon = (): number => Date.now() / 1000 + 0.5;
    const [expiring, refreshed] = [
      await Client.letIn(origin.server.url, `until:${soon()}`),
      await Client.letIn(origin.server.url, `until:${soon()}`),
    ];
    refreshed.send('TokenRefresh', { newToken: `until:${Math.ceil(Date.now() / 1000) + 3600}` });
    const { success, expiresInSecs } = await refreshed.message('TokenRefreshAck');
    expect([success, expiresInSecs > 3_500n]).toEqual([true, true]);
    expect(await expiring.closed()).toBe(1008);
    expect(refreshed.closeCode).toBeUndefined();
    expect(origin.server.stats()).toMatchObject({ expired: 1, sessions: 1 });
  });

  it('is told of an end that the wire cannot carry as of none', async () => {
    origin = await startOrigin();
    const client = await Client.letIn(origin.server.url);
    client.send('TokenRefresh', { newToken: `until:${Number.MAX_VALUE}` });
    expect(await client.message('TokenRefreshAck')).toMatchObject({ success: true, expiresInSecs: 4_294_967_295n });
    expect(client.closeCode).toBeUndefined();
  });

  it.each(['bad', 'tenant:7', 'until:1'])('is closed when it refreshes its token by %p', async (newToken) => {
    origin = await startOrigin();
    const client = await Client.letIn(origin.server.url);
    client.send('TokenRefresh', { newToken });
    expect(await client.closed()).toBe(1008);
    expect(client.of('TokenRefreshAck')).toEqual([{ success: false, error: 'invalid token', expiresInSecs: 0n }]);
    expect(origin.server.stats()).toMatchObject({ refused: 1, sessions: 0 });
  });

  it('is a fork when it comes back with an epoch that is not higher', async () => {
    origin = await startOrigin();
    const { url } = origin.server;
    await Client.letIn(url, 'good', { liteId: 'me', epoch: 3n });
    await Client.letIn(url, 'good', { liteId: 'me', epoch: 4n });
    await Client.letIn(url, 'tenant:7', { liteId: 'me', epoch: 1n });
    const fork = await Client.letIn(url, 'good', { liteId: 'me', epoch: 4n });
    expect(await fork.closed()).toBe(1008);
    expect(await fork.message('HandshakeAck')).toMatchObject({ success: false, forkDetected: true });
    expect(origin.server.stats()).toMatchObject({ accepted: 3, forked: 1 });
  });

  it('is not silent while a message of it is on its way', async () => {
    origin = await startOrigin({ limits: { idleTimeout: 300 } });
    const [silent, slow] = [await Client.letIn(origin.server.url), await Client.letIn(origin.server.url)];
    const ping = encodeMessage('PingPong', { timestampMs: 5n, isPong: false });
    const message = Buffer.concat([Buffer.from([0x82, 0x80 | ping.length, 0, 0, 0, 0]), ping]);
    const { _socket: socket } = slow.socket as unknown as { _socket: Socket };
    let sent = 0;
    const pace = setInterval(() => socket.write(message.subarray(sent, ++sent)), 20);
    expect(await silent.closed()).toBe(1008);
    await eventually(() => sent >= message.length);
    clearInterval(pace);
    await slow.until(() => slow.story.includes('pong 5'), 'the answer');
    expect(origin.server.stats()).toMatchObject({ idleTimeouts: 1, sessions: 1 });
  });

  it('is pinged when it is silent, and closed with 1008 when it stays so', async () => {
    origin = await startOrigin({ limits: { idleTimeout: 300 } });
    const [silent, polite] = [await Client.letIn(origin.server.url), await Client.letIn(origin.server.url)];
    polite.socket.on('message', () => {
      for (const { timestampMs, isPong } of polite.of('PingPong').slice(-1)) {
        if (!isPong) polite.send('PingPong', { timestampMs, isPong: true });
      }
    });
    expect(await silent.closed()).toBe(1008);
    await eventually(() => polite.of('PingPong').length > 3);
    expect(polite.closeCode).toBeUndefined();
    expect(origin.server.stats()).toMatchObject({ idleTimeouts: 1, sessions: 1 });
  });

  it('is asked to try again when it is too slow for overflow `error`, or when its session fails', async () => {
    origin = await startOrigin({ overflow: 'error', capacity: 0, limits: { highWaterMark: 1 }, replay: false });
    const client = await Client.letIn(origin.server.url);
    origin.put('a');
    origin.put('b');
    expect(await client.closed()).toBe(1013);
    expect(origin.server.stats()).toMatchObject({ failed: 1 });
  });
});

it('encodes the handshake as the golden bytes say', () => {
  expect(
    Buffer.from(encodeMessage('Handshake', (decodeMessage(hello)?.message ?? {}) as SyncMessages['Handshake'])),
  ).toEqual(hello);
});
