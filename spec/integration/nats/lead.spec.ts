import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { NEVER, Observable, Subject, concatMap, of, throwError } from 'rxjs';
import { type DefinitionsTerm, type NatsDefinitions, natsDefinitions } from 'ddl-fanout/nats';
import { definition } from 'ddl-fanout/testing';
import { NatsFixture, type NatsServer, natsServer } from '../../helpers/nats.js';
import { NatsProxy } from '../../helpers/natsProxy.js';
import { describeWith } from '../../helpers/servers.js';
import { Watch } from '../../helpers/watch.js';

const fenced = expect.objectContaining({ name: 'NatsDefinitionsError', code: 'FENCED' }) as unknown;

/** Work that hands its term out and goes on until it is unsubscribed. */
class Work {
  readonly terms: DefinitionsTerm[] = [];
  working = 0;
  readonly #begun$ = new Subject<void>();

  readonly work = (term: DefinitionsTerm): Observable<never> =>
    new Observable(() => {
      this.working += 1;
      this.terms.push(term);
      this.#begun$.next();
      return () => {
        this.working -= 1;
      };
    });

  /** The `n`-th term, once it has begun. */
  async term(n: number): Promise<DefinitionsTerm> {
    for (;;) {
      const term = this.terms[n];
      if (term !== undefined) return term;
      await new Promise<void>((resolve) => {
        const once = this.#begun$.subscribe(() => {
          once.unsubscribe();
          resolve();
        });
      });
    }
  }
}

describeWith(natsServer, 'lead of natsDefinitions', () => {
  const fixture = new NatsFixture();
  let server: NatsServer;
  let a: NatsDefinitions;
  let b: NatsDefinitions;
  const open = async (url = server.url) => natsDefinitions(await fixture.connect(url), { timeout: 10_000 });

  beforeEach(async () => {
    server = await fixture.single();
    [a, b] = [await open(), await open()];
  });
  afterEach(() => fixture.close());

  it('lets one work at a time, and the next when the first leaves', async () => {
    const [one, other] = [new Work(), new Work()];
    const first = a.lead(one.work, { lease: 1_000 }).subscribe();
    const { publish, revision } = await one.term(0);
    const second = b.lead(other.work, { lease: 1_000 }).subscribe();
    expect(await publish(definition('a'))).toBe(revision + 1n);
    expect(other.working).toBe(0);
    first.unsubscribe();
    const next = await other.term(0);
    expect([one.working, other.working]).toEqual([0, 1]);
    expect(await next.publish(definition('b'))).toBe(next.revision + 1n);
    await expect(publish(definition('c'))).rejects.toEqual(fenced);
    second.unsubscribe();
  }, 20_000);

  it('emits what the work emits, completes with it, and lets the next one in', async () => {
    const told: number[] = [];
    await a.lead(() => of(1, 2, 3), { lease: 1_000 }).forEach((n) => told.push(n));
    expect(told).toEqual([1, 2, 3]);
    const other = new Work();
    const second = b.lead(other.work, { lease: 1_000 }).subscribe();
    await other.term(0);
    second.unsubscribe();
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

  it('throws BAD_OPTION for options that make no sense', () => {
    const badOption = expect.objectContaining({ code: 'BAD_OPTION' });
    expect(() => a.lead(() => NEVER, { lease: 999 })).toThrow(badOption);
    expect(() => a.lead(() => NEVER, { lease: 1_000.5 })).toThrow(badOption);
    expect(() => a.lead(undefined as unknown as () => Observable<never>)).toThrow(badOption);
  });

  it('errors with CLOSED when the connection is closed, and with BUCKET_REPLACED when the bucket is another one', async () => {
    const connection = await fixture.connect(server.url);
    const [one, two] = [new Work(), new Work()];
    const closed = (await natsDefinitions(connection)).lead(one.work, { lease: 1_000 }).forEach(() => undefined);
    await one.term(0);
    const refused = expect(closed).rejects.toMatchObject({ code: 'CLOSED' });
    await connection.close();
    await refused;
    const mine = await natsDefinitions(await fixture.connect(server.url), { bucket: 'mine', timeout: 300 });
    const replaced = mine.lead(two.work, { lease: 1_000 }).forEach(() => undefined);
    const gone = expect(replaced).rejects.toMatchObject({ code: 'BUCKET_REPLACED' });
    await two.term(0);
    const jsm = await jetstreamManager(await fixture.connect(server.url));
    await jsm.streams.delete('KV_mine');
    await natsDefinitions(await fixture.connect(server.url), { bucket: 'mine' });
    await gone;
    expect([one.working, two.working, two.terms.length]).toEqual([0, 0, 1]);
  }, 20_000);

  it('stores what one term publishes in call order, without waiting for one another', async () => {
    const one = new Work();
    const first = a.lead(one.work).subscribe();
    const { publish, revision } = await one.term(0);
    const published = await Promise.all(Array.from({ length: 100 }, (_, n) => publish(definition(`f${n}`))));
    expect(published).toEqual(Array.from({ length: 100 }, (_, n) => revision + 1n + BigInt(n)));
    first.unsubscribe();
  });

  it('goes on with its term when others publish without leading', async () => {
    const one = new Work();
    const first = a.lead(one.work).subscribe();
    const { publish } = await one.term(0);
    const plain = Array.from({ length: 50 }, (_, n) => b.publish(definition(`plain${n}`)));
    const led = Array.from({ length: 50 }, (_, n) => publish(definition(`led${n}`)));
    const revisions = await Promise.all([...plain, ...led]);
    expect(new Set(revisions).size).toBe(100);
    expect([one.working, one.terms.length]).toEqual([1, 1]);
    first.unsubscribe();
  });

  it('stores a publish once although its connection is cut before the acknowledgement', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const one = new Work();
      const first = (await open(proxy.url)).lead(one.work, { lease: 5_000 }).subscribe();
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
      first.unsubscribe();
    } finally {
      await proxy.close();
    }
  }, 30_000);

  it('refuses what a leader sent before it was paused, once another has taken over', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const [paused, next] = [new Work(), new Work()];
      const first = (await open(proxy.url)).lead(paused.work, { lease: 1_000 }).subscribe();
      const old = await paused.term(0);
      await old.publish(definition('f', { payload: Uint8Array.of(1) }));
      const second = b.lead(next.work, { lease: 1_000 }).subscribe();
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
      first.unsubscribe();
      second.unsubscribe();
    } finally {
      await proxy.close();
    }
  }, 30_000);

  it('takes a FENCED error of the work for the end of the term, not of the leading', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const work$ = new Subject<string>();
      const revisions: bigint[] = [];
      const one = new Work();
      const leading = (await open(proxy.url))
        .lead(
          (term) => {
            one.work(term).subscribe().unsubscribe();
            return work$.pipe(concatMap((name) => term.publish(definition(name))));
          },
          { lease: 1_000 },
        )
        .subscribe((revision) => revisions.push(revision));
      await one.term(0);
      const [other, taken] = [new Work(), b];
      const second = taken.lead(other.work, { lease: 1_000 }).subscribe();
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
      leading.unsubscribe();
    } finally {
      await proxy.close();
    }
  }, 30_000);

  it('ends a term by itself when NATS is out of reach for the lease, and begins another when it is back', async () => {
    const one = new Work();
    const first = a.lead(one.work, { lease: 1_000 }).subscribe();
    const { publish, revision } = await one.term(0);
    await server.kill();
    await expect(publish(definition('a'))).rejects.toEqual(fenced);
    expect(one.working).toBe(0);
    await server.start();
    const again = await one.term(1);
    expect(again.revision).toBeGreaterThan(revision);
    await again.publish(definition('b'));
    first.unsubscribe();
  }, 30_000);
});
