import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { VirtualTimeScheduler } from 'rxjs';
import { connectLite, memoryStore } from 'ddl-fanout/lite';
import type { LiteConnection, LiteError, LiteOptions, LiteStatus, LiteWebSocket } from 'ddl-fanout/lite';
import { definition } from 'ddl-fanout/testing';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import { settle } from '../helpers/promises.js';
import { unhandledDuring } from '../helpers/unhandled.js';
import { scriptedServer, type ScriptedSocket } from '../helpers/scriptedServer.js';

interface Device {
  readonly lite: LiteConnection;
  readonly sockets: ScriptedSocket[];
  readonly told: string[];
  readonly statuses: LiteStatus[];
  readonly errors: LiteError[];
  readonly ends: unknown[];
  readonly socket: () => ScriptedSocket;
  /** Time passes, and what promises hold up happens. */
  readonly pass: (ms: number) => Promise<void>;
}

const open: LiteConnection[] = [];
afterEach(() => {
  jest.useRealTimers();
  for (const lite of open.splice(0)) lite.close();
});

async function device(options: Partial<LiteOptions> = {}): Promise<Device> {
  const server = scriptedServer();
  const scheduler = new VirtualTimeScheduler();
  const lite = connectLite({
    url: 'ws://origin/sync',
    token: 'token',
    WebSocket: server.WebSocket,
    scheduler,
    epoch: 7n,
    liteId: 'me',
    reconnect: { initialDelay: 1_000, maxDelay: 60_000 },
    ...options,
  });
  open.push(lite);
  const [told, statuses, errors, ends]: [string[], LiteStatus[], LiteError[], unknown[]] = [[], [], [], []];
  lite.status$.subscribe((status) => statuses.push(status));
  lite.errors$.subscribe((error) => errors.push(error));
  lite.messages$.subscribe({
    next: ({ action, name }) => told.push(`${action} ${name}`),
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('complete'),
  });
  const pass = async (ms: number): Promise<void> => {
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.flush();
    scheduler.frame = scheduler.maxFrames;
    await settle();
  };
  await settle();
  return { lite, sockets: server.sockets, told, statuses, errors, ends, socket: server.last, pass };
}

/** A device that is live and has these. */
async function liveDevice(options: Partial<LiteOptions> = {}, ...msgs: DefinitionSyncMsg[]): Promise<Device> {
  const connected = await device(options);
  sync(connected.socket(), ...msgs);
  return connected;
}

function sync(socket: ScriptedSocket, ...msgs: DefinitionSyncMsg[]): void {
  socket.open();
  socket.accept();
  socket.define(...msgs);
  socket.pong();
}

/** The socket throws when it is ended by this; by `close` it is when it has no `terminate`. */
function breakEnd(socket: ScriptedSocket, method: 'close' | 'terminate'): void {
  const broken = (): never => {
    throw new Error('broken');
  };
  Object.assign(socket, { terminate: undefined, [method]: broken });
}

const everything = { reason: { type: 'CorruptedState' }, fromMutationId: 0n, collection: '' } as const;
const put = (name: string, text = '{}'): DefinitionSyncMsg =>
  definition(name, { payload: new TextEncoder().encode(text) });
const drop = (name: string): DefinitionSyncMsg => definition(name, { action: 'delete', payload: new Uint8Array() });
const names = ({ lite }: Device): string[] => [...lite.definitions.keys()];

describe('a connection', () => {
  it('shakes hands as a stock client does', async () => {
    const { socket } = await device({ clientVersion: '1.2' });
    socket().open();
    expect(socket().url).toBe('ws://origin/sync');
    expect(socket().binaryType).toBe('arraybuffer');
    expect(socket().sent).toEqual([
      {
        kind: 'Handshake',
        message: {
          jwtToken: 'token',
          vectorClock: new Map(),
          subscribedShapes: [],
          clientVersion: '1.2',
          liteId: 'me',
          epoch: 7n,
          wireVersion: 1,
        },
      },
    ]);
  });

  // From TypeScript 6 on a browser's WebSocket takes no other bytes: that it was handed any `Uint8Array` did not type-check.
  it('sends bytes in buffers that nobody shares, by their type too', async () => {
    const { socket } = await device();
    const buffers: ArrayBuffer[] = [];
    const send: LiteWebSocket['send'] = (data) => buffers.push(data.buffer);
    Object.assign(socket(), { send });
    socket().open();
    expect(buffers).toEqual([expect.any(ArrayBuffer)]);
  });

  it('asks for everything, and marks the end of the answer by a ping, when it is let in', async () => {
    const { socket } = await device();
    socket().open();
    socket().accept();
    expect(socket().sent.slice(1)).toEqual([
      { kind: 'ResyncRequest', message: { reason: { type: 'CorruptedState' }, fromMutationId: 0n, collection: '' } },
      { kind: 'PingPong', message: { timestampMs: 1n, isPong: false } },
    ]);
  });

  it('is live when the pong has come, and tells each status once', async () => {
    const { statuses, told } = await liveDevice({}, put('a'), put('b'));
    expect(statuses).toEqual(['connecting', 'syncing', 'live']);
    expect(told).toEqual(['put a', 'put b']);
  });

  it('replays the current status to a late subscriber', async () => {
    const { lite } = await liveDevice();
    const seen: LiteStatus[] = [];
    lite.status$.subscribe((status) => seen.push(status));
    expect(seen).toEqual(['live']);
  });

  it('changes its definitions before it tells of a change', async () => {
    const connected = await liveDevice({}, put('a'));
    const seen: string[][] = [];
    connected.lite.messages$.subscribe(() => seen.push(names(connected)));
    connected.socket().define(put('b'), drop('a'));
    expect(seen).toEqual([['function:a', 'function:b'], ['function:b']]);
  });

  it('answers the pings of the server, unless too much waits to be sent', async () => {
    const { socket } = await liveDevice();
    socket().receive('PingPong', { timestampMs: 99n, isPong: false });
    socket().bufferedAmount = 1_000_000;
    socket().receive('PingPong', { timestampMs: 100n, isPong: false });
    expect(
      socket()
        .of('PingPong')
        .filter(({ isPong }) => isPong),
    ).toEqual([{ timestampMs: 99n, isPong: true }]);
  });

  it('skips messages that it does not speak', async () => {
    const { socket, errors } = await liveDevice();
    socket().receiveBytes(new Uint8Array([0x22, 1, 0, 0, 0, 0xc0]));
    expect(errors).toEqual([]);
  });
});

describe('a resync', () => {
  it('that a server asks for after each answer is put off for ever longer', async () => {
    const { socket, pass } = await liveDevice({ keepalive: 10_000_000 });
    const ask = (): void => socket().receive('ResyncRequest', everything);
    const asked = () => socket().of('ResyncRequest').length;
    ask();
    expect(asked()).toBe(2);
    for (let i = 0; i < 3; i++) {
      socket().pong();
      const before = asked();
      ask();
      ask();
      expect(asked()).toBe(before);
      await pass(1_000 * 2 ** i);
      expect(asked()).toBe(before + 1);
    }
  });

  it('deletes what is not in the answer, and tells so', async () => {
    const connected = await liveDevice({}, put('kept'), put('dropped'));
    connected.socket().drop();
    await connected.pass(1_000);
    sync(connected.socket(), put('kept'));
    expect(names(connected)).toEqual(['function:kept']);
    expect(connected.told.slice(2)).toEqual(['delete dropped']);
  });

  it('replaces what changed and leaves alone what did not', async () => {
    const connected = await liveDevice({}, put('same', '1'), put('changed', '1'));
    const same = connected.lite.definitions.get('function:same');
    connected.socket().drop();
    await connected.pass(1_000);
    sync(connected.socket(), put('same', '1'), put('changed', '2'), drop('unknown'));
    expect(connected.told.slice(2)).toEqual(['put changed']);
    expect(connected.lite.definitions.get('function:same')).toBe(same);
  });

  it('tells a repeated put again when it is live: it was committed again', async () => {
    const { socket, told } = await liveDevice({}, put('a'));
    socket().define(put('a'));
    expect(told).toEqual(['put a', 'put a']);
  });

  it('counts what is put and dropped while the answer comes', async () => {
    const connected = await device();
    sync(connected.socket(), put('a'), put('b'), drop('a'));
    expect(names(connected)).toEqual(['function:b']);
  });

  it('takes no answer for whole that broke off', async () => {
    const connected = await liveDevice({}, put('a'), put('b'));
    connected.socket().drop();
    await connected.pass(1_000);
    connected.socket().open();
    connected.socket().accept();
    connected.socket().define(put('a'));
    connected.socket().drop();
    expect(names(connected)).toEqual(['function:a', 'function:b']);
  });

  it('does not take the pong of another ping for the end', async () => {
    const connected = await device();
    connected.socket().open();
    connected.socket().accept();
    connected.socket().receive('PingPong', { timestampMs: 12345n, isPong: true });
    expect(connected.statuses.at(-1)).toBe('syncing');
  });

  it('starts again when a live server asks for it, but not while one runs', async () => {
    const { socket, statuses } = await liveDevice();
    const request = { reason: { type: 'CorruptedState' }, fromMutationId: 0n, collection: '' } as const;
    socket().receive('ResyncRequest', request);
    socket().receive('ResyncRequest', request);
    expect(socket().of('ResyncRequest')).toHaveLength(2);
    expect(statuses.slice(2)).toEqual(['live', 'syncing']);
  });

  it('comes behind what a store already had', async () => {
    const store = memoryStore();
    await store.put('function:old', put('old'));
    const connected = await device({ store });
    expect(names(connected)).toEqual(['function:old']);
    expect(connected.told).toEqual([]);
    sync(connected.socket(), put('new'));
    expect(names(connected)).toEqual(['function:new']);
    expect([...(await store.list())].map(({ name }) => name)).toEqual(['new']);
  });
});

describe('a store that fails', () => {
  it('drops the connection, and gets the change again with the next one', async () => {
    const kept = memoryStore();
    let full = true;
    const putOrFail: typeof kept.put = (key, msg) =>
      full ? Promise.reject(new Error('disk full')) : kept.put(key, msg);
    const connected = await liveDevice({ store: { ...kept, put: putOrFail } }, put('a'));
    await settle();
    expect(connected.errors).toMatchObject([{ code: 'STORE', cause: { message: 'disk full' } }]);
    expect([connected.told, names(connected), connected.statuses.at(-1)]).toEqual([[], [], 'waiting']);
    full = false;
    await connected.pass(1_000);
    sync(connected.socket(), put('a'));
    await settle();
    expect([connected.told, names(connected)]).toEqual([['put a'], ['function:a']]);
    expect(await kept.get('function:a')).toMatchObject({ name: 'a' });
  });

  // The device took what it shows for what the store holds: a change that was stored, and failed all the same, stayed there.
  it.each<[string, DefinitionSyncMsg[], DefinitionSyncMsg, DefinitionSyncMsg[], string[]]>([
    ['a put, and it is undone meanwhile', [put('x', '1')], put('x', '2'), [put('x', '1')], []],
    ['a put of something new, and it is dropped meanwhile', [put('x')], put('y'), [put('x')], []],
    ['a put of something new, and its delete is told', [], put('y'), [drop('y')], []],
    ['a delete, and it is put again meanwhile', [put('x')], drop('x'), [put('x')], []],
    ['a delete, and it stays deleted', [put('x')], drop('x'), [], ['delete x']],
  ])('after it took %s, has in the end what the Origin has', async (_what, before, change, after, told) => {
    const kept = memoryStore();
    let failing = false;
    const failAfter = (done: unknown): Promise<void> =>
      failing ? Promise.reject(new Error('timed out')) : Promise.resolve(done as undefined);
    const store = {
      ...kept,
      put: (key: string, msg: DefinitionSyncMsg) => failAfter(kept.put(key, msg)),
      delete: (key: string) => failAfter(kept.delete(key)),
    };
    const connected = await liveDevice({ store }, ...before);
    await settle();
    failing = true;
    connected.socket().define(change);
    await settle();
    expect(connected.errors).toMatchObject([{ code: 'STORE' }]);
    failing = false;
    await connected.pass(1_000);
    sync(connected.socket(), ...after);
    await settle();
    const alive = after.filter(({ action }) => action === 'put');
    expect([...(await kept.list())]).toEqual(alive);
    expect([...connected.lite.definitions.values()]).toEqual(alive);
    expect(connected.statuses.at(-1)).toBe('live');
    expect(connected.told.slice(before.length)).toEqual(told);
  });

  it('is told of though the connection was lost meanwhile', async () => {
    let fail: (error: Error) => void = () => undefined;
    const slow = () => new Promise<void>((_, reject) => (fail = reject));
    const connected = await liveDevice({ store: { ...memoryStore(), put: slow } }, put('a'));
    connected.socket().drop();
    fail(new Error('disk full'));
    await settle();
    expect(connected.errors).toMatchObject([{ code: 'LOST' }, { code: 'STORE', cause: { message: 'disk full' } }]);
  });

  it('at the start is asked again', async () => {
    const kept = memoryStore();
    let locked = true;
    const list: typeof kept.list = () => (locked ? Promise.reject(new Error('locked')) : [put('old')]);
    const connected = await device({ store: { ...kept, list } });
    expect(connected.errors).toMatchObject([{ code: 'STORE' }]);
    expect(connected.sockets).toHaveLength(0);
    locked = false;
    await connected.pass(1_000);
    expect(names(connected)).toEqual(['function:old']);
    expect(connected.sockets).toHaveLength(1);
  });

  it('is not outrun: its socket is paused, over a reconnection too, until it has caught up', async () => {
    const pending: (() => void)[] = [];
    const putSlowly = (): Promise<void> => new Promise((resolve) => pending.push(resolve));
    const connected = await device({ store: { ...memoryStore(), put: putSlowly } });
    sync(connected.socket(), ...Array.from({ length: 300 }, (_, i) => put(`f${i}`)));
    expect(connected.socket().paused).toBe(true);
    connected.socket().drop();
    await connected.pass(1_000);
    connected.socket().open();
    connected.socket().accept();
    expect(connected.socket().paused).toBe(true);
    while (pending.length > 0) {
      pending.shift()?.();
      await settle();
    }
    expect(connected.socket().paused).toBe(false);
    expect(connected.lite.definitions.size).toBe(300);
  });
});

describe('a lost connection', () => {
  it('is made again after at most the initial delay, then at most twice that, and so on up to the longest', async () => {
    const { sockets, socket, statuses, pass } = await device({ reconnect: { initialDelay: 100, maxDelay: 350 } });
    for (const most of [100, 200, 350, 350]) {
      const before = sockets.length;
      socket().drop();
      expect(statuses.at(-1)).toBe('waiting');
      await pass(most);
      expect(sockets).toHaveLength(before + 1);
    }
  });

  it('begins with the initial delay again when it was live for as long as it may have waited before', async () => {
    const { sockets, socket, pass } = await device({ reconnect: { initialDelay: 100, maxDelay: 100_000 } });
    for (let failure = 0; failure < 8; failure++) {
      socket().drop();
      await pass(100_000);
    }
    sync(socket());
    await pass(100 * 2 ** 7);
    socket().drop();
    await pass(100);
    expect(sockets).toHaveLength(10);
  });

  // An overloaded server that closed each device as soon as it was live told it all again four times a second.
  it('waits for ever longer when the server drops the device as soon as it is live', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.999);
    const { sockets, socket, pass } = await device({ reconnect: { initialDelay: 100, maxDelay: 350 } });
    for (const least of [99, 199, 349, 349]) {
      const before = sockets.length;
      sync(socket());
      await pass(10);
      socket().drop();
      await pass(least);
      expect(sockets).toHaveLength(before);
      await pass(1);
      expect(sockets).toHaveLength(before + 1);
    }
    random.mockRestore();
  });

  it('waits a random part of the delay, so that devices do not come back together', async () => {
    const soon: number[] = [];
    for (let trial = 0; trial < 40; trial++) {
      const { sockets, socket, pass, lite } = await device({ reconnect: { initialDelay: 1_000 } });
      socket().drop();
      await pass(500);
      soon.push(sockets.length - 1);
      lite.close();
    }
    expect(new Set(soon)).toEqual(new Set([0, 1]));
  });

  it('has a higher epoch each time, so that it is not taken for a copy', async () => {
    const { socket, pass, sockets } = await liveDevice();
    socket().drop();
    await pass(1_000);
    socket().open();
    expect(sockets.map((each) => each.of('Handshake')[0]?.epoch)).toEqual([7n, 8n]);
  });

  it('is noticed when the server answers no handshake', async () => {
    const { socket, errors, pass } = await device({ handshakeTimeout: 10_000 });
    socket().open();
    await pass(9_999);
    expect(errors).toEqual([]);
    await pass(1);
    expect(errors).toMatchObject([{ code: 'LOST' }]);
    expect(socket().ended ?? 'terminated').toBe('terminated');
  });

  it('is noticed when the server is silent: it is pinged first, then given up', async () => {
    const { sockets, errors, pass } = await liveDevice({ keepalive: 1_000 });
    const [first] = sockets as [ScriptedSocket];
    await pass(1_000);
    await pass(1_000);
    expect(first.of('PingPong')).toHaveLength(2);
    first.pong();
    await pass(1_000);
    expect(errors).toEqual([]);
    await pass(1_000);
    await pass(1_000);
    expect(errors).toMatchObject([{ code: 'LOST', message: 'the server went silent' }]);
    expect(first.ended).toBe('terminated');
  });

  it('is noticed when the server is silent before the snapshot has ended: the ping that ends it is not pushed out', async () => {
    const { sockets, errors, pass } = await device({ keepalive: 1_000 });
    const [socket] = sockets as [ScriptedSocket];
    socket.open();
    socket.accept();
    await pass(1_000);
    await pass(1_000);
    expect(socket.of('PingPong')).toHaveLength(1);
    expect(errors).toEqual([]);
    await pass(1_000);
    expect(errors).toMatchObject([{ code: 'LOST', message: 'the server went silent' }]);
  });

  it.each([
    ['a text message', (socket: ScriptedSocket) => socket.receiveData('hello')],
    ['no frame', (socket: ScriptedSocket) => socket.receiveBytes(new Uint8Array([0x70, 9, 0, 0, 0]))],
    ['a definition before it has let the device in', (socket: ScriptedSocket) => socket.define(put('a'))],
  ])('is what follows when the server sends %s', async (_what, send) => {
    const { socket, errors, told } = await device();
    socket().open();
    send(socket());
    expect(errors).toMatchObject([{ code: 'PROTOCOL' }]);
    expect(told).toEqual([]);
  });

  it('is not feared while a slow store holds the socket back: the device says that it is there, and asks nothing', async () => {
    const store = { ...memoryStore(), put: () => new Promise<void>(() => undefined) };
    const { socket, errors, pass } = await device({ store, keepalive: 1_000 });
    socket().open();
    socket().accept();
    for (let i = 0; i < 300; i++) socket().define(put(`f${i}`));
    expect(socket().paused).toBe(true);
    for (let i = 0; i < 20; i++) await pass(1_000);
    // A server keeps the newest 16 answers to pings while it replays, and the end of the snapshot is one of them.
    expect(
      socket()
        .of('PingPong')
        .map(({ isPong }) => isPong),
    ).toEqual([false, ...Array<boolean>(20).fill(true)]);
    expect(errors).toEqual([]);
  });

  it('is what follows when the socket fails to connect, and tells of no close', async () => {
    const { socket, errors } = await device();
    const cause = new Error('connect ECONNREFUSED');
    socket().readyState = 0;
    socket().failToConnect(cause);
    await new Promise((resolve) => setTimeout(resolve));
    expect(errors).toMatchObject([{ code: 'LOST', message: expect.stringContaining('ECONNREFUSED'), cause }]);
  });

  it('is what follows when the socket throws, whoever sends', async () => {
    const { socket, errors, pass } = await liveDevice({ keepalive: 1_000 });
    socket().send = () => {
      throw new Error('gone');
    };
    await pass(1_000);
    await pass(1_000);
    expect(errors).toMatchObject([{ code: 'LOST', message: 'the socket failed', cause: { message: 'gone' } }]);
  });

  // The throw took the place of the error, and the device neither told of the loss nor came back.
  it.each(['close', 'terminate'] as const)(
    'is told of, and made again, when %s of the socket throws',
    async (method) => {
      const { socket, sockets, errors, pass } = await liveDevice();
      breakEnd(socket(), method);
      const unhandled = await unhandledDuring(async () => {
        socket().accept();
        await pass(1_000);
      });
      expect(errors).toMatchObject([{ code: 'PROTOCOL' }]);
      expect(sockets).toHaveLength(2);
      expect(unhandled).toEqual([new Error('broken')]);
    },
  );

  it('is told of, and made again, when the socket has nothing to close it by', async () => {
    const { socket, sockets, errors, pass } = await device();
    Object.assign(socket(), { terminate: undefined, close: undefined });
    const unhandled = await unhandledDuring(async () => {
      await pass(10_000);
      await pass(1_000);
    });
    expect(errors).toMatchObject([{ name: 'LiteError', code: 'LOST' }]);
    expect(sockets).toHaveLength(2);
    expect(unhandled).toEqual([expect.any(TypeError)]);
  });

  it('is no fault of the store when the socket throws as it is to go on', async () => {
    const pending: (() => void)[] = [];
    const putSlowly = (): Promise<void> => new Promise((resolve) => pending.push(resolve));
    const { socket, errors } = await liveDevice({ store: { ...memoryStore(), put: putSlowly } });
    socket().resume = () => {
      throw new Error('broken');
    };
    socket().define(...Array.from({ length: 300 }, (_, i) => put(`f${i}`)));
    while (pending.length > 0) {
      pending.shift()?.();
      await settle();
    }
    expect(errors).toMatchObject([{ code: 'LOST', cause: { message: 'broken' } }]);
  });

  it('is what follows when the handshake is answered twice', async () => {
    const { socket, errors } = await liveDevice();
    socket().accept();
    expect(errors).toMatchObject([{ code: 'PROTOCOL' }]);
  });

  it.each([
    [{ message: 'connect ECONNREFUSED 127.0.0.1:1' }, ': connect ECONNREFUSED 127.0.0.1:1'],
    [{ message: '', code: 'ECONNREFUSED' }, ': ECONNREFUSED'],
    [undefined, ''],
  ])('tells what the socket says of its failure, %j', async (error, said) => {
    const { socket, errors } = await device();
    socket().break(error);
    expect(errors).toMatchObject([{ code: 'LOST', message: `the socket was closed, code 1006${said}` }]);
    expect(errors[0]?.cause).toBe(error);
  });

  it('is what follows when the socket cannot even be made', async () => {
    const WebSocket = function blocked() {
      throw new Error('blocked');
    } as unknown as LiteOptions['WebSocket'];
    const { errors, statuses } = await device({ WebSocket });
    expect(errors).toMatchObject([{ code: 'LOST', cause: { message: 'blocked' } }]);
    expect(statuses).toEqual(['connecting', 'waiting']);
  });
});

describe('a token', () => {
  it('that is fixed and refused ends the connection with an error', async () => {
    const { socket, errors, statuses, ends, sockets, pass } = await device();
    socket().open();
    socket().refuse();
    await pass(1_000_000);
    expect(errors).toMatchObject([{ code: 'REFUSED' }]);
    expect(ends).toEqual(errors);
    expect(statuses.at(-1)).toBe('closed');
    expect(sockets).toHaveLength(1);
  });

  it('that is refused is not sent again: the provider is asked until it has another', async () => {
    const tokens = ['old', 'old', 'old', 'new'];
    const { socket, sockets, errors, pass, statuses } = await device({
      token: () => Promise.resolve(tokens.shift() ?? ''),
    });
    socket().open();
    socket().refuse();
    for (let wait = 0; wait < 3; wait++) await pass(60_000);
    expect(sockets).toHaveLength(2);
    expect(errors.map(({ code }) => code)).toEqual(['REFUSED', 'REFUSED', 'REFUSED']);
    sync(socket());
    expect(socket().of('Handshake')).toMatchObject([{ jwtToken: 'new' }]);
    expect(statuses.at(-1)).toBe('live');
  });

  // Only the last refused one was remembered: a provider that alternates between two had each of them sent again and again.
  it('that is refused is not sent again when another was refused since, as long as it is one of the last 64', async () => {
    const refused = Array.from({ length: 64 }, (_, i) => String(i));
    const tokens = [...refused, ...refused, 'new'];
    const { socket, sockets, errors, pass } = await device({ token: () => tokens.shift() ?? '' });
    for (let i = 0; i < 64; i++) {
      socket().open();
      socket().refuse();
      await pass(60_000);
    }
    for (let i = 1; i < 64; i++) await pass(60_000);
    expect(sockets).toHaveLength(64);
    expect(errors.map(({ code }) => code)).toEqual(Array(128).fill('REFUSED'));
    await pass(60_000);
    socket().open();
    expect(socket().of('Handshake')).toMatchObject([{ jwtToken: 'new' }]);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('offline'))],
    ['gives no string', () => 5 as unknown as string],
    ['gives what the wire cannot carry', () => '\ud800'],
  ])('provider that %s is asked again', async (_what, failing) => {
    let asked = 0;
    const { sockets, errors, pass } = await device({ token: () => (++asked === 1 ? failing() : 'good') });
    expect(errors).toMatchObject([{ code: 'TOKEN' }]);
    await pass(1_000);
    expect(sockets).toHaveLength(1);
  });

  it.each<[string, (lite: LiteConnection) => void]>([
    ['at once', (lite) => lite.close()],
    ['when it is told that it connects', (lite) => void lite.status$.subscribe((status) => { if (status === 'connecting') lite.close(); })], // prettier-ignore
  ])('is not asked for by a device that is closed %s', async (_, close) => {
    let asked = 0;
    const options = { url: 'ws://origin', WebSocket: scriptedServer().WebSocket };
    const lite = connectLite({ ...options, token: () => String(++asked) });
    close(lite);
    await settle();
    expect(asked).toBe(0);
  });

  it('that says when it expires is refreshed in time: asked for after four fifths of the time that is left', async () => {
    const jwt = (exp: number): string => `x.${btoa(JSON.stringify({ exp }))}.y`;
    const tokens = [jwt(100), jwt(100), jwt(200)];
    let asked = 0;
    const token = (): string => {
      asked++;
      return tokens.shift() ?? 'last';
    };
    const { socket, errors, pass } = await liveDevice({ token, keepalive: 10_000_000 });
    await pass(79_999);
    expect(asked).toBe(1);
    await pass(1);
    expect([asked, socket().of('TokenRefresh')]).toEqual([2, []]);
    await pass(15_999);
    expect(asked).toBe(2);
    await pass(1);
    expect([asked, socket().of('TokenRefresh')]).toEqual([3, [{ newToken: jwt(200) }]]);
    socket().receive('TokenRefreshAck', { success: true, error: null, expiresInSecs: 104n });
    expect(errors).toEqual([]);
  });

  it('that is refused as a refresh ends the session, and is not sent again', async () => {
    const jwt = (exp: number): string => `x.${btoa(JSON.stringify({ exp }))}.y`;
    const tokens = [jwt(100), 'bad', 'bad', 'good'];
    const { socket, errors, pass } = await liveDevice({ token: () => tokens.shift() ?? '', keepalive: 10_000_000 });
    await pass(80_000);
    socket().receive('TokenRefreshAck', { success: false, error: 'invalid token', expiresInSecs: 0n });
    expect(errors).toMatchObject([{ code: 'REFUSED' }]);
    await pass(60_000);
    await pass(60_000);
    socket().open();
    expect(socket().of('Handshake')).toMatchObject([{ jwtToken: 'good' }]);
  });

  it('is sent when the one before has been answered', async () => {
    const jwt = (exp: number): string => `x.${btoa(JSON.stringify({ exp }))}.y`;
    const tokens = [jwt(100), jwt(110), jwt(120), jwt(1_000)];
    const { socket, errors, pass } = await liveDevice({ token: () => tokens.shift() ?? '', keepalive: 10_000_000 });
    for (const wait of [80_000, 24_000, 13_000]) await pass(wait);
    expect(tokens).toEqual([]);
    expect(socket().of('TokenRefresh')).toEqual([{ newToken: jwt(110) }]);
    socket().receive('TokenRefreshAck', { success: true, error: null, expiresInSecs: 1n });
    expect(socket().of('TokenRefresh').slice(1)).toEqual([{ newToken: jwt(1_000) }]);
    socket().receive('TokenRefreshAck', { success: true, error: null, expiresInSecs: 1n });
    expect(socket().of('TokenRefresh')).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  it.each(['offline', '\ud800'])(
    'provider that fails (%j) when a refresh is due leaves the session as it is',
    async (bad) => {
      let asked = 0;
      const token = (): string => {
        if (++asked === 2 && bad === 'offline') throw new Error(bad);
        if (asked === 2) return bad;
        return `x.${btoa(JSON.stringify({ exp: 100 * asked }))}.y`;
      };
      const { socket, errors, pass, statuses } = await liveDevice({ token, keepalive: 10_000_000 });
      await pass(80_000);
      expect(errors).toMatchObject([{ code: 'TOKEN' }]);
      expect(statuses.at(-1)).toBe('live');
      await pass(16_000);
      expect(socket().of('TokenRefresh')).toHaveLength(1);
    },
  );
});

describe('a fork', () => {
  it('is answered by a new liteId', async () => {
    const { socket, sockets, errors, pass } = await device();
    socket().open();
    socket().refuse('fork detected', true);
    await pass(1_000);
    socket().open();
    expect(errors).toMatchObject([{ code: 'FORKED' }]);
    const [before, after] = sockets.map((each) => each.of('Handshake')[0]?.liteId);
    expect(before).toBe('me');
    expect(after).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('close', () => {
  it('closes the socket, completes everything, and can be repeated', async () => {
    const { lite, socket, statuses, ends, pass, sockets } = await liveDevice({}, put('a'));
    lite.close();
    lite.close();
    socket().drop();
    await pass(1_000_000);
    expect(socket().ended).toBe('closed');
    expect(statuses.at(-1)).toBe('closed');
    expect(ends).toEqual(['complete']);
    expect(sockets).toHaveLength(1);
    expect([...lite.definitions.keys()]).toEqual(['function:a']);
  });

  // It threw an UnsubscriptionError, and nothing completed.
  it('completes everything though the socket throws', async () => {
    const { lite, socket, statuses, ends } = await liveDevice();
    breakEnd(socket(), 'close');
    const unhandled = await unhandledDuring(async () => {
      lite.close();
      await settle();
    });
    expect([statuses.at(-1), ends]).toEqual(['closed', ['complete']]);
    expect(unhandled).toEqual([new Error('broken')]);
  });

  it('cuts a server off after 2 seconds, and tells when the socket throws at that', async () => {
    const { lite, socket } = await liveDevice();
    socket().terminate = () => {
      throw new Error('broken');
    };
    const unhandled = await unhandledDuring(() => {
      jest.useFakeTimers();
      lite.close();
      jest.advanceTimersByTime(1_999);
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(1);
      jest.runAllTimers();
      jest.useRealTimers();
      return Promise.resolve();
    });
    expect(unhandled).toEqual([new Error('broken')]);
  });

  it('ends the waiting too', async () => {
    const { lite, socket, sockets, pass } = await device();
    socket().drop();
    lite.close();
    await pass(1_000_000);
    expect(sockets).toHaveLength(1);
  });

  it('replays `closed` to whoever asks later', async () => {
    const { lite } = await device();
    lite.close();
    const seen: unknown[] = [];
    lite.status$.subscribe({ next: (status) => seen.push(status), complete: () => seen.push('complete') });
    expect(seen).toEqual(['closed', 'complete']);
  });
});
