import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import {
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  jetstreamManager,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { NEVER, firstValueFrom, of } from 'rxjs';
import { type NatsDefinitions, type NatsDefinitionsOptions, natsDefinitions } from 'ddl-fanout/nats';
import { definition } from 'ddl-fanout/testing';
import { NatsFixture, type NatsServer, freePort, jetStream, natsServer } from '../../helpers/nats.js';
import { describeWith } from '../../helpers/servers.js';
import { Watch } from '../../helpers/watch.js';

const code = (expected: string) => expect.objectContaining({ name: 'NatsDefinitionsError', code: expected }) as unknown;

describeWith(natsServer, 'the bucket of natsDefinitions', () => {
  const fixture = new NatsFixture();
  let server: NatsServer;
  let connection: NatsConnection;
  let jsm: JetStreamManager;

  beforeAll(async () => {
    server = await fixture.single();
    connection = await fixture.connect(server.url);
    jsm = await jetstreamManager(connection);
  });
  afterEach(async () => {
    for await (const { config } of jsm.streams.list()) await jsm.streams.delete(config.name);
  });
  afterAll(() => fixture.close());

  const open = (options?: NatsDefinitionsOptions): Promise<NatsDefinitions> =>
    natsDefinitions(connection, { timeout: 500, ...options });

  it('is created on files, with one copy on a server alone, and settings under which nothing gets lost', async () => {
    await open({ maxBytes: 1_000_000 });
    expect((await jsm.streams.info('KV_definitions')).config).toMatchObject({
      subjects: ['$KV.definitions.>'],
      storage: StorageType.File,
      num_replicas: 1,
      max_msgs_per_subject: 8,
      max_bytes: 1_000_000,
      max_age: 0,
      discard: 'new',
      deny_purge: true,
      deny_delete: true,
    });
  });

  it('takes its name and storage from the options, and is shared by all who open it', async () => {
    const [one, other] = await Promise.all([0, 1].map(() => open({ bucket: 'mine', storage: 'memory' })));
    expect((await jsm.streams.info('KV_mine')).config.storage).toBe(StorageType.Memory);
    await one?.publish(definition('a'));
    expect(await other?.publish(definition('b'))).toBe(2n);
  });

  it('is a key-value bucket to every other client', async () => {
    const { publish } = await open();
    await publish(definition('public.total(integer)', { scope: { tenantId: 7n, databaseId: 9n } }));
    const bucket = await new Kvm(connection).open('definitions');
    const keys: string[] = [];
    for await (const key of await bucket.keys('7.>')) keys.push(key);
    expect(keys).toEqual(['7.9.function.public=2Etotal=28integer=29']);
    expect((await bucket.get(keys[0] ?? ''))?.value[0]).toBe(0x70);
  });

  it('cannot be purged, nor can messages be deleted from it: the server refuses', async () => {
    const { publish } = await open();
    await publish(definition('a'));
    await expect(jsm.streams.purge('KV_definitions')).rejects.toThrow('purge not permitted');
    await expect(jsm.streams.deleteMessage('KV_definitions', 1)).rejects.toThrow('message delete not permitted');
    const bucket = await new Kvm(connection).open('definitions');
    await expect(bucket.purge('-.-.function.a')).rejects.toThrow('rollup not permitted');
    const { config } = await jsm.streams.info('KV_definitions');
    const allowing = jsm.streams.update('KV_definitions', { ...config, deny_purge: false });
    await expect(allowing).rejects.toThrow('can not cancel deny purge');
  });

  it.each<[string, object]>([
    ['subjects', { subjects: ['orders.>'] }],
    ['retention', { retention: RetentionPolicy.Workqueue }],
    ['max_msgs_per_subject', { max_msgs_per_subject: -1 }],
    ['max_age', { max_age: 600_000_000_000 }],
    ['max_msgs', { max_msgs: 10 }],
    ['discard', { discard: 'old' }],
    ['deny_purge', { deny_purge: false }],
    ['duplicate_window', { duplicate_window: 1_000_000_000 }],
    ['no_ack', { no_ack: true }],
    ['discard_new_per_subject', { discard_new_per_subject: true }],
    ['mirror', { subjects: [], discard: 'old', mirror: { name: 'other' } }],
    ['sources', { sources: [{ name: 'other' }] }],
  ])('is BUCKET_UNFIT when a stream of its name has another %s', async (setting, other) => {
    await open();
    const { config } = await jsm.streams.info('KV_definitions');
    await jsm.streams.delete('KV_definitions');
    await jsm.streams.add({ ...config, ...other });
    const opened = open();
    await expect(opened).rejects.toEqual(code('BUCKET_UNFIT'));
    await expect(opened).rejects.toThrow(`stream KV_definitions exists with ${setting} `);
  });

  it('is BUCKET_UNFIT when it is one that a key-value client made, or has other replicas than asked for', async () => {
    await new Kvm(connection).create('definitions');
    await expect(open()).rejects.toEqual(code('BUCKET_UNFIT'));
    await open({ bucket: 'mine' });
    await expect(open({ bucket: 'mine', replicas: 3 })).rejects.toThrow('num_replicas 1, and must have 3');
  });

  it('is BUCKET_UNFIT when a stream of another name has its subjects', async () => {
    await jsm.streams.add({ name: 'other', subjects: ['$KV.definitions.>'] });
    await expect(open()).rejects.toEqual(code('BUCKET_UNFIT'));
  });

  it('is BUCKET_UNFIT when it was sealed', async () => {
    await open();
    const { config } = await jsm.streams.info('KV_definitions');
    const sealed: Partial<StreamConfig> = { ...config, sealed: true };
    await jsm.streams.update('KV_definitions', sealed);
    await expect(open()).rejects.toThrow('stream KV_definitions exists with sealed true, and must have "none"');
  });

  it('tells commits and leaders of a limit of consumers with BUCKET_FULL', async () => {
    await open();
    const { config } = await jsm.streams.info('KV_definitions');
    await jsm.streams.delete('KV_definitions');
    await jsm.streams.add({ ...config, max_consumers: 1 });
    const { publish, commits$, lead } = await open();
    await publish(definition('a'));
    const watch = new Watch(commits$);
    await watch.upTo(1n);
    expect(await new Watch(commits$).end()).toEqual({ error: code('BUCKET_FULL') });
    const leading = lead(() => NEVER, { lease: 1_000 }).forEach(() => undefined);
    await expect(leading).rejects.toEqual(code('BUCKET_FULL'));
    watch.subscription.unsubscribe();
  });

  it('needs as many servers as replicas', async () => {
    await expect(open({ replicas: 3 })).rejects.toEqual(code('TOO_FEW_SERVERS'));
  });

  it('refuses what it has no room for, and keeps what it has', async () => {
    const { publish, commits$ } = await open({ maxBytes: 4_000 });
    await publish(definition('a'));
    await expect(publish(definition('b', { payload: new Uint8Array(4_000) }))).rejects.toEqual(code('BUCKET_FULL'));
    const watch = new Watch(commits$);
    await watch.upTo(1n);
    expect(watch.lines).toEqual(['1 put a']);
    watch.subscription.unsubscribe();
  });

  it('refuses names and frames beyond what a server takes, before anything is sent', async () => {
    const { publish } = await open();
    await expect(publish(definition('n'.repeat(4_000)))).rejects.toEqual(code('TOO_LONG'));
    await expect(publish(definition('a', { payload: new Uint8Array(1 << 20) }))).rejects.toEqual(code('TOO_LARGE'));
    await expect(publish(definition('\ud800'))).rejects.toMatchObject({ name: 'WireError', code: 'UNENCODABLE' });
    expect(await publish(definition('n'.repeat(3_500)))).toBe(1n);
  });

  it('when created anew ends what followed the old one with BUCKET_REPLACED', async () => {
    const { publish, commits$ } = await open();
    await publish(definition('a'));
    const watch = new Watch(commits$);
    await watch.upTo(1n);
    await jsm.streams.delete('KV_definitions');
    const again = await open();
    await again.publish(definition('b'));
    expect(await watch.end()).toEqual({ error: code('BUCKET_REPLACED') });
    expect(watch.lines).toEqual(['1 put a']);
    expect(await publish(definition('c'))).toBe(2n); // in the new one
  });

  it('when deleted ends what followed it with BUCKET_REPLACED, after `timeout`, and publishes with UNAVAILABLE', async () => {
    const { commits$, publish } = await open();
    const watch = new Watch(commits$);
    await jsm.streams.delete('KV_definitions');
    const refused = expect(publish(definition('a'))).rejects.toEqual(code('UNAVAILABLE'));
    expect(await watch.end()).toEqual({ error: code('BUCKET_REPLACED') });
    await refused;
  });

  it('when another stream has taken its subjects rejects publishes with BUCKET_REPLACED, at once', async () => {
    const { publish } = await open();
    await jsm.streams.delete('KV_definitions');
    await jsm.streams.add({ name: 'other', subjects: ['$KV.definitions.>'] });
    await expect(publish(definition('a'))).rejects.toEqual(code('BUCKET_REPLACED'));
  });

  it('does not let a follower go on behind a revision that the bucket has not reached', async () => {
    const { publish, commits } = await open();
    await publish(definition('a'));
    expect(await new Watch(commits({ after: 9n })).end()).toEqual({ error: code('BUCKET_REPLACED') });
  });
});

describeWith(natsServer, 'natsDefinitions on a server that', () => {
  const fixture = new NatsFixture();
  afterEach(() => fixture.close());

  it('is asked for one bucket by many nodes at the same moment opens it for all of them', async () => {
    const server = await fixture.single(`jetstream: { store_dir: "${fixture.scratch()}" }`);
    const connections = await Promise.all(Array.from({ length: 8 }, () => fixture.connect(server.url)));
    for (const bucket of ['a', 'b', 'c', 'd']) {
      const opened = await Promise.all(connections.map((connection) => natsDefinitions(connection, { bucket })));
      expect(opened).toHaveLength(8);
    }
  });

  it('is of a cluster whose third server is missing rejects with TOO_FEW_SERVERS after `timeout`, and opens when it comes in time', async () => {
    const [first, , third] = await fixture.cluster(2);
    const connection = await fixture.connect(first.url);
    await expect(natsDefinitions(connection, { timeout: 10_000 })).rejects.toEqual(code('TOO_FEW_SERVERS'));
    const opening = natsDefinitions(connection, { timeout: 60_000 });
    await third.start();
    expect(await (await opening).publish(definition('a'))).toBe(1n);
  }, 90_000);

  it('is of a cluster and has the only copy may be away: nothing ends, and what opens meanwhile is told UNAVAILABLE', async () => {
    const servers = await fixture.cluster();
    const connection = await fixture.connect(servers.map(({ url }) => url));
    const { publish, commits$ } = await natsDefinitions(connection, { replicas: 1 });
    await publish(definition('a'));
    const watch = new Watch(commits$);
    await watch.upTo(1n);
    const jsm = await jetstreamManager(connection, { timeout: 2_000 });
    const { cluster } = await jsm.streams.info('KV_definitions');
    const host = servers.find(({ name }) => name === cluster?.leader);
    await host?.kill('SIGTERM');
    const offline = async (): Promise<boolean> =>
      jsm.streams.info('KV_definitions').then(
        () => false,
        (error: unknown) => String(error).includes('offline'),
      );
    while (!(await offline()));
    await expect(natsDefinitions(connection, { timeout: 2_000 })).rejects.toEqual(code('UNAVAILABLE'));
    await host?.start();
    expect(await publish(definition('b'))).toBe(2n);
    await watch.upTo(2n);
    expect(watch.lines).toEqual(['1 put a', '2 put b']);
    expect(watch.ended).toBeUndefined();
  }, 90_000);

  it.each(['the name of a cluster and no routes', 'a leaf node'])('has %s keeps one copy unless told', async (what) => {
    const listen = `leafnodes { listen: "127.0.0.1:${await freePort()}" }`;
    const hub = what === 'a leaf node' ? await fixture.single(`${listen}\ncluster { name: hub }`) : undefined;
    const port = /:(\d+)/.exec(listen)?.[1] ?? '';
    const more = hub ? `leafnodes { remotes: [{ url: "nats://127.0.0.1:${port}" }] }` : 'cluster { name: alone }';
    const server = await fixture.single(`${jetStream(fixture.scratch())}\n${more}`);
    const connection = await fixture.connect(server.url);
    const { lead } = await natsDefinitions(connection, { timeout: 1_000 });
    await lead(({ publish }) => publish(definition('a')), { lease: 1_000 }).forEach(() => undefined);
    const jsm = await jetstreamManager(connection);
    expect((await jsm.streams.info('KV_definitions')).config.num_replicas).toBe(1);
    await expect(natsDefinitions(connection, { bucket: 'mine', replicas: 3 })).rejects.toEqual(code('TOO_FEW_SERVERS'));
  });

  it('has an account that requires `maxBytes` says so with BAD_OPTION, and with it lets lead', async () => {
    const account = '{ jetstream: { max_bytes_required: true, max_file: 1M }, users: [{ user: a, password: p }] }';
    const server = await fixture.single(
      `${jetStream(fixture.scratch())}\naccounts: { A: ${account} }\nno_auth_user: a`,
    );
    const connection = await fixture.connect(server.url);
    const badOption = { code: 'BAD_OPTION', message: expect.stringContaining('maxBytes must be given') as unknown };
    await expect(natsDefinitions(connection)).rejects.toMatchObject(badOption);
    const { lead } = await natsDefinitions(connection, { maxBytes: 100_000 });
    const holder = '\u20ac'.repeat(256);
    const positions: bigint[] = [];
    for (const name of ['a', 'b', 'c'])
      await lead(({ publish }) => publish(definition(name)), { holder }).forEach((position) =>
        positions.push(position),
      );
    expect(positions).toEqual([2n, 4n, 6n]);
  });

  it('has no JetStream rejects with NO_JETSTREAM', async () => {
    const server = await fixture.single('');
    const connection = await fixture.connect(server.url);
    await expect(natsDefinitions(connection, { timeout: 300 })).rejects.toEqual(code('NO_JETSTREAM'));
  });

  it('lets the user do nothing rejects with NOT_PERMITTED, and tells of what', async () => {
    const denied = 'publish: { deny: ["$JS.API.STREAM.>"] }';
    const server = await fixture.single(withUsers(`{ user: u, password: p, permissions: { ${denied} } }`));
    const connection = await fixture.connect(server.url, { user: 'u', pass: 'p' });
    const opened = natsDefinitions(connection, { timeout: 1_000 });
    await expect(opened).rejects.toEqual(code('NOT_PERMITTED'));
    await expect(opened).rejects.toThrow('$JS.API.STREAM.INFO.KV_definitions');
  });

  it('lets the user read but not write rejects publishes with NOT_PERMITTED, and tells commits', async () => {
    const reader = '{ user: r, password: p, permissions: { publish: { deny: ["$KV.>"] } } }';
    const server = await fixture.single(withUsers(`{ user: w, password: p }, ${reader}`));
    const [writing, reading] = await Promise.all(
      ['w', 'r'].map(async (user) => natsDefinitions(await fixture.connect(server.url, { user, pass: 'p' }))),
    );
    if (writing === undefined || reading === undefined) throw new Error('both are open');
    const watch = new Watch(reading.commits$);
    await writing.publish(definition('a'));
    await watch.upTo(1n);
    await expect(reading.publish(definition('b'))).rejects.toEqual(code('NOT_PERMITTED'));
    watch.subscription.unsubscribe();
  });

  it('lets the user write but not read errors commits with NOT_PERMITTED', async () => {
    const writer = '{ user: w, password: p, permissions: { publish: { deny: ["$JS.API.CONSUMER.>"] } } }';
    const server = await fixture.single(withUsers(writer));
    const { publish, commits$ } = await natsDefinitions(await fixture.connect(server.url, { user: 'w', pass: 'p' }));
    await publish(definition('a'));
    expect(await new Watch(commits$).end()).toEqual({ error: code('NOT_PERMITTED') });
  });

  it.each(['CONSUMER.CREATE', 'CONSUMER.MSG.NEXT'])(
    'lets the user do anything but %s errors commits and lead with NOT_PERMITTED, and lets another lead at once',
    async (call) => {
      const user = `{ user: w, password: p, permissions: { publish: { deny: ["$JS.API.${call}.>"] } } }`;
      const server = await fixture.single(withUsers(`{ user: all, password: p }, ${user}`));
      const other = await natsDefinitions(await fixture.connect(server.url, { user: 'all', pass: 'p' }));
      const { commits$, lead } = await natsDefinitions(await fixture.connect(server.url, { user: 'w', pass: 'p' }));
      const lease = 3_600_000;
      await expect(lead(() => NEVER, { lease }).forEach(() => undefined)).rejects.toEqual(code('NOT_PERMITTED'));
      expect(await new Watch(commits$).end()).toEqual({ error: code('NOT_PERMITTED') });
      expect(await firstValueFrom(other.lead(() => of('leads'), { lease }))).toBe('leads');
    },
  );

  it('lets the user do anything but lead errors lead with NOT_PERMITTED', async () => {
    const user = '{ user: w, password: p, permissions: { publish: { deny: ["$KV.definitions_leader.>"] } } }';
    const server = await fixture.single(withUsers(user));
    const { publish, lead } = await natsDefinitions(await fixture.connect(server.url, { user: 'w', pass: 'p' }));
    const leading = lead(() => NEVER, { lease: 1_000 }).forEach(() => undefined);
    await expect(leading).rejects.toEqual(code('NOT_PERMITTED'));
    expect(await publish(definition('a'))).toBe(1n);
  });

  it('is away at the opening rejects with UNAVAILABLE after `timeout`, and opens when it is back in time', async () => {
    const server = await fixture.single();
    const connection = await fixture.connect(server.url);
    await server.kill();
    await expect(natsDefinitions(connection, { timeout: 300 })).rejects.toEqual(code('UNAVAILABLE'));
    const opening = natsDefinitions(connection);
    await server.start();
    expect(await (await opening).publish(definition('a'))).toBe(1n);
  });

  it('lets the user do what the manual lists needs no more, leading included', async () => {
    const streams = ['KV_definitions', 'KV_definitions_leader'];
    const calls = ['STREAM.INFO', 'STREAM.CREATE', 'STREAM.MSG.GET'];
    const consumers = ['CONSUMER.CREATE', 'CONSUMER.INFO', 'CONSUMER.DELETE', 'CONSUMER.MSG.NEXT'];
    const allowed = [
      '$KV.definitions.>',
      '$KV.definitions_leader.>',
      ...streams.flatMap((stream) => calls.map((call) => `$JS.API.${call}.${stream}`)),
      ...consumers.map((call) => `$JS.API.${call}.KV_definitions.>`),
    ];
    const permissions = `publish: { allow: ${JSON.stringify(allowed)} }, subscribe: { allow: ["_INBOX.>"] }`;
    const server = await fixture.single(withUsers(`{ user: u, password: p, permissions: { ${permissions} } }`));
    const { commits$, lead } = await natsDefinitions(await fixture.connect(server.url, { user: 'u', pass: 'p' }));
    const told = firstValueFrom(commits$);
    await lead(({ publish }) => publish(definition('a')), { lease: 1_000 }).forEach(() => undefined);
    expect(await told).toMatchObject({ name: 'a', position: 2n });
  });

  function withUsers(users: string): string {
    return `jetstream: { store_dir: "${fixture.scratch()}" }\nauthorization: { users: [${users}] }`;
  }
});
