import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeMessage } from 'ddl-fanout/wire';
import { WebSocket } from 'ws';
import { Client, clientHeader, closeCodeOf, eventually, rawClient } from '../../helpers/client.js';
import { collectGarbage } from '../../helpers/collectGarbage.js';
import { authenticate, startOrigin, type Origin } from '../../helpers/origin.js';
import type { ServeOptions } from 'ddl-fanout/ws';

/** A client's frame of these first bits. */
function frame(first: number, payload: Uint8Array): Buffer {
  return Buffer.concat([clientHeader(first, payload.length), payload]);
}

let origin: Origin;
/** A client that does nothing wrong, and must not notice what the others do. */
let bystander: Client;

async function start(options: Partial<ServeOptions> = {}): Promise<string> {
  origin = await startOrigin(options);
  bystander = await Client.letIn(origin.server.url);
  return origin.server.url;
}

beforeEach(() => start());

afterEach(async () => {
  origin.put('last');
  await bystander.until(() => bystander.story.at(-1) === 'put last', 'the bystander to be served');
  await origin.server.close({ grace: 0 });
});

describe('before the handshake', () => {
  it('a client that sends nothing is closed with 1008', async () => {
    await origin.server.close();
    const client = await Client.open(await start({ limits: { handshakeTimeout: 100 } }));
    expect(await client.closed()).toBe(1008);
    expect(origin.server.stats()).toMatchObject({ handshakeTimeouts: 1, sessions: 1 });
    await eventually(() => origin.server.stats().connections === 1);
  });

  it('a client whose token takes too long to check is closed with 1008, and the answer is ignored', async () => {
    await origin.server.close();
    const answers: (() => void)[] = [];
    const slowly = (token: string) =>
      token === 'slow'
        ? new Promise<{ subject: string }>((resolve) => answers.push(() => resolve({ subject: 's' })))
        : authenticate(token);
    const client = await Client.open(await start({ authenticate: slowly, limits: { handshakeTimeout: 200 } }));
    client.shake('slow');
    expect(await client.closed()).toBe(1008);
    for (const answer of answers) answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(origin.server.stats()).toMatchObject({ handshakeTimeouts: 1, accepted: 1, sessions: 1 });
  });

  it('a client that has gone before its token was checked may come back with the same epoch', async () => {
    await origin.server.close();
    const answers: (() => void)[] = [];
    const slowly = (token: string) =>
      token === 'slow'
        ? new Promise<{ subject: string }>((resolve) => answers.push(() => resolve({ subject: 'someone' })))
        : authenticate(token);
    const url = await start({ authenticate: slowly });
    const client = await Client.open(url);
    client.shake('slow', { liteId: 'me', epoch: 3n });
    await eventually(() => answers.length === 1);
    client.socket.terminate();
    await eventually(() => origin.server.stats().connections === 1);
    for (const answer of answers) answer();
    await new Promise((resolve) => setImmediate(resolve));
    const again = await Client.letIn(url, 'good', { liteId: 'me', epoch: 3n });
    expect(again.of('HandshakeAck')).toMatchObject([{ success: true, forkDetected: false }]);
  });

  it.each<[string, Uint8Array]>([
    ['another message', encodeMessage('PingPong', { timestampMs: 1n, isPong: false })],
    ['a message that is not spoken', new Uint8Array([0x20, 0, 0, 0, 0])],
    ['an unknown type', new Uint8Array([0x77, 0, 0, 0, 0])],
    ['an empty message', new Uint8Array()],
    ['half a header', new Uint8Array([1, 0, 0])],
    ['a handshake that is cut', new Uint8Array([1, 9, 0, 0, 0, 0x97])],
    ['a handshake of other types', new Uint8Array([1, 8, 0, 0, 0, 0x97, 0x80, 0x80, 0x90, 0xa0, 0xa0, 0, 0])],
    ['random bytes', Uint8Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % 251)],
  ])('%s first is closed with 1002', async (_what, bytes) => {
    const client = await Client.open(origin.server.url);
    client.socket.send(bytes);
    expect(await client.closed()).toBe(1002);
    expect(client.received).toEqual([]);
    expect(origin.server.stats()).toMatchObject({ protocolErrors: 1, sessions: 1 });
  });

  it('a frame that claims 4 GiB is closed with 1009', async () => {
    const client = await Client.open(origin.server.url);
    client.socket.send(new Uint8Array([1, 0xff, 0xff, 0xff, 0xff, 0x97]));
    expect(await client.closed()).toBe(1009);
    expect(origin.server.stats()).toMatchObject({ tooLarge: 1, sessions: 1 });
  });

  it('more than maxFrameBytes while the token is being checked is closed with 1009', async () => {
    await origin.server.close();
    const never = (token: string) => (token === 'never' ? new Promise<never>(() => undefined) : authenticate(token));
    const client = await Client.open(await start({ authenticate: never, limits: { maxFrameBytes: 1_000 } }));
    client.shake('never');
    for (let i = 0; i < 100; i++) client.ping(2n ** 40n);
    expect(await client.closed()).toBe(1009);
    expect(origin.server.stats()).toMatchObject({ tooLarge: 1, sessions: 1 });
  });

  it('what comes early is done when the client is let in', async () => {
    const client = await Client.open(origin.server.url);
    client.shake();
    client.ping(5n);
    await client.until(() => client.story.includes('pong 5'), 'the pong');
    expect(client.of('HandshakeAck')).toMatchObject([{ success: true }]);
  });

  it('an authenticator that cannot tell closes with 1013, without an answer', async () => {
    await origin.server.close();
    const { AuthenticationUnavailable } = await import('ddl-fanout/ws');
    const client = await Client.open(
      await start({
        authenticate: (token) => {
          if (token === 'later') throw new AuthenticationUnavailable('the directory is down');
          return authenticate(token);
        },
      }),
    );
    client.shake('later');
    expect(await client.closed()).toBe(1013);
    expect(client.received).toEqual([]);
    expect(origin.server.stats()).toMatchObject({ undecided: 1, refused: 0 });
  });

  it.each<[string, ServeOptions['authenticate']]>([
    ['no subject', () => ({}) as { subject: string }],
    ['a scope that is none', () => ({ subject: 's', scope: { tenantId: -1n, databaseId: 0n } })],
    ['an expiry that is none', () => ({ subject: 's', expiresAt: NaN })],
    ['a rejection', () => Promise.reject(new Error('no'))],
    ['a rejection with what is no text', () => Promise.reject(Object.create(null) as Error)],
  ])('an identity with %s lets nobody in', async (_what, bad) => {
    await origin.server.close();
    const url = await start({
      authenticate: (token, request) => (token === 'bad' ? bad(token, request) : authenticate(token)),
    });
    const client = await Client.open(url);
    client.shake('bad');
    expect(await client.closed()).toBe(1008);
    expect(await client.message('HandshakeAck')).toMatchObject({
      success: false,
      sessionId: '',
      error: 'invalid token',
    });
    expect(origin.server.stats()).toMatchObject({ refused: 1, accepted: 1 });
  });
});

describe('at any time', () => {
  it.each(['before', 'after'])('a text message %s the handshake is closed with 1003', async (when) => {
    const client = when === 'after' ? await Client.letIn(origin.server.url) : await Client.open(origin.server.url);
    client.socket.send('hello');
    expect(await client.closed()).toBe(1003);
    expect(origin.server.stats()).toMatchObject({ textMessages: 1, sessions: 1 });
  });

  it('text that is no UTF-8 is closed with 1003 too', async () => {
    const socket = await rawClient(origin.server.url);
    socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]));
    expect(await closeCodeOf(socket)).toBe(1003);
  });

  it('a client that says goodbye and does not hang up has no session any more, and is cut off', async () => {
    const socket = await rawClient(origin.server.url, { allowHalfOpen: true });
    socket.write(frame(0x82, handshake()));
    await eventually(() => origin.server.sessions === 2, 'the client to be let in');
    // A Close, whose length has one byte: with more it would be no goodbye, but a broken frame.
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    await eventually(() => origin.server.sessions === 1, 'its session to end');
    expect(origin.server.stats()).toMatchObject({ connections: 2, protocolErrors: 0 });
    expect(origin.fanout.activeSessions).toBe(1);
    await eventually(() => origin.server.stats().connections === 1, 'its socket to be closed');
    socket.destroy();
  });

  it('a client that says goodbye and does not read what was sent before has no session any more', async () => {
    const socket = await rawClient(origin.server.url);
    socket.write(frame(0x82, handshake()));
    await eventually(() => origin.server.sessions === 2, 'the client to be let in');
    socket.pause();
    for (let i = 0; i < 200; i++) origin.put(`f${i}`, 'x'.repeat(100_000));
    await eventually(() => origin.fanout.stats().inFlight === 1, 'its socket to be full');
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    await eventually(() => origin.server.sessions === 1, 'its session to end');
    expect(origin.server.stats().connections).toBe(2);
    await eventually(() => origin.server.stats().connections === 1, 'its socket to be closed');
    socket.destroy();
  });

  it.each(['answers', 'ignores'])('a client that %s a 1001 and does not hang up is cut off', async (answer) => {
    const socket = await rawClient(origin.server.url, { allowHalfOpen: true });
    socket.write(frame(0x82, handshake()));
    await eventually(() => origin.server.sessions === 2, 'the client to be let in');
    const [, session] = origin.fanout.sessions();
    origin.fanout.unregister(session?.sessionId ?? '');
    if (answer === 'answers') socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
    // It may be silent for five minutes.
    await eventually(() => origin.server.stats().connections === 1, 'its socket to be closed');
    socket.destroy();
  });

  it('a client that hangs up is heard to its last word', async () => {
    const socket = await rawClient(origin.server.url);
    socket.write(frame(0x82, handshake()));
    await eventually(() => origin.server.sessions === 2, 'the client to be let in');
    const throttle = frame(0x82, encodeMessage('Throttle', { throttle: true, queueDepth: 1n, suggestedRate: 1n }));
    socket.end(Buffer.concat([throttle, frame(0x81, Buffer.from('hello'))]));
    await eventually(() => origin.server.stats().textMessages === 1, 'the text to be heard');
    expect(origin.server.stats().throttles).toBe(1);
  });

  it('a second handshake is closed with 1002', async () => {
    const client = await Client.letIn(origin.server.url);
    client.shake();
    expect(await client.closed()).toBe(1002);
    expect(client.of('HandshakeAck')).toHaveLength(1);
  });

  it('a malformed frame is closed with 1002', async () => {
    const client = await Client.letIn(origin.server.url);
    client.socket.send(new Uint8Array([0xff, 1, 0, 0, 0, 0xc0]));
    expect(await client.closed()).toBe(1002);
  });

  it('a refresh that cannot be decided on is closed with 1013, without an answer', async () => {
    await origin.server.close();
    const { AuthenticationUnavailable } = await import('ddl-fanout/ws');
    const authenticateOnce = (token: string) => {
      if (token === 'later') throw new AuthenticationUnavailable('the directory is down');
      return authenticate(token);
    };
    const client = await Client.letIn(await start({ authenticate: authenticateOnce }));
    client.send('TokenRefresh', { newToken: 'later' });
    expect(await client.closed()).toBe(1013);
    expect(client.of('TokenRefreshAck')).toEqual([]);
    expect(origin.server.stats()).toMatchObject({ undecided: 1, refused: 0 });
  });

  it('two token refreshes at a time are closed with 1002', async () => {
    await origin.server.close();
    const slow = async (token: string) => {
      if (token === 'later') await new Promise(() => undefined);
      return authenticate(token);
    };
    const client = await Client.letIn(await start({ authenticate: slow }));
    client.send('TokenRefresh', { newToken: 'later' });
    client.send('TokenRefresh', { newToken: 'good' });
    expect(await client.closed()).toBe(1002);
  });

  it.each<[string, (socket: Socket) => void, number]>([
    ['a message of 4 GiB', (socket) => socket.write(clientHeader(0x82, 2n ** 32n)), 1009],
    ['a message above the limit', (socket) => socket.write(clientHeader(0x82, 65_537)), 1009],
    ['a frame without a mask', (socket) => socket.write(Buffer.from([0x82, 1, 0])), 1002],
    ['a reserved opcode', (socket) => socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0])), 1002],
    ['a compressed message', (socket) => socket.write(Buffer.from([0xc2, 0x80, 0, 0, 0, 0])), 1002],
    ['a continuation of nothing', (socket) => socket.write(Buffer.from([0x80, 0x80, 0, 0, 0, 0])), 1002],
  ])('%s breaks the rules of WebSocket, and is closed at once', async (_what, send, code) => {
    const socket = await rawClient(origin.server.url);
    send(socket);
    expect(await closeCodeOf(socket)).toBe(code);
    const { protocolErrors, tooLarge } = origin.server.stats();
    expect(protocolErrors + tooLarge).toBe(1);
    await eventually(() => origin.server.stats().connections === 1);
  });

  it.each([
    [8, 'is read as a whole, and closed for what it holds', 1002],
    [9, 'is closed for their number', 1008],
  ])('a message of %i fragments %s', async (count, _what, code) => {
    const socket = await rawClient(origin.server.url);
    const between = Array.from({ length: count - 2 }, () => clientHeader(0x00, 0));
    socket.write(Buffer.concat([clientHeader(0x02, 0), ...between, clientHeader(0x80, 0)]));
    expect(await closeCodeOf(socket)).toBe(code);
  });

  it.each([
    ['large', 10_000, 1009],
    ['empty', 0, 1008],
  ])(
    'a message without end, in %s fragments, is bounded',
    async (_size, length, code) => {
      const socket = await rawClient(origin.server.url);
      const fragment = Buffer.concat([clientHeader(0x00, length), Buffer.alloc(length)]);
      const closed = closeCodeOf(socket);
      socket.write(Buffer.concat([clientHeader(0x02, length), Buffer.alloc(length)]));
      while (!socket.destroyed) {
        if (!socket.write(fragment)) await Promise.race([once(socket, 'drain'), closed]);
      }
      expect([code, undefined]).toContain(await closed);
      await eventually(() => origin.server.stats().connections === 1);
      const { protocolErrors, tooLarge } = origin.server.stats();
      expect(protocolErrors + tooLarge).toBe(1);
    },
    30_000,
  );

  it('a message that comes byte by byte is closed for the number of its pieces, each of which costs hundreds of bytes', async () => {
    const socket = await rawClient(origin.server.url);
    socket.setNoDelay(true);
    socket.write(clientHeader(0x82, 60_000));
    const closed = closeCodeOf(socket);
    let sent = 0;
    for (; !socket.destroyed && sent < 60_000; sent++) {
      socket.write(Buffer.alloc(1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([1008, undefined]).toContain(await closed);
    expect(sent).toBeGreaterThan(1_000);
    expect(origin.server.stats()).toMatchObject({ tooLarge: 1 });
  });
});

describe('a flood', () => {
  it('of 100,000 pings that are read is answered to the last one', async () => {
    const client = await Client.letIn(origin.server.url);
    for (let i = 1; i <= 100_000; i++) client.ping(BigInt(i));
    await client.until(() => client.story.at(-1) === 'pong 100000', 'the last pong');
    expect(origin.server.stats().sessions).toBe(2);
  });

  it.each([
    ['pings', encodeMessage('PingPong', { timestampMs: 1n, isPong: false }), 0x82],
    ['WebSocket pings', new Uint8Array(60), 0x89],
  ])(
    'of %s that nobody reads the answers of holds no more than the high-water mark',
    async (_kind, payload, first) => {
      await origin.server.close();
      const highWaterMark = 10_000;
      const socket = await rawClient(await start({ limits: { highWaterMark } }));
      socket.pause();
      const mask = [0, 0, 0, 0];
      const shake = handshake();
      socket.write(Buffer.from([0x82, 0x80 | 126, shake.length >> 8, shake.length & 255, ...mask, ...shake]));
      const burst = Buffer.concat(
        Array.from({ length: 5_000 }, () => Buffer.from([first, 0x80 | payload.length, ...mask, ...payload])),
      );
      for (let sent = 0; origin.server.stats().pingsDropped < 10_000; sent++) {
        if (sent > 4_000) throw new Error('no ping was dropped');
        if (!socket.write(burst)) {
          // It may never drain: the server hears one message a turn.
          const late = AbortSignal.timeout(50);
          await once(socket, 'drain', { signal: late }).catch(() => undefined);
        }
      }
      expect(origin.server.stats()).toMatchObject({ sessions: 2, protocolErrors: 0 });
      socket.destroy();
      await eventually(() => origin.server.stats().sessions === 1);
    },
    60_000,
  );

  it('of messages of one client is heard one by one, so that nobody else waits for it', async () => {
    const client = await Client.letIn(origin.server.url);
    const throttle = encodeMessage('Throttle', { throttle: true, queueDepth: 1n, suggestedRate: 1n });
    for (let i = 0; i < 2_000; i++) client.socket.send(throttle);
    const heard: number[] = [];
    for (let before = 0; before < 2_000;) {
      await new Promise((resolve) => setImmediate(resolve));
      const { throttles } = origin.server.stats();
      heard.push(throttles - before);
      before = throttles;
    }
    expect(Math.max(...heard)).toBe(1);
  });

  it('of resync requests is one replay for all that come while one runs, and one pong at its end', async () => {
    for (let i = 0; i < 3_000; i++) origin.put(`f${i}`);
    const client = await Client.letIn(origin.server.url);
    for (let i = 0; i < 100; i++) client.resync();
    client.ping(5n);
    await client.until(() => client.story.at(-1) === 'pong 5', 'the pong');
    expect(client.story.slice(-3_001, -1)).toEqual(Array.from({ length: 3_000 }, (_, i) => `put f${i}`));
    // The bystander's, two of the client that were there, one for all that it asked for, and perhaps one more.
    expect(origin.fanout.sessionsRegistered).toBeLessThan(6);
    expect(origin.server.stats().resyncs).toBe(100);
  });

  it('of resync requests from a socket that never reads begins no replay until it reads, and then one', async () => {
    await origin.server.close();
    const stuck = await stuckClient();
    const { sessionsRegistered } = origin.fanout;
    for (let i = 1; i <= 200; i++) {
      stuck.resync();
      await eventually(() => origin.server.stats().resyncs === i);
    }
    stuck.ping(5n);
    await new Promise((resolve) => setImmediate(resolve));
    expect(origin.fanout.sessionsRegistered).toBe(sessionsRegistered);
    stuck.socket.resume();
    await stuck.until(() => stuck.story.at(-1) === 'pong 5', 'the pong');
    expect(stuck.story.slice(-101, -1)).toEqual(Array.from({ length: 100 }, (_, i) => `put f${i}`));
    expect(origin.fanout.sessionsRegistered).toBe(sessionsRegistered + 1);
  });

  it('of token refreshes from a socket that never reads is one, whose answer waits until it reads', async () => {
    await origin.server.close();
    const stuck = await stuckClient();
    stuck.send('TokenRefresh', { newToken: 'good' });
    stuck.resync();
    await eventually(() => origin.server.stats().resyncs === 1);
    stuck.socket.resume();
    expect((await stuck.message('TokenRefreshAck')).success).toBe(true);
    stuck.socket.pause();
    await fill(stuck);
    // The system may take some more, and with it answers; from then on one waits, and the next is one too many.
    await eventually(() => {
      stuck.send('TokenRefresh', { newToken: 'good' });
      return origin.server.stats().protocolErrors === 1;
    });
    stuck.socket.terminate();
    await eventually(() => origin.server.stats().connections === 1);
    expect(origin.fanout.stats()).toMatchObject({ activeSessions: 1, ending: 0 });
  });

  it('of 100,000 frames to a socket that never reads holds the high-water mark and the capacity', async () => {
    await origin.server.close();
    const url = await start({ capacity: 100, replay: false, limits: { highWaterMark: 100_000 } });
    const stuck = await Client.letIn(url);
    stuck.socket.pause();
    const text = JSON.stringify('x'.repeat(1_000));
    await collectGarbage();
    const before = process.memoryUsage();
    for (let i = 0; i < 100_000; i++) {
      origin.put(`f${i % 1_000}`, text);
      if (i % 50 !== 0) continue;
      await new Promise((resolve) => setImmediate(resolve));
      bystander.received.length = 0;
    }
    const sessions = [...origin.fanout.sessions()];
    const slow = sessions.find(({ dropped }) => dropped > 0);
    expect(slow).toMatchObject({ offered: 100_000, waiting: 100, inFlight: 1 });
    await collectGarbage();
    const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
    expect(grown).toBeLessThan(10_000_000);
    stuck.socket.terminate();
    await eventually(() => origin.server.sessions === 1);
    expect(origin.fanout.activeSessions).toBe(1);
  });

  it('of connections finds the server full, and is told to try again with 1013', async () => {
    await origin.server.close();
    const url = await start({ limits: { maxSessions: 20 } });
    const clients = await Promise.all(Array.from({ length: 100 }, () => Client.open(url)));
    await eventually(() => clients.filter(({ closeCode }) => closeCode !== undefined).length === 81);
    expect(new Set(clients.map(({ closeCode }) => closeCode))).toEqual(new Set([1013, undefined]));
    expect(origin.server.stats()).toMatchObject({ connections: 20, full: 81 });
    for (const { socket } of clients) socket.terminate();
    await eventually(() => origin.server.stats().connections === 1);
    expect((await (await Client.letIn(url)).message('HandshakeAck')).success).toBe(true);
  });

  it('of 10,000 connections leaves no more than maxSessions, and lets the next one in', async () => {
    await origin.server.close();
    const url = await start({ limits: { maxSessions: 50 } });
    const { hostname, port } = new URL(url);
    const upgrade =
      'GET /sync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n';
    let most = 0;
    for (let wave = 0; wave < 20; wave++) {
      const sockets = Array.from({ length: 500 }, () =>
        connect(Number(port), hostname, function connected(this: Socket) {
          this.write(upgrade);
        }).on('error', () => undefined),
      );
      await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'data'), once(socket, 'close')])));
      most = Math.max(most, origin.server.stats().connections);
      for (const socket of sockets) socket.destroy();
      await eventually(() => origin.server.stats().connections === 1);
    }
    expect(most).toBe(50);
    expect(origin.server.stats()).toMatchObject({ connections: 1, full: 20 * 451 });
    await Client.letIn(url);
  });
});

describe('a disconnect', () => {
  it.each<[string, (url: string) => Promise<Socket | Client>]>([
    [
      'inside the upgrade',
      async (url) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1');
        await once(socket, 'connect');
        socket.write('GET /sync HTTP/1.1\r\nHost: x\r\nConnection: Upgr');
        return socket;
      },
    ],
    ['after the upgrade', (url) => rawClient(url)],
    [
      'inside the handshake',
      async (url) => {
        const socket = await rawClient(url);
        socket.write(Buffer.from([0x82, 0xff, 0, 0]));
        return socket;
      },
    ],
    [
      'while the token is checked',
      async (url) => {
        const client = await Client.open(url);
        client.shake('never');
        return client;
      },
    ],
    ['after the handshake', (url) => Client.letIn(url)],
    [
      'inside a replay',
      async (url) => {
        for (let i = 0; i < 5_000; i++) origin.put(`f${i}`);
        return Client.letIn(url);
      },
    ],
    [
      'while a resync is due',
      async (url) => {
        const client = await Client.letIn(url);
        client.resync();
        return client;
      },
    ],
  ])('%s leaves nothing behind', async (_when, begin) => {
    await origin.server.close();
    const never = (token: string) => (token === 'never' ? new Promise<never>(() => undefined) : authenticate(token));
    const url = await start({ authenticate: never });
    const peer = await begin(url);
    if (peer instanceof Client) peer.socket.terminate();
    else peer.destroy();
    await eventually(() => origin.server.stats().connections === 1 && origin.fanout.activeSessions === 1);
    expect(origin.fanout.stats()).toMatchObject({ ending: 0 });
    expect(origin.server.sessions).toBe(1);
  });
});

describe('an upgrade', () => {
  it.each([
    ['of another path', '/other', 404],
    ['of a path that only begins the same', '/sync2', 404],
  ])('%s is answered %p', async (_what, path, status) => {
    const socket = new WebSocket(origin.server.url.replace('/sync', path));
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(status);
    expect(origin.server.stats()).toMatchObject({ rejectedUpgrades: 1, connections: 1 });
    socket.on('error', () => undefined);
    socket.terminate();
  });

  it.each([
    ['has no key', 'GET', 'websocket', ''],
    [
      'has another version',
      'GET',
      'websocket',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 5\r\n',
    ],
    ['wants something else', 'GET', 'h2c', ''],
    ['is no GET', 'POST', 'websocket', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n'],
  ])('that %s is answered by HTTP, and counted', async (_what, method, protocol, headers) => {
    const { hostname, port } = new URL(origin.server.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `${method} /sync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${headers}\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 40[05] /);
    await once(socket, 'close');
    expect(origin.server.stats()).toMatchObject({ rejectedUpgrades: 1, connections: 1 });
  });

  it('must come within handshakeTimeout, on a server of its own', async () => {
    await origin.server.close();
    const url = await start({ limits: { handshakeTimeout: 500 } });
    const sockets = ['', 'GET /sync HTTP/1.1\r\nHost: x\r\n'].map((text) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(text);
      return socket.resume();
    });
    // Node looks at its sockets every 30 seconds unless it is told otherwise; this spec has five.
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
  });

  it('may carry a query', async () => {
    await Client.letIn(`${origin.server.url}?from=here`);
    expect(origin.server.sessions).toBe(2);
  });

  it('is what plain HTTP is told to do', async () => {
    const response = await fetch(origin.server.url.replace('ws:', 'http:'));
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
  });
});

/** A client that has stopped to read, and whose socket holds all that it may. */
async function stuckClient(): Promise<Client> {
  const url = await start({ overflow: 'catch-up', replay: false, limits: { highWaterMark: 10_000 } });
  const client = await Client.letIn(url);
  client.socket.pause();
  await fill(client);
  return client;
}

/** Fills the socket of a client that does not read, until its session is given nothing for a whole round. */
async function fill(client: Client): Promise<void> {
  const { sessionId = '' } = client.of('HandshakeAck')[0] ?? {};
  for (let before = -1; ;) {
    const { delivered = 0, inFlight = 0, waiting = 0 } = origin.fanout.session(sessionId) ?? {};
    if (inFlight === 1 && waiting >= 99 && delivered === before) return;
    before = delivered;
    for (let i = 0; i < 100; i++) {
      origin.put(`f${i}`, JSON.stringify('x'.repeat(50_000)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    bystander.received.length = 0;
  }
}

function handshake(): Uint8Array {
  const none = { vectorClock: new Map(), subscribedShapes: [], clientVersion: 'x'.repeat(200), liteId: '', epoch: 0n };
  return encodeMessage('Handshake', { jwtToken: 'good', ...none, wireVersion: 1 });
}
