import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import {
  NEVER,
  type Observable,
  Subject,
  Subscription,
  concatMap,
  exhaustMap,
  interval,
  of,
  tap,
  throwError,
} from 'rxjs';
import { type DefinitionsTerm, type LeadOptions, type NatsDefinitions, natsDefinitions } from 'ddl-fanout/nats';
import { definition } from 'ddl-fanout/testing';
import { collectGarbage } from '../../helpers/collectGarbage.js';
import { NatsFixture, type NatsServer, natsServer } from '../../helpers/nats.js';
import { NatsProxy } from '../../helpers/natsProxy.js';
import { describeWith } from '../../helpers/servers.js';
import { Watch } from '../../helpers/watch.js';
import { Work } from '../../helpers/work.js';

const fenced = expect.objectContaining({ name: 'NatsDefinitionsError', code: 'FENCED' }) as unknown;

describeWith(natsServer, 'lead of natsDefinitions', () => {
  const fixture = new NatsFixture();
  let server: NatsServer;
  let a: NatsDefinitions;
  let b: NatsDefinitions;
  let leads: Subscription;
  const open = async (url = server.url) => natsDefinitions(await fixture.connect(url), { timeout: 10_000 });

  /** Leads until the end of the spec, however that ends. */
  const lead = (
    node: NatsDefinitions,
    work: (term: DefinitionsTerm) => Observable<unknown>,
    options?: LeadOptions,
  ): Subscription => {
    const leading = node.lead(work, options).subscribe();
    leads.add(leading);
    return leading;
  };

  beforeEach(async () => {
    leads = new Subscription();
    server = await fixture.single();
    [a, b] = [await open(), await open()];
  });
  afterEach(async () => {
    leads.unsubscribe();
    await fixture.close();
  });

  it('lets one work at a time, and the next when the first leaves', async () => {
    const [one, other] = [new Work(), new Work()];
    const first = lead(a, one.work);
    const { publish, revision } = await one.term(0);
    lead(b, other.work);
    expect(await publish(definition('a'))).toBe(revision + 1n);
    expect(other.working).toBe(0);
    first.unsubscribe();
    const next = await other.term(0);
    expect([one.working, other.working]).toEqual([0, 1]);
    expect(await next.publish(definition('b'))).toBe(next.revision + 1n);
    await expect(publish(definition('c'))).rejects.toEqual(fenced);
  });

  it.each([
    ['takes', 1],
    ['renews', 2],
  ])('lets the next one in when the first leaves while it %s the lease', async (_, last) => {
    const connection = await fixture.connect(server.url);
    const leaving = (await natsDefinitions(connection)).lead(() => NEVER, { lease: 3_600_000 });
    const request = connection.request.bind(connection);
    let writes = 0;
    const released = new Promise((resolve) => {
      jest.spyOn(connection, 'request').mockImplementation((subject, ...rest) => {
        const answer = request(subject, ...rest);
        if (!/^\$KV.*\.lease$/.test(subject)) return answer;
        writes++;
        if (writes === last) leads.unsubscribe();
        if (writes === last + 1) resolve(answer);
        return answer;
      });
    });
    leads.add(leaving.subscribe());
    await released;
    leads = new Subscription();
    const other = new Work();
    lead(b, other.work, { lease: 3_600_000 });
    await other.term(0);
  });

  it('publishes `unlessStored` only what is not the last message of its definition, whoever stored that', async () => {
    const [one, other] = [new Work(), new Work()];
    const first = lead(a, one.work);
    const before = await one.term(0);
    const kept = await before.publish(definition('kept'));
    await before.publish(definition('changed'));
    const gone = await before.publish(definition('gone', { action: 'delete', payload: new Uint8Array() }));
    await before.publish(definition('back'));
    await b.publish(definition('back', { payload: new Uint8Array([1]) }));
    first.unsubscribe();
    lead(b, other.work);
    const { publish, revision } = await other.term(0);
    const told: bigint[] = [];
    for (const msg of [
      definition('kept'),
      definition('changed', { payload: new Uint8Array([1]) }),
      definition('gone', { action: 'delete', payload: new Uint8Array() }),
      definition('back'),
      definition('kept', { scope: { tenantId: 1n, databaseId: 1n } }),
      definition('made'),
    ])
      told.push(await publish(msg, { unlessStored: true }));
    expect(told.map((at) => (at < revision ? at : at - revision))).toEqual([kept, 1n, gone, 2n, 3n, 4n]);
  });

  it('knows with `unlessStored` what has been stored since its term began, by itself and by others', async () => {
    const [one, unlessStored] = [new Work(), { unlessStored: true }];
    lead(a, one.work);
    const { publish, revision: r } = await one.term(0);
    const [x, y] = [definition('x'), definition('x', { payload: new Uint8Array([1]) })];
    expect(await publish(x)).toBe(r + 1n); // before the bucket was read through
    expect(await publish(x, unlessStored)).toBe(r + 1n);
    expect(await publish(y, unlessStored)).toBe(r + 2n);
    expect(await publish(y, unlessStored)).toBe(r + 2n);
    expect(await b.publish(x)).toBe(r + 3n);
    // Told that the stream has moved on, and how, by the next write.
    expect(await publish(definition('z'))).toBe(r + 4n);
    expect(await publish(y, unlessStored)).toBe(r + 5n);
    expect(await publish(y)).toBe(r + 6n);
    await expect(publish(x, { unlessStored: 1 as never })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('gives the event loop its turns while it leaves out what is stored', async () => {
    const one = new Work();
    lead(a, one.work);
    const { publish } = await one.term(0);
    await publish(definition('x'), { unlessStored: true });
    let turns = 0;
    let turning = setImmediate(function turn() {
      turns++;
      turning = setImmediate(turn);
    });
    for (let i = 0; i < 500; i++) await publish(definition('x'), { unlessStored: true });
    clearImmediate(turning);
    expect(turns).toBeGreaterThanOrEqual(500);
  });

  it('fences `unlessStored` when the term is over, and gives up on a bucket that cannot be read', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    const one = new Work();
    try {
      const impatient = await natsDefinitions(await fixture.connect(proxy.url), { timeout: 1_000 });
      lead(impatient, one.work, { lease: 60_000 });
      const { publish } = await one.term(0);
      proxy.freeze();
      await expect(publish(definition('x'), { unlessStored: true })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      proxy.release();
      expect(await publish(definition('x'), { unlessStored: true })).toBeGreaterThan(0n);
      leads.unsubscribe();
      await expect(publish(definition('x'), { unlessStored: true })).rejects.toEqual(fenced);
    } finally {
      await proxy.close();
    }
  });

  it('emits what the work emits, completes with it, and lets the next one in', async () => {
    const told: number[] = [];
    await a.lead(() => of(1, 2, 3), { lease: 1_000 }).forEach((n) => told.push(n));
    expect(told).toEqual([1, 2, 3]);
    const other = new Work();
    lead(b, other.work);
    await other.term(0);
  });

  it('asks the client for its status once, however often it is opened and led: the client never forgets who asked', async () => {
    const connection = await fixture.connect(server.url);
    const statuses = jest.spyOn(connection, 'status');
    for (const bucket of ['one', 'two']) {
      const node = await natsDefinitions(connection, { bucket });
      for (const n of [1, 2, 3]) await node.lead(() => of(n)).forEach(() => undefined);
    }
    expect(statuses).toHaveBeenCalledTimes(1);
  });

  it('errors with what the work throws or errors with', async () => {
    const boom = new Error('boom');
    const failing = a.lead(() => throwError(() => boom), { lease: 1_000 });
    await expect(failing.forEach(() => undefined)).rejects.toBe(boom);
    const throwing = a.lead(() => {
      throw boom;
    });
    await expect(throwing.forEach(() => undefined)).rejects.toBe(boom);
  });

  it.each<[string, string, LeadOptions]>([
    ['lease', '999', { lease: 999 }],
    ['lease', '1,000.5', { lease: 1_000.5 }],
    ['lease', 'more than an hour', { lease: 3_600_001 }],
    ['lease', 'Infinity', { lease: Infinity }],
    ['holder', 'nobody', { holder: '' }],
    ['holder', 'a number', { holder: 7 as unknown as string }],
    ['holder', '257 characters', { holder: 'h'.repeat(257) }],
  ])('throws BAD_OPTION that names %s for %s', (option, _, options) => {
    const badOption = { code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) as unknown };
    expect(() => a.lead(() => NEVER, options)).toThrow(expect.objectContaining(badOption));
  });

  it('throws BAD_OPTION without work', () => {
    const work = undefined as unknown as () => Observable<never>;
    expect(() => a.lead(work)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });

  it('errors with CLOSED when the connection is closed, and fences what was under way', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const connection = await fixture.connect(proxy.url);
      const one = new Work();
      const leading = (await natsDefinitions(connection)).lead(one.work, { lease: 5_000 }).forEach(() => undefined);
      const closed = expect(leading).rejects.toMatchObject({ code: 'CLOSED' });
      const { publish } = await one.term(0);
      proxy.freeze();
      const underWay = expect(publish(definition('a'))).rejects.toEqual(fenced);
      await connection.close();
      await underWay;
      await expect(publish(definition('b'))).rejects.toEqual(fenced);
      await closed;
      expect([one.working, one.terms.length]).toEqual([0, 1]);
    } finally {
      await proxy.close();
    }
  });

  it('errors with BUCKET_REPLACED when the bucket is another one', async () => {
    const mine = await natsDefinitions(await fixture.connect(server.url), { bucket: 'mine', timeout: 300 });
    const two = new Work();
    const replaced = mine.lead(two.work).forEach(() => undefined);
    const gone = expect(replaced).rejects.toMatchObject({ code: 'BUCKET_REPLACED' });
    await two.term(0);
    const jsm = await jetstreamManager(await fixture.connect(server.url));
    await jsm.streams.delete('KV_mine');
    await natsDefinitions(await fixture.connect(server.url), { bucket: 'mine' });
    await gone;
    expect([two.working, two.terms.length]).toEqual([0, 1]);
  });

  it('stores what one term publishes in call order, without waiting for one another', async () => {
    const one = new Work();
    lead(a, one.work);
    const { publish, revision } = await one.term(0);
    const published = await Promise.all(Array.from({ length: 100 }, (_, n) => publish(definition(`f${n}`))));
    expect(published).toEqual(Array.from({ length: 100 }, (_, n) => revision + 1n + BigInt(n)));
  });

  it('goes on with its term when others publish without leading', async () => {
    const one = new Work();
    lead(a, one.work);
    const { publish } = await one.term(0);
    const plain = Array.from({ length: 50 }, (_, n) => b.publish(definition(`plain${n}`)));
    const led = Array.from({ length: 50 }, (_, n) => publish(definition(`led${n}`)));
    const revisions = await Promise.all([...plain, ...led]);
    expect(new Set(revisions).size).toBe(100);
    expect([one.working, one.terms.length]).toEqual([1, 1]);
  });

  it('ends a term that cannot read on, for another to lead: its publishes waited for ever, and kept the lease', async () => {
    const connection = await fixture.connect(server.url);
    const deaf = await natsDefinitions(connection, { timeout: 300 });
    const publish = connection.publish.bind(connection);
    jest.spyOn(connection, 'publish').mockImplementation((subject, ...rest) => {
      if (!subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.')) publish(subject, ...rest);
    });
    const [one, other] = [new Work(), new Work()];
    lead(deaf, one.work, { lease: 3_600_000 });
    const term = await one.term(0);
    await b.publish(definition('a'));
    const refused = term.publish(definition('b'));
    await expect(refused).rejects.toEqual(fenced);
    await expect(refused).rejects.toMatchObject({ cause: { code: 'UNAVAILABLE' } });
    lead(b, other.work, { lease: 3_600_000 });
    await other.term(0);
  });

  it('stores a publish once although its connection is cut before the acknowledgement', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const one = new Work();
      lead(await open(proxy.url), one.work, { lease: 30_000 });
      const { publish } = await one.term(0);
      const watch = new Watch(b.commits$);
      const revisions: bigint[] = [];
      for (let n = 0; n < 20; n += 1) {
        const published = publish(definition(`f${n}`));
        if (n % 5 === 4)
          setImmediate(() => {
            proxy.cut();
          });
        revisions.push(await published);
      }
      await watch.upTo(revisions.at(-1) ?? 0n);
      expect(watch.revisions).toEqual(revisions);
      expect(one.terms).toHaveLength(1);
    } finally {
      await proxy.close();
    }
  });

  it('refuses what a leader sent before it was paused, once another has taken over', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const [paused, next] = [new Work(), new Work()];
      lead(await open(proxy.url), paused.work, { lease: 3_000 });
      const old = await paused.term(0);
      await old.publish(definition('f', { payload: Uint8Array.of(1) }));
      lead(b, next.work, { lease: 3_000 });
      proxy.freeze();
      const late = old.publish(definition('f', { payload: Uint8Array.of(2) })); // on its way, and stays there
      const refused = expect(late).rejects.toEqual(fenced);
      const { publish } = await next.term(0);
      const last = await publish(definition('f', { payload: Uint8Array.of(3) }));
      proxy.release();
      await refused;
      const marker = await publish(definition('marker'));
      const watch = new Watch(a.commits$);
      await watch.upTo(marker);
      expect(watch.told.map(({ name, payload, position }) => [name, ...payload.slice(0, 1), position])).toEqual([
        ['f', 3, last],
        ['marker', expect.any(Number), marker],
      ]);
      expect(marker).toBe(last + 1n); // nothing was stored in between
      expect(paused.working).toBe(0);
    } finally {
      await proxy.close();
    }
  });

  it('takes a FENCED error of the work for the end of the term, not of the leading', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const work$ = new Subject<string>();
      const one = new Work();
      const work = (term: DefinitionsTerm) => {
        one.work(term).subscribe().unsubscribe();
        return work$.pipe(concatMap((name) => term.publish(definition(name))));
      };
      const leading = lead(await open(proxy.url), work, { lease: 3_000 });
      await one.term(0);
      const other = new Work();
      const second = lead(b, other.work, { lease: 3_000 });
      proxy.freeze();
      work$.next('late');
      await other.term(0);
      proxy.release();
      second.unsubscribe();
      await one.term(1);
      const watch = new Watch(a.commits$);
      work$.next('again');
      await watch.upTo(1n);
      expect(watch.told.map(({ name }) => name)).toEqual(['again']);
      expect(leading.closed).toBe(false);
    } finally {
      await proxy.close();
    }
  });

  it('begins another term when the work ends with a FENCED error while its own goes on, and does not lead idly', async () => {
    const [past, one] = [new Work(), new Work()];
    const before = lead(a, past.work);
    const { publish } = await past.term(0);
    before.unsubscribe();
    lead(b, (term) => {
      one.work(term).subscribe().unsubscribe();
      return one.terms.length === 1 ? of(definition('a')).pipe(concatMap((msg) => publish(msg))) : NEVER;
    });
    const [first, second] = [await one.term(0), await one.term(1)];
    expect(second.revision).toBeGreaterThan(first.revision);
  });

  it('ends a term by itself when NATS is out of reach for the lease, and begins another when it is back', async () => {
    const one = new Work();
    lead(a, one.work, { lease: 2_000 });
    const { publish, revision } = await one.term(0);
    await server.kill();
    // A collection once took the timer of the lease with it: the term never ended.
    const collecting = interval(50).pipe(exhaustMap(collectGarbage)).subscribe();
    await expect(publish(definition('a'))).rejects.toEqual(fenced);
    collecting.unsubscribe();
    expect(one.working).toBe(0);
    await server.start();
    const again = await one.term(1);
    expect(again.revision).toBeGreaterThan(revision);
    await again.publish(definition('b'));
  });

  it('begins another term when the server comes back with older files', async () => {
    const connection = await fixture.connect(server.url);
    const answered = async (): Promise<boolean> =>
      connection.flush().then(
        () => true,
        () => false,
      );
    const one = new Work();
    lead(await natsDefinitions(connection, { timeout: 1_000 }), one.work);
    const { publish, revision } = await one.term(0);
    const saved = fixture.scratch();
    await server.kill();
    await server.save(saved);
    await server.start();
    while (!(await answered()));
    expect(await publish(definition('a'))).toBe(revision + 1n);
    await server.kill();
    await server.restore(saved);
    await server.start();
    const again = await one.term(1);
    expect(await again.publish(definition('b'))).toBe(again.revision + 1n);
    const watch = new Watch(b.commits$);
    await watch.upTo(again.revision + 1n);
    expect(watch.told.map(({ name }) => name)).toEqual(['b']);
  });

  it('sends nothing of a term whose lease has run out, although nothing has ended it yet', async () => {
    const one = new Work();
    const told: unknown[] = [];
    lead(a, (term) => one.work(term).pipe(tap({ unsubscribe: () => told.push('unsubscribed') })), { lease: 2_000 });
    const { publish } = await one.term(0);
    const watch = new Watch(b.commits$);
    const lease = performance.now() + 2_000;
    while (performance.now() < lease); // as a pause of the process: no timer of it runs
    await publish(definition('a')).catch((error: unknown) => told.push(error));
    expect(told).toEqual(['unsubscribed', fenced]);
    const marker = await b.publish(definition('marker'));
    await watch.upTo(marker);
    expect(watch.lines).toEqual([`${String(marker)} put marker`]);
  });
});
