import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { type NatsConnection, errors } from '@nats-io/transport-node';
import { EMPTY, take } from 'rxjs';
import { type DefinitionSyncMsg, DefinitionSyncFanout } from 'ddl-fanout';
import { type NatsDefinitions, NatsDefinitionsError, natsDefinitions } from 'ddl-fanout/nats';
import { definition } from 'ddl-fanout/testing';
import { encodeDefinitionSync } from 'ddl-fanout/wire';
import { NatsFixture, type NatsServer, freePort, jetStream, natsServer } from '../../helpers/nats.js';
import { NatsProxy } from '../../helpers/natsProxy.js';
import { describeWith } from '../../helpers/servers.js';
import { Watch } from '../../helpers/watch.js';
import { Work } from '../../helpers/work.js';

const scope = { tenantId: 7n, databaseId: 9n };
const most = 2n ** 64n - 1n;

describeWith(natsServer, 'commits of natsDefinitions', () => {
  const fixture = new NatsFixture();
  let server: NatsServer;
  let connection: NatsConnection;
  let definitions: NatsDefinitions;
  const warnings: [string, unknown][] = [];
  const silent = (): void => undefined;
  const logger = {
    debug: silent,
    info: silent,
    warn: (message: string, context?: object) => warnings.push([message, context]),
    error: silent,
  };

  beforeEach(async () => {
    server = await fixture.single();
    connection = await fixture.connect(server.url);
    definitions = await natsDefinitions(connection, { logger });
    warnings.length = 0;
  });
  afterEach(() => fixture.close());
  afterAll(() => fixture.close());

  const another = async (url = server.url) => natsDefinitions(await fixture.connect(url), { logger });

  it('tell what the bucket holds in the order of revisions, then what follows, on every node alike', async () => {
    const { publish, commits$ } = definitions;
    for (const name of ['a', 'b', 'c', 'a']) await publish(definition(name, { scope }));
    const first = new Watch(commits$);
    await first.upTo(4n);
    const second = new Watch((await another()).commits$);
    await second.upTo(4n);
    await publish(definition('b', { scope, action: 'delete' }));
    await publish(definition('d'));
    await Promise.all([first.upTo(6n), second.upTo(6n)]);
    expect(first.lines).toEqual(['2 put b', '3 put c', '4 put a', '5 delete b', '6 put d']);
    expect(second.lines).toEqual(first.lines);
    expect(second.told.map((msg) => msg.scope)).toEqual([scope, scope, scope, scope, undefined]);
  });

  it('tell both nodes all that was published, though the same definition is changed faster than they follow (N1)', async () => {
    const other = await another();
    const [one, two] = [new Watch(definitions.commits$), new Watch(other.commits$)];
    await definitions.publish(definition('first'));
    await Promise.all([one.upTo(1n), two.upTo(1n)]);
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          (i % 2 === 0 ? definitions : other).publish(definition('f', { position: BigInt(i) })),
        ),
      );
    }
    await Promise.all([one.upTo(161n), two.upTo(161n)]);
    expect(one.told.map(({ position }) => position)).toEqual(Array.from({ length: 161 }, (_, i) => BigInt(i + 1)));
    expect(two.told).toEqual(one.told);
    const late = new Watch((await another()).commits$);
    await late.upTo(161n);
    expect(late.lines).toEqual(['1 put first', '161 put f']);
  });

  it('tell a node that found the bucket empty each change, also those made while it had no consumer', async () => {
    let caughtUp: (revision: bigint) => void = () => undefined;
    const empty = new Promise<bigint>((resolve) => (caughtUp = resolve));
    const watch = new Watch(definitions.commits({ onCaughtUp: caughtUp }));
    expect(await empty).toBe(0n);
    const jsm = await jetstreamManager(connection);
    for await (const { name } of jsm.consumers.list('KV_definitions'))
      await jsm.consumers.delete('KV_definitions', name);
    for (const name of ['f', 'f', 'g', 'f']) await definitions.publish(definition(name));
    await watch.upTo(4n);
    expect(watch.lines).toEqual(['1 put f', '2 put f', '3 put g', '4 put f']);
  });

  it('tell all that the bucket keeps behind 0n, and the last of each without', async () => {
    const { publish, commits, commits$ } = definitions;
    for (const name of ['f', 'g', 'f']) await publish(definition(name));
    const [all, last] = [new Watch(commits({ after: 0n })), new Watch(commits$)];
    await Promise.all([all.upTo(3n), last.upTo(3n)]);
    expect([all.lines, last.lines]).toEqual([
      ['1 put f', '2 put g', '3 put f'],
      ['2 put g', '3 put f'],
    ]);
  });

  it('leave out what was replaced `history` times before it was read', async () => {
    const { publish, commits } = await natsDefinitions(connection, { bucket: 'short', history: 2, logger });
    for (const name of ['f', 'f', 'f', 'f']) await publish(definition(name));
    const watch = new Watch(commits({ after: 1n }));
    await watch.upTo(4n);
    expect(watch.lines).toEqual(['3 put f', '4 put f']);
  });

  it('keep a delete, so that a node that was away learns of it', async () => {
    const { publish } = definitions;
    await publish(definition('a'));
    await publish(definition('a', { action: 'delete' }));
    const watch = new Watch((await another()).commits({ after: 1n }));
    await watch.upTo(2n);
    expect(watch.told).toEqual([{ ...definition('a', { action: 'delete' }), position: 2n }]);
  });

  it('go on behind a revision', async () => {
    const { publish, commits } = definitions;
    for (const name of ['a', 'b', 'c']) await publish(definition(name));
    const watch = new Watch(commits({ after: 1n }));
    await watch.upTo(3n);
    expect(watch.lines).toEqual(['2 put b', '3 put c']);
  });

  it('call `onCaughtUp` once, behind all that the bucket held at the subscription', async () => {
    const { publish, commits } = definitions;
    const calls: [bigint, number][] = [];
    const follow = (): Promise<Watch> =>
      new Promise((resolve) => {
        const watch: Watch = new Watch(
          commits({
            onCaughtUp: (revision) => {
              calls.push([revision, calls.length === 0 ? 0 : watch.told.length]);
              queueMicrotask(() => {
                resolve(watch);
              });
            },
          }),
        );
      });
    await follow();
    for (let n = 0; n < 600; n += 1) await publish(definition(`f${n % 500}`));
    await follow();
    expect(calls).toEqual([
      [0n, 0],
      [600n, 500],
    ]);
  });

  it.each<[string, Error]>([
    ['anything', new Error('boom')],
    ['what looks like an error of the client that passes: it was tried again for ever', new errors.TimeoutError()],
    ['what looks like the end of the connection', new errors.ClosedConnectionError()],
    ['an error of another bucket', new NatsDefinitionsError('UNAVAILABLE', 'boom')],
  ])('error with what `onCaughtUp` throws: %s', async (_, boom) => {
    const failing = definitions.commits({
      onCaughtUp: () => {
        throw boom;
      },
    });
    expect(await new Watch(failing).end()).toEqual({ error: boom });
  });

  it('throw BAD_OPTION for options that make no sense', () => {
    const badOption = expect.objectContaining({ code: 'BAD_OPTION' });
    expect(() => definitions.commits(null as never)).toThrow(badOption);
    expect(() => definitions.lead(() => EMPTY, null as never)).toThrow(badOption);
    expect(() => definitions.commits({ after: -1n })).toThrow(badOption);
    expect(() => definitions.commits({ after: 2n ** 53n })).toThrow(badOption);
    expect(() => definitions.commits({ after: (2 ** 60) as never })).toThrow(badOption);
    expect(() => definitions.commits({ onCaughtUp: 1 as unknown as () => void })).toThrow(badOption);
  });

  it('relay the very bytes that were published: a fan-out of another node encodes nothing again', async () => {
    const fanout = new DefinitionSyncFanout();
    let framed: DefinitionSyncMsg | undefined;
    const relayed = new Promise<Uint8Array>((resolve) => {
      fanout.frames$.subscribe(({ bytes, msg }) => {
        framed = msg;
        resolve(bytes);
      });
    });
    const other = await another();
    let given: DefinitionSyncMsg | undefined;
    other.commits$.subscribe((msg) => {
      given = msg;
      fanout.broadcast(msg);
    });
    // A name in str16 form, longer than needed: what no encoder here writes, and what must come through unchanged.
    const bytes = Uint8Array.from([
      0x70, 16, 0, 0, 0, 0x94, 0xa1, 0x66, 0xda, 0, 1, 0x61, 0xa3, 0x70, 0x75, 0x74, 0xc4, 2, 0x7b, 0x7d,
    ]);
    bytes[1] = bytes.length - 5;
    await jetstream(connection).publish('$KV.definitions.-.-.f.a', bytes);
    const sent = await relayed;
    expect(sent).toEqual(bytes);
    expect(sent.buffer.byteLength).toBe(bytes.length);
    expect(given).toMatchObject({ definitionType: 'f', name: 'a', action: 'put', position: 1n });
    expect(framed).toBe(given); // with the bucket's revision as its position
  });

  it('tell a key that another tool deleted as a delete', async () => {
    await definitions.publish(definition('a', { scope }));
    const bucket = await new Kvm(connection).open('definitions');
    await bucket.delete('7.9.function.a');
    const watch = new Watch(definitions.commits$);
    await watch.upTo(2n);
    expect(watch.told).toEqual([{ ...definition('a', { scope, action: 'delete' }), position: 2n }]);
  });

  it('skip what is no definition, with a warning each for the first ten', async () => {
    const js = jetstream(connection);
    const put = (key: string, value: Uint8Array) => js.publish(`$KV.definitions.${key}`, value);
    await put('note', Uint8Array.of(1));
    await put('-.-.function.a', Uint8Array.of(1));
    await put('-.-.function.b', encodeDefinitionSync(definition('c')));
    for (let n = 0; n < 20; n += 1) await put(`note${n}`, Uint8Array.of(1));
    await definitions.publish(definition('d'));
    const watch = new Watch(definitions.commits$);
    await watch.upTo(24n);
    expect(watch.lines).toEqual(['24 put d']);
    expect(warnings).toHaveLength(10);
    expect(warnings.slice(0, 3).map(([, context]) => context)).toEqual([
      { bucket: 'definitions', subject: '$KV.definitions.note', revision: 1, why: 'the key names no definition' },
      expect.objectContaining({ revision: 2, why: expect.stringContaining('WireError') as unknown }),
      expect.objectContaining({ revision: 3, why: 'the value is of another definition' }),
    ]);
  });

  it('complete when the owner closes the connection', async () => {
    const watch = new Watch(definitions.commits$);
    await definitions.publish(definition('a'));
    await watch.upTo(1n);
    await connection.close();
    expect(await watch.end()).toEqual({});
    await expect(definitions.publish(definition('b'))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('error with CLOSED when the client gives up, as publishes and leaders do', async () => {
    const impatient = await natsDefinitions(await fixture.connect(server.url, { maxReconnectAttempts: 2 }));
    const watch = new Watch(impatient.commits$);
    const one = new Work();
    const leading = impatient.lead(one.work, { lease: 1_000 }).forEach(() => undefined);
    const left = expect(leading).rejects.toMatchObject({ code: 'CLOSED' });
    await one.term(0);
    await server.kill();
    const refused = expect(impatient.publish(definition('a'))).rejects.toMatchObject({ code: 'CLOSED' });
    expect(await watch.end()).toEqual({ error: expect.objectContaining({ code: 'CLOSED' }) });
    await Promise.all([refused, left]);
  });

  it('error with CLOSED when a client that is not to reconnect loses its server: once they completed', async () => {
    const { commits$ } = await natsDefinitions(await fixture.connect(server.url, { reconnect: false }));
    const watch = new Watch(commits$);
    await definitions.publish(definition('a'));
    await watch.upTo(1n);
    await server.kill('SIGTERM');
    expect(await watch.end()).toEqual({ error: expect.objectContaining({ code: 'CLOSED' }) });
  });

  it('complete when the owner closes the connection while the server is away', async () => {
    const watch = new Watch(definitions.commits$);
    await definitions.publish(definition('a'));
    await watch.upTo(1n);
    await server.kill();
    for await (const { type } of connection.status()) if (type === 'reconnecting') break;
    await connection.close();
    expect(await watch.end()).toEqual({});
  });

  it.each(['ends before what was told', 'holds another message there'])(
    'error with BUCKET_REPLACED when the server comes back with older files, and the bucket %s',
    async (how) => {
      const proxy = await NatsProxy.to(server.options.port);
      const saved = fixture.scratch();
      try {
        await definitions.publish(definition('a'));
        await server.kill();
        await server.save(saved);
        await server.start();
        const remote = await natsDefinitions(await fixture.connect(proxy.url), { timeout: 300 });
        const watch = new Watch(remote.commits$);
        await definitions.publish(definition('b'));
        await watch.upTo(2n);
        proxy.freeze();
        await server.kill();
        await server.restore(saved);
        await server.start();
        if (how === 'holds another message there') expect(await definitions.publish(definition('c'))).toBe(2n);
        proxy.release();
        expect(await watch.end()).toEqual({ error: expect.objectContaining({ code: 'BUCKET_REPLACED' }) });
        expect(watch.lines).toEqual(['1 put a', '2 put b']);
      } finally {
        await proxy.close();
      }
    },
    30_000,
  );

  it('have definitions of any names, as long as they may be', async () => {
    const names = ['', ' ', '*', '>', '.', 'a.b', '=41', '\u0000', 'a\r\nb', '$KV', '\u{1f4a5}', 'n'.repeat(3_600)];
    const told: DefinitionSyncMsg[] = [];
    for (const name of names)
      await definitions.publish(definition(name, { scope: { tenantId: 0n, databaseId: most } }));
    await definitions.commits$.pipe(take(names.length)).forEach((msg) => told.push(msg));
    expect(told.map(({ name }) => name)).toEqual(names);
    expect(told.map(({ scope }) => scope)).toEqual(names.map(() => ({ tenantId: 0n, databaseId: most })));
  });

  it('stop at once wherever they are unsubscribed, and leave no consumer behind', async () => {
    for (let n = 0; n < 20; n += 1) await definitions.publish(definition(`f${n}`));
    const late: unknown[] = [];
    for (let turns = 0; turns < 60; turns += 1) {
      const watch = { over: false };
      const told = (what: unknown): void => {
        if (watch.over) late.push(what);
      };
      const subscription = definitions.commits({ onCaughtUp: told }).subscribe({ next: told, error: told });
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      watch.over = true;
      subscription.unsubscribe();
    }
    const jsm = await jetstream(connection).jetstreamManager();
    // What was asked for at an unsubscription is given back when it has come.
    while ((await jsm.streams.info('KV_definitions')).state.consumer_count > 0);
    expect(late).toEqual([]);
  });

  it('leave no consumer behind once unsubscribed', async () => {
    const watch = new Watch(definitions.commits$);
    await definitions.publish(definition('a'));
    await watch.upTo(1n);
    watch.subscription.unsubscribe();
    await connection.flush();
    const jsm = await jetstream(connection).jetstreamManager();
    expect((await jsm.streams.info('KV_definitions')).state.consumer_count).toBe(0);
  });

  it('lose nothing and tell nothing twice while the server is killed and started again under publishes', async () => {
    const other = await another();
    const watch = new Watch(other.commits$);
    const acknowledged: bigint[] = [];
    for (const round of [0, 1, 2]) {
      const publishes = Array.from({ length: 200 }, (_, n) => definitions.publish(definition(`f${round}_${n}`)));
      await publishes[50];
      await server.restart();
      acknowledged.push(...(await Promise.all(publishes)));
    }
    acknowledged.sort((a, b) => (a < b ? -1 : 1));
    await watch.upTo(acknowledged.at(-1) ?? 0n);
    expect(watch.revisions).toEqual(acknowledged);
    expect(new Set(watch.told.map(({ name }) => name)).size).toBe(600);
  });

  it('go on behind a connection that was cut, and one that was frozen', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const remote = await natsDefinitions(await fixture.connect(proxy.url, { pingInterval: 500, maxPingOut: 1 }));
      const watch = new Watch(remote.commits$);
      await definitions.publish(definition('a'));
      await watch.upTo(1n);
      proxy.cut();
      const published = remote.publish(definition('b'));
      await definitions.publish(definition('a', { action: 'delete' }));
      await watch.upTo(3n);
      proxy.freeze();
      await definitions.publish(definition('c'));
      proxy.release();
      await watch.upTo(4n);
      expect(watch.revisions).toEqual([1n, 2n, 3n, 4n]);
      expect([2n, 3n]).toContain(await published);
    } finally {
      await proxy.close();
    }
  });

  it('go on with another consumer behind one that is alive and tells nothing, as one on a copy that no longer grows', async () => {
    const remote = await fixture.connect(server.url);
    const { commits$ } = await natsDefinitions(remote, { timeout: 1_000 });
    const jsm = await jetstreamManager(connection);
    await jsm.consumers.add('KV_definitions', { durable_name: 'idle', filter_subject: '$KV.definitions.none' });
    const publish = remote.publish.bind(remote);
    const next = '$JS.API.CONSUMER.MSG.NEXT.KV_definitions.';
    let first: string | undefined;
    jest.spyOn(remote, 'publish').mockImplementation((subject, ...rest) => {
      if (subject.startsWith(next)) first ??= subject;
      publish(subject === first ? `${next}idle` : subject, ...rest);
    });
    const watch = new Watch(commits$);
    await definitions.publish(definition('a'));
    await watch.upTo(1n);
    expect(watch.lines).toEqual(['1 put a']);
  });

  it('reach a consumer that the server cut off for being slow, whole and in order', async () => {
    const dir = fixture.scratch();
    const monitor = await freePort();
    const limits = `write_deadline: "200ms"\nmax_pending: 2MB\nhttp: "127.0.0.1:${monitor}"`;
    const slow = await fixture.single(`${jetStream(dir)}\n${limits}`);
    const proxy = await NatsProxy.to(slow.options.port);
    try {
      const { publish } = await another(slow.url);
      const payload = randomBytes(200_000);
      for (let n = 0; n < 100; n += 1) await publish(definition(`f${n}`, { payload }));
      const watch = new Watch((await another(proxy.url)).commits$);
      await watch.upTo(1n);
      proxy.freeze();
      const cutOff = async (): Promise<number> => {
        const figures = (await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json()) as { slow_consumers: number };
        return figures.slow_consumers;
      };
      while ((await cutOff()) === 0);
      proxy.release();
      await watch.upTo(100n);
      expect(watch.revisions).toEqual(Array.from({ length: 100 }, (_, n) => BigInt(n + 1)));
    } finally {
      await proxy.close();
    }
  });
});
