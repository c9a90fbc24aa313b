import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type DefinitionsTerm, type NatsDefinitions, natsDefinitions } from 'ddl-fanout/nats';
import { definition } from 'ddl-fanout/testing';
import { NEVER, defer } from 'rxjs';
import { NatsFixture, type NatsServer, natsServer } from '../../helpers/nats.js';
import { describeWith } from '../../helpers/servers.js';
import { Watch } from '../../helpers/watch.js';

const stream = 'KV_definitions';

describeWith(natsServer, 'natsDefinitions on a cluster of three', () => {
  const fixture = new NatsFixture();
  let servers: NatsServer[];
  let nodes: NatsDefinitions[];
  let watches: Watch[];
  let jsm: JetStreamManager;
  let published = 0;
  const acknowledged: bigint[] = [];

  beforeAll(async () => {
    servers = await fixture.cluster();
    const connections = await Promise.all(
      servers.map(({ url }) => fixture.connect([url, ...servers.map((other) => other.url)], { noRandomize: true })),
    );
    nodes = await Promise.all(connections.map((connection) => natsDefinitions(connection, { timeout: 60_000 })));
    watches = nodes.map(({ commits$ }) => new Watch(commits$));
    const [connection] = connections;
    if (connection === undefined) throw new Error('there are three');
    jsm = await jetstreamManager(connection, { timeout: 2_000 });
  });
  afterAll(() => fixture.close());

  /** Publishes on all nodes in turn for as long as `trouble` takes. */
  async function publishDuring(trouble: () => Promise<void>): Promise<void> {
    const state = { over: false };
    const publishers = nodes.map(async ({ publish }) => {
      while (!state.over) acknowledged.push(await publish(definition(`f${(published += 1)}`)));
    });
    await trouble();
    state.over = true;
    await Promise.all(publishers);
  }

  /** Every node has been told every acknowledged publish once, in the one order. */
  async function expectOneOrder(): Promise<void> {
    acknowledged.sort((a, b) => (a < b ? -1 : 1));
    const last = acknowledged.at(-1) ?? 0n;
    await Promise.all(watches.map((watch) => watch.upTo(last)));
    for (const watch of watches) expect(watch.revisions).toEqual(acknowledged);
    const [first] = watches;
    for (const watch of watches) expect(watch.lines).toEqual(first?.lines);
    expect(new Set(first?.told.map(({ name }) => name)).size).toBe(published);
  }

  /** The server that leads the stream, and one that follows; waits for an election that is under way. */
  async function roles(): Promise<{ leader: NatsServer; follower: NatsServer }> {
    for (;;) {
      const info = await jsm.streams.info(stream).catch(() => undefined);
      const current = info?.cluster?.replicas?.every(({ current: is }) => is) === true;
      const leader = servers.find(({ name }) => name === info?.cluster?.leader);
      const follower = servers.find(({ name }) => name !== info?.cluster?.leader);
      if (current && leader !== undefined && follower !== undefined) return { leader, follower };
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it('keeps three copies unless told otherwise', async () => {
    expect((await jsm.streams.info(stream)).config.num_replicas).toBe(3);
  });

  it('lets one of many writers through that expect the same last sequence of the stream: what leading rests on', async () => {
    const connections = await Promise.all(servers.map(({ url }) => fixture.connect(url)));
    await Promise.all(connections.map((connection) => natsDefinitions(connection, { bucket: 'race' })));
    const writers = connections.map((connection) => jetstream(connection));
    const winners: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      const { state } = await jsm.streams.info('KV_race');
      const writes = Array.from({ length: 9 }, async (_, n) =>
        writers[n % 3]?.publish(`$KV.race.key${n}`, '', { expect: { lastSequence: state.last_seq } }),
      );
      winners.push((await Promise.allSettled(writes)).filter(({ status }) => status === 'fulfilled').length);
    }
    expect(winners).toEqual(winners.map(() => 1));
  });

  it('tells all nodes one order', async () => {
    await publishDuring(() => new Promise((resolve) => setTimeout(resolve, 300)));
    await expectOneOrder();
  });

  it.each(['leader', 'follower'] as const)(
    'loses nothing and tells nothing twice when the %s of the stream is killed, and comes back',
    async (role) => {
      const victim = (await roles())[role];
      await publishDuring(async () => {
        await victim.kill();
        const before = acknowledged.length;
        while (acknowledged.length < before + 50) await new Promise((resolve) => setTimeout(resolve, 50));
        await victim.start();
      });
      await expectOneOrder();
    },
    90_000,
  );

  it('refuses publishes with UNAVAILABLE while two of three servers are gone, and goes on when they are back', async () => {
    const { leader } = await roles();
    const gone = servers.filter((server) => server !== leader);
    const connection = await fixture.connect(leader.url);
    const { publish, commits } = await natsDefinitions(connection, { timeout: 3_000 });
    await Promise.all(gone.map((server) => server.kill()));
    const watch = new Watch(commits({ after: acknowledged.at(-1) ?? 0n }));
    const msg = definition(`f${(published += 1)}`);
    await expect(publish(msg, { id: 'said-twice' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await Promise.all(gone.map((server) => server.start()));
    await roles();
    // It may be in the log of the server that was left; said again under its id it is stored once all the same.
    const [node] = nodes;
    acknowledged.push((await node?.publish(msg, { id: 'said-twice' })) ?? 0n);
    await watch.upTo(acknowledged.at(-1) ?? 0n);
    expect(watch.lines).toEqual([`${String(acknowledged.at(-1))} put ${msg.name}`]);
    await expectOneOrder();
    watch.subscription.unsubscribe();
  }, 90_000);

  it('loses nothing that was acknowledged when all servers are killed at once', async () => {
    await roles();
    await publishDuring(async () => {
      await Promise.all(servers.map((server) => server.kill()));
      await Promise.all(servers.map((server) => server.start()));
      await roles();
    });
    await expectOneOrder();
  }, 90_000);

  it('has one leader at a time while servers are killed, and never stores what an old one publishes', async () => {
    const terms: DefinitionsTerm[] = [];
    const working = new Set<number>();
    const atOnce: number[] = [];
    const leads = nodes.map((node, index) =>
      node
        .lead(
          (term) =>
            defer(() => {
              terms.push(term);
              working.add(index);
              atOnce.push(working.size);
              return NEVER;
            }),
          { lease: 30_000, holder: `node ${index}` },
        )
        .subscribe(),
    );
    const one = async (n: number): Promise<DefinitionsTerm> => {
      for (;;) {
        const term = terms[n];
        if (term !== undefined) return term;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const first = await one(0);
    const { leader } = await roles();
    await leader.kill();
    const revision = await first.publish(definition('led'));
    expect(revision).toBeGreaterThan(first.revision);
    await leader.start();
    const [index] = working;
    working.clear();
    leads[index ?? 0]?.unsubscribe();
    const second = await one(1);
    await expect(first.publish(definition('late'))).rejects.toMatchObject({ code: 'FENCED' });
    expect(await second.publish(definition('led again'))).toBeGreaterThan(second.revision);
    expect(second.revision).toBeGreaterThan(revision);
    expect(atOnce).toEqual([1, 1]);
    for (const lead of leads) lead.unsubscribe();
  }, 90_000);
});
