import { describe, expect, it } from '@jest/globals';
import { DefinitionCatalog, type DefinitionFrame, DefinitionSyncFanout, type SessionOptions } from 'ddl-fanout';
import { definition, marbles } from 'ddl-fanout/testing';
import { asyncScheduler, map, NEVER, Subject, timer } from 'rxjs';
import { ByHand, commit, fold, short, takeAll } from '../helpers/byHand.js';
import { eventsOf, expectBalance, silent } from '../helpers/fanout.js';
import { alive } from '../helpers/garbage.js';

function open(options: SessionOptions = {}, maxTombstones?: number) {
  const catalog = new DefinitionCatalog({ maxTombstones });
  const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
  const device = new ByHand();
  const events = eventsOf(fanout);
  fanout.register('s', device.deliver, { overflow: 'catch-up', capacity: 1, ...options }).subscribe();
  return { catalog, fanout, device, events };
}

const LETTERS = {
  registered: 'r',
  'overflow-began': 'o',
  'overflow-ended': 'e',
  'caught-up': 'c',
  'encode-failed': 'x',
  ended: 'd',
} as const;

function inLog(catalog: DefinitionCatalog): string[] {
  return [...catalog.framesAfter(0)].map(short);
}

describe("overflow: 'catch-up'", () => {
  it('lets the queue go on overflow, reads the log at the pace of `deliver`, and is live at its head', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent, scheduler: asyncScheduler });
    marbles(({ hot, expectObservable }) => {
      const source = '  abcbc---------------d-----|';
      // a is in flight, b waits, c finds one waiting; b and c are replaced by their later frames.
      const expected = '-----a----b----c---------d|';
      const deliver = (frame: DefinitionFrame) => timer(5).pipe(map(() => frame.msg.name));
      const session$ = fanout.register('s', deliver, { overflow: 'catch-up', capacity: 1 });
      expectObservable(session$).toBe(expected);
      const messages$ = hot(source).pipe(map((name) => definition(name)));
      messages$.subscribe(fanout);
    });
    expect(fanout.stats()).toMatchObject({ delivered: 4, superseded: 2, dropped: 0 });
  });

  it('falls behind and recovers as often as it overflows, told once each', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent, scheduler: asyncScheduler });
    marbles(({ hot, expectObservable }) => {
      const source = '  abab---------cdcd---------|';
      const expected = '---a--a--b------c--c--d---|';
      const events = '  r-o------(ec)--o------(ec)(d|)';
      const deliver = (frame: DefinitionFrame) => timer(3).pipe(map(() => frame.msg.name));
      const session$ = fanout.register('s', deliver, { overflow: 'catch-up', capacity: 1 });
      const told$ = fanout.events$.pipe(map(({ type }) => LETTERS[type]));
      expectObservable(told$).toBe(events);
      expectObservable(session$).toBe(expected);
      const messages$ = hot(source).pipe(map((name) => definition(name)));
      messages$.subscribe(fanout);
    });
    expect(fanout.stats()).toMatchObject({ delivered: 6, superseded: 2, dropped: 0 });
  });

  it('counts what a later frame replaced as superseded when that is broadcast, and nothing as dropped', () => {
    const { fanout, device } = open({ capacity: 2 });
    commit(fanout, '+a', '+b', '+b');
    expect(fanout.session('s')).toMatchObject({ state: 'live', waiting: 2, superseded: 0 });
    commit(fanout, '+b');
    expect(fanout.session('s')).toMatchObject({ state: 'catching-up', waiting: 1, superseded: 2, offered: 4 });
    commit(fanout, '+b', '+c');
    expect(fanout.session('s')).toMatchObject({ waiting: 2, superseded: 3, offered: 6, dropped: 0 });
    expect(device.finish()).toEqual(['+b@5', '+c@6']);
    expect(fanout.stats()).toMatchObject({ delivered: 3, superseded: 3, dropped: 0, offered: 6 });
  });

  it('has no victim at capacity 0: the frame waits in the log', () => {
    const { fanout, device, events } = open({ capacity: 0 });
    commit(fanout, '+a', '+b');
    expect(fanout.session('s')).toMatchObject({ waiting: 1, superseded: 0, dropped: 0, state: 'catching-up' });
    device.finish();
    expect(device.got).toEqual(['+a@1', '+b@2']);
    expect(events).toEqual(['registered s', 'overflow-began s', 'overflow-ended s 0', 'caught-up s 2']);
  });

  it('never falls behind with an infinite capacity', () => {
    const { fanout, device } = open({ capacity: Infinity });
    for (let i = 0; i < 1_000; i++) commit(fanout, '+a');
    expect(fanout.session('s')).toMatchObject({ state: 'live', waiting: 999, superseded: 0 });
    device.finish();
    expect(device.got).toHaveLength(1_000);
  });

  it('holds exactly what the Origin holds in the end, after any number of commits', () => {
    const { fanout, catalog, device } = open({ capacity: 3 });
    for (let i = 0; i < 5_000; i++) {
      commit(fanout, `${i % 7 === 3 ? '-' : '+'}d${(i * i) % 23}`);
      if (i % 50 === 0) device.finish(2);
    }
    device.finish();
    expect(fold(device.got)).toEqual([...catalog.snapshot()].map((frame) => short(frame).slice(1)));
    expect(fanout.session('s')).toMatchObject({ state: 'live', waiting: 0 });
    expect(fanout.session('s')?.superseded).toBeGreaterThan(4_000);
  });

  it('goes on behind a delivery that commits, and stays behind while every delivery commits', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const got: string[] = [];
    const first = new Subject<never>();
    const deliver = (frame: DefinitionFrame) => {
      got.push(short(frame));
      if (got.length === 1) return first;
      if (got.length < 6) commit(fanout, '+x', '+y');
      expectBalance(fanout);
      return undefined;
    };
    fanout.register('s', deliver, { overflow: 'catch-up', capacity: 0 }).subscribe();
    commit(fanout, '+a', '+b');
    first.complete();
    expect(got).toEqual(['+a@1', '+b@2', '+x@3', '+x@5', '+x@7', '+x@9', '+y@10']);
    expect(fanout.session('s')).toMatchObject({ state: 'live', offered: 10, superseded: 3 });
  });
});

describe('deletes while a session is behind', () => {
  it('reach it when it has the definition, and leave nothing when it has not', () => {
    const { fanout, catalog, device } = open({ capacity: 0 }, 0);
    commit(fanout, '+kept', '+b', '+temp', '-kept', '-temp');
    expect(inLog(catalog)).toEqual(['+b@2', '-kept@4']);
    expect(fanout.session('s')).toMatchObject({ waiting: 2, superseded: 2, offered: 5 });
    expect(device.finish()).toEqual(['+b@2', '-kept@4']);
    commit(fanout, '+z');
    expect(inLog(catalog)).toEqual(['+b@2', '+z@6']);
  });

  it('make way for the definition when it is created again', () => {
    const { fanout, device } = open({ capacity: 0 }, 0);
    commit(fanout, '+a', '+b', '-a', '+a');
    expect(device.finish()).toEqual(['+b@2', '+a@4']);
    commit(fanout, '+b', '-a', '+a', '-a');
    expect(fold(['+a@4', ...device.got.slice(3), ...device.finish()])).toEqual(['b@5']);
  });

  it('are not pruned between the queue and the log: a session that overflows later still gets them', () => {
    const { fanout, device } = open({ capacity: 2 }, 0);
    commit(fanout, '+y', '+x', '-x');
    // `+x` is given; its delete waits in the queue, which then is let go. It was pruned while both waited.
    device.finish(1);
    commit(fanout, '+a', '+b', '+c');
    device.finish();
    expect(device.got).toEqual(['+y@1', '+x@2', '-x@3', '+a@4', '+b@5', '+c@6']);
  });

  it('leave nothing of what was created and dropped in the queue, once that is let go', () => {
    const { fanout, catalog, device } = open({ capacity: 2 }, 0);
    commit(fanout, '+y', '+x', '-x', '+a');
    expect(inLog(catalog)).toEqual(['+y@1', '+a@4']);
    expect(fanout.session('s')).toMatchObject({ waiting: 1, superseded: 2, inFlight: 1 });
    expect(device.finish()).toEqual(['+a@4']);
  });

  it('stay for a session that has the definition when all others are past them', () => {
    const { fanout, catalog } = open({ capacity: 0 }, 0);
    const fast: string[] = [];
    fanout.register('fast', (frame) => void fast.push(short(frame)), { overflow: 'catch-up' }).subscribe();
    commit(fanout, '+a', '+b', '-a', '+c', '+d');
    expect(fast).toEqual(['+a@1', '+b@2', '-a@3', '+c@4', '+d@5']);
    expect(inLog(catalog)).toContain('-a@3');
    fanout.unregister('s');
    commit(fanout, '+e');
    expect(inLog(catalog)).not.toContain('-a@3');
  });

  it('do not make the log grow, however long a session stalls', () => {
    const { fanout, catalog, device } = open({ capacity: 0 }, 3);
    commit(fanout, '+a', '+b');
    for (let i = 0; i < 5_000; i++) commit(fanout, `+t${i}`, `-t${i}`, '-a', '+a');
    expect(inLog(catalog)).toHaveLength(2 + 3);
    expect(fanout.session('s')?.waiting).toBe(2);
    device.finish();
    expect(fold(device.got).map((each) => each.split('@')[0])).toEqual(['b', 'a']);
  });

  it('are collectable once the definition is created again, while the session that needed them stalls', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    fanout.register('stalled', () => NEVER, { overflow: 'catch-up', capacity: 0 }).subscribe();
    const refs: WeakRef<object>[] = [];
    fanout.frames$.subscribe((frame) => refs.push(new WeakRef(frame)));
    commit(fanout, '+a', '+b');
    // Each was remembered as what the stalled session waits for, for as long as it stalled.
    for (let i = 0; i < 50; i++) commit(fanout, '-a', '+a');
    expect(await alive(refs)).toBeLessThanOrEqual(3);
  });
});

describe('ending while behind', () => {
  it('by unregister: gives the log as it was at that moment, then completes', () => {
    const { fanout, device, events } = open({ capacity: 0 });
    commit(fanout, '+a', '+b', '+c', '+b', '-a');
    fanout.unregister('s');
    commit(fanout, '+b', '-c', '+d');
    expect(fanout.stats()).toMatchObject({ ending: 1, activeSessions: 0, waiting: 3 });
    device.finish();
    expect(device.got).toEqual(['+a@1', '+c@3', '+b@4', '-a@5']);
    expect(events.at(-1)).toBe('ended s unregistered 0');
    // What it was given reaches up to 5, whatever was committed since.
    expect(events).toContain('caught-up s 5');
    expectBalance(fanout);
  });

  it('by replacement: the old one gets the log as it was, the new one what follows', () => {
    const { fanout, device, events } = open({ capacity: 0 });
    commit(fanout, '+a', '+b', '+c');
    const young = new ByHand();
    fanout.events$.subscribe(({ type }) => {
      // In the middle of the replacement, when the old one has not been told yet.
      if (type === 'registered') commit(fanout, '+b', '+d');
    });
    fanout.register('s', young.deliver, { overflow: 'catch-up', capacity: 0 }).subscribe();
    device.finish();
    young.finish();
    expect(device.got).toEqual(['+a@1', '+b@2', '+c@3']);
    expect(young.got).toEqual(['+b@4', '+d@5']);
    expect(events).toContain('ended s replaced 0');
    expectBalance(fanout);
  });

  it('by replacement with a replay, of the only session of a scope, loses no delete', () => {
    const { fanout, device } = open({ capacity: 0 }, 0);
    commit(fanout, '+a', '+b', '-a');
    const young = new ByHand();
    fanout.register('s', young.deliver, { replay: 'with-deletes' }).subscribe();
    device.finish();
    young.finish();
    expect(device.got).toEqual(['+a@1', '+b@2', '-a@3']);
    expect(young.got).toEqual(['+b@2', '-a@3']);
  });

  it('by unregister from inside a broadcast: the frame under way counts, and is given', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const device = new ByHand();
    let leave = false;
    fanout
      .register('live', () => {
        if (leave) fanout.unregister('s');
      })
      .subscribe();
    fanout.register('s', device.deliver, { overflow: 'catch-up', capacity: 0 }).subscribe();
    commit(fanout, '+a', '+b');
    leave = true;
    commit(fanout, '+c');
    expect(fanout.stats()).toMatchObject({ waiting: 2, inFlight: 1, ending: 1 });
    device.finish();
    expect(device.got).toEqual(['+a@1', '+b@2', '+c@3']);
    expect(fanout.stats()).toMatchObject({ waiting: 0, inFlight: 0, ending: 0 });
  });

  it('by complete(): gives the log up to that moment, then completes, as does `events$`', () => {
    const { fanout, device, events } = open({ capacity: 0 });
    commit(fanout, '+a', '+b', '-a', '+b');
    fanout.complete();
    commit(fanout, '+never');
    expect(device.finish(1)).toEqual(['-a@3']);
    expect(events.at(-1)).toBe('overflow-began s');
    device.finish();
    expect(device.got).toEqual(['+a@1', '-a@3', '+b@4']);
    expect(events.slice(-4)).toEqual(['overflow-ended s 0', 'caught-up s 4', 'ended s completed 0', '|']);
  });

  it('by error(): at once, and what waits in the log is discarded', () => {
    const { fanout, device, events } = open({ capacity: 0 });
    commit(fanout, '+a', '+b', '+c');
    fanout.error(new Error('gone'));
    expect(device.finish()).toEqual([]);
    expect(events.slice(-2)).toEqual(['ended s failed 3', '|']);
    expect(fanout.stats()).toMatchObject({ discarded: 3, waiting: 0, inFlight: 0, offered: 3 });
  });

  it('is undone by no event: what an observer of `caught-up` commits before it unregisters is delivered', () => {
    const { fanout, device } = open({ capacity: 0 });
    fanout.events$.subscribe(({ type }) => {
      if (type !== 'caught-up') return;
      commit(fanout, '+late');
      fanout.unregister('s');
    });
    commit(fanout, '+a', '+b');
    device.finish();
    expect(device.got).toEqual(['+a@1', '+b@2', '+late@3']);
    expect(fanout.stats()).toMatchObject({ ending: 0, discarded: 0, delivered: 3 });
  });
});

describe('catch-up for a receiver', () => {
  it('falls behind at exactly `capacity`, gives the log when asked, and is live again', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const events = eventsOf(fanout);
    const receiver = fanout.receiver('r', { overflow: 'catch-up', capacity: 2 });
    commit(fanout, '+a', '+b');
    expect(fanout.session('r')?.state).toBe('live');
    commit(fanout, '+a');
    expect(fanout.session('r')).toMatchObject({ state: 'catching-up', waiting: 2, superseded: 1 });
    expect(takeAll(receiver)).toEqual(['+b@2', '+a@3']);
    expect(events).toEqual(['registered r', 'overflow-began r', 'overflow-ended r 0', 'caught-up r 3']);
  });

  it('gives a frame once when what waited was dropped again before anybody asked', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const receiver = fanout.receiver('r', { overflow: 'catch-up', capacity: 0 });
    commit(fanout, '+x', '-x');
    expect(receiver.waiting).toBe(0);
    // The frame was given to who awaited it, and a second time from the log.
    const received = receiver.receive();
    commit(fanout, '+y');
    expect(await received).toMatchObject({ sequence: 3 });
    expect(receiver.tryReceive()).toBeUndefined();
    expect(fanout.session('r')).toMatchObject({ delivered: 1, superseded: 2, waiting: 0, state: 'live' });
  });

  it('fulfils promises in the order of the frames, whether they were awaited or waited', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const receiver = fanout.receiver('r', { overflow: 'catch-up', capacity: 0 });
    const got: (number | undefined)[] = [];
    const keep = (frame: DefinitionFrame | undefined) => got.push(frame?.sequence);
    const awaited = receiver.receive().then(keep);
    commit(fanout, '+a', '+b');
    await Promise.all([awaited, receiver.receive().then(keep)]);
    expect(got).toEqual([1, 2]);
  });

  it('ends `for await` behind the log of that moment', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const receiver = fanout.receiver('r', { overflow: 'catch-up', capacity: 1 });
    commit(fanout, '+a', '+b', '+a');
    fanout.complete();
    const got: string[] = [];
    for await (const frame of receiver) got.push(short(frame));
    expect(got).toEqual(['+b@2', '+a@3']);
    expect(fanout.stats()).toMatchObject({ delivered: 2, superseded: 1, ending: 0 });
  });
});

describe('many sessions behind', () => {
  it('share the log: ten thousand hold no frame of their own, and each gets the whole catalog', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const events = new Set<string>();
    const got = new Int32Array(10_000);
    const release: (() => void)[] = [];
    for (let i = 0; i < 10_000; i++) {
      const deliver = () => {
        got[i] = (got[i] ?? 0) + 1;
        return got[i] === 1 ? new Promise<never[]>((resolve) => release.push(() => resolve([]))) : undefined;
      };
      fanout.register(`s${i}`, deliver, { overflow: 'catch-up', capacity: 1 }).subscribe();
    }
    const refs: WeakRef<object>[] = [];
    fanout.frames$.subscribe((frame) => refs.push(new WeakRef(frame)));
    for (let round = 0; round < 5; round++) for (let i = 0; i < 10; i++) commit(fanout, `+d${i}`);
    expect(await alive(refs)).toBeLessThanOrEqual(11);
    expect(fanout.stats()).toMatchObject({ waiting: 10 * 10_000, inFlight: 10_000, superseded: 39 * 10_000 });
    const caughtUp = new Promise<void>((resolve) => {
      fanout.events$.subscribe((event) => {
        if (event.type === 'caught-up') events.add(event.sessionId);
        if (events.size === 10_000) resolve();
      });
    });
    for (const each of release) each();
    await caughtUp;
    expect(got.every((count) => count === 11)).toBe(true);
    expect(fanout.stats()).toMatchObject({ waiting: 0, inFlight: 0, delivered: 110_000, dropped: 0 });
  });

  it('go with the next broadcast of any scope when nobody needs them any more', () => {
    const scope = { tenantId: 1n, databaseId: 1n };
    const catalog = new DefinitionCatalog({ maxTombstones: 0 });
    const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
    const options = { scope, overflow: 'catch-up', capacity: 0 } as const;
    const put = (name: string) => fanout.broadcast(definition(name, { scope }));
    const subscription = fanout.register('behind', () => NEVER, options).subscribe();
    fanout.register('live', () => undefined, { scope }).subscribe();
    put('a');
    put('b');
    fanout.broadcast(definition('a', { scope, action: 'delete' }));
    expect([...catalog.framesAfter(0, scope)].map(short)).toEqual(['+b@2', '-a@3']);
    subscription.unsubscribe();
    commit(fanout, '+unscoped');
    expect([...catalog.framesAfter(0, scope)].map(short)).toEqual(['+b@2']);
  });

  it.each([0, 2])(
    'go with the next broadcast of any scope when whoever needed them has caught up, with capacity %i',
    async (capacity) => {
      const scope = { tenantId: 1n, databaseId: 1n };
      const catalog = new DefinitionCatalog({ maxTombstones: 0 });
      const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
      const device = new ByHand();
      const tell = (action: string, name: string) => fanout.broadcast(definition(name, { scope, action }));
      fanout.register('slow', device.deliver, { scope, overflow: 'catch-up', capacity }).subscribe();
      tell('put', 'a');
      tell('put', 'b');
      device.finish();
      tell('put', 'x');
      tell('delete', 'a');
      tell('delete', 'b');
      while (device.finish().length > 0) await new Promise((resolve) => setImmediate(resolve));
      expect([...catalog.framesAfter(0, scope)].map(short)).toEqual(['+x@3', '-a@4', '-b@5']);
      commit(fanout, '+unscoped');
      expect([...catalog.framesAfter(0, scope)].map(short)).toEqual(['+x@3']);
    },
  );

  it('go with the next broadcast of any scope when a receiver has taken what waited', () => {
    const scope = { tenantId: 1n, databaseId: 1n };
    const catalog = new DefinitionCatalog({ maxTombstones: 0 });
    const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
    const receiver = fanout.receiver('r', { scope, overflow: 'catch-up' });
    for (const action of ['put', 'delete']) {
      fanout.broadcast(definition('a', { scope, action }));
      expect(receiver.tryReceive()?.msg.action).toBe(action);
    }
    commit(fanout, '+unscoped');
    expect([...catalog.framesAfter(0, scope)]).toEqual([]);
  });

  it('leave nothing of what was created and dropped while a session was behind, also right behind a delete it has got', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const device = new ByHand();
    fanout.register('slow', device.deliver, { overflow: 'catch-up', capacity: 0 }).subscribe();
    commit(fanout, '+a', '+x', '-a');
    device.finish(2);
    commit(fanout, '+a', '-a');
    device.finish();
    expect(device.got).toEqual(['+a@1', '+x@2', '-a@3']);
    expectBalance(fanout);
  });

  it('do not keep alive who left: neither the session nor what it delivers to', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    fanout.register('stays', () => undefined).subscribe();
    const refs: WeakRef<object>[] = [];
    const come = (): void => {
      const deliver = () => NEVER;
      refs.push(new WeakRef(deliver));
      const subscription = fanout.register('leaves', deliver, { overflow: 'catch-up', capacity: 0 }).subscribe();
      commit(fanout, '+a', '+b', '-a');
      subscription.unsubscribe();
    };
    come();
    // No broadcast since: it was remembered as the one that needs the delete.
    expect(await alive(refs)).toBe(0);
  });
});
