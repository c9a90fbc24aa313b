import { describe, expect, it } from '@jest/globals';
import { DefinitionCatalog, type DefinitionFrame, DefinitionSyncFanout, encodeOnce, rememberIn } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import fc from 'fast-check';
import { from, NEVER, toArray } from 'rxjs';
import { commit, short, takeAll } from '../helpers/byHand.js';
import { frames } from '../helpers/frames.js';
import { silent } from '../helpers/fanout.js';
import { alive } from '../helpers/garbage.js';

const scope = { tenantId: 7n, databaseId: 9n };

function filled(...changes: string[]): DefinitionCatalog {
  const catalog = new DefinitionCatalog();
  for (const frame of frames(changes)) catalog.apply(frame);
  return catalog;
}

const all = (catalog: DefinitionCatalog, after = 0) => [...catalog.framesAfter(after)].map(short);
const live = (catalog: DefinitionCatalog) => [...catalog.snapshot()].map(short);

describe('DefinitionCatalog', () => {
  it('keeps the last frame of every definition, in sequence order: what changes moves to the end', () => {
    const catalog = filled('+a', '+b', '+c', '+a', '-b');
    expect(live(catalog)).toEqual(['+c@3', '+a@4']);
    expect(all(catalog)).toEqual(['+c@3', '+a@4', '-b@5']);
    expect(all(catalog, 3)).toEqual(['+a@4', '-b@5']);
    expect(all(catalog, 5)).toEqual([]);
    expect(catalog.size).toBe(2);
    expect(catalog.lastSequence).toBe(5);
  });

  it('starts empty, and gives back the very frames it was given', () => {
    const catalog = new DefinitionCatalog();
    expect([catalog.size, catalog.lastSequence, live(catalog), all(catalog)]).toEqual([0, 0, [], []]);
    const [frame] = frames(['+a']);
    if (frame !== undefined) catalog.apply(frame);
    expect([...catalog.snapshot()][0]).toBe(frame);
  });

  it('tells definitions apart by type and name, whatever stands in them', () => {
    const catalog = new DefinitionCatalog();
    const pairs = [['function', 'a'], ['trigger', 'a'], ['1:a', 'b'], ['1', ':ab'], ['', '1:ab'], ['function', '__proto__']]; // prettier-ignore
    pairs.forEach(([definitionType = '', name = ''], index) => {
      catalog.apply({ sequence: index + 1, msg: definition(name, { definitionType }), bytes: new Uint8Array(0) });
    });
    expect(catalog.size).toBe(pairs.length);
  });

  it('takes any action but `delete` for a put', () => {
    const catalog = filled('+a');
    const msg = definition('a', { action: 'DELETE' });
    catalog.apply({ sequence: 2, msg, bytes: new Uint8Array(0) });
    expect(catalog.size).toBe(1);
  });

  it('keeps scopes apart by value, the unscoped one too', () => {
    const catalog = filled('+a');
    for (const frame of frames(['+a', '+b'], 2, scope)) catalog.apply(frame);
    expect(live(catalog)).toEqual(['+a@1']);
    expect([...catalog.snapshot({ tenantId: 7n, databaseId: 9n })].map(short)).toEqual(['+a@2', '+b@3']);
    expect([...catalog.snapshot({ tenantId: 9n, databaseId: 7n })]).toEqual([]);
    expect(catalog.size).toBe(3);
  });

  it('throws OUT_OF_ORDER for a frame that is not newer than all before, of any scope, and is as it was', () => {
    const catalog = filled('+a', '+b');
    for (const sequence of [2, 1, 0, -1, 2.5, NaN, Infinity]) {
      const [frame] = frames(['+c'], sequence, scope);
      expect(() => frame && catalog.apply(frame)).toThrow(expect.objectContaining({ code: 'OUT_OF_ORDER' }));
    }
    expect(all(catalog)).toEqual(['+a@1', '+b@2']);
    expect([...catalog.snapshot(scope)]).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['frame', null],
    ['frame', 5],
    ['frame.msg', {}],
    ['frame.msg', { sequence: 3, msg: null }],
    ['frame.msg.definitionType', { sequence: 3, msg: {} }],
    ['frame.msg.name', { sequence: 3, msg: { ...definition('c'), name: 5 } }],
    ['scope', { sequence: 3, msg: { ...definition('c'), scope: null } }],
    ['scope.tenantId', { sequence: 3, msg: { ...definition('c'), scope: {} } }],
  ])('throws BAD_OPTION for what is no frame for its %s, and is as it was', (option, frame) => {
    // Each was a TypeError about whatever was read first.
    const catalog = filled('+a', '+b');
    expect(() => catalog.apply(frame as DefinitionFrame)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) as unknown }),
    );
    expect([catalog.lastSequence, all(catalog)]).toEqual([2, ['+a@1', '+b@2']]);
  });

  it('takes gaps in the sequence', () => {
    const catalog = filled('+a');
    for (const frame of frames(['+b'], 1_000)) catalog.apply(frame);
    expect(all(catalog, 999)).toEqual(['+b@1000']);
  });

  it('has live iterators: what changes while one runs comes again at its end', () => {
    const catalog = filled('+a', '+b', '+c');
    const got: string[] = [];
    for (const frame of catalog.snapshot()) {
      got.push(short(frame));
      if (got.length === 1) for (const change of frames(['+a', '-b', '+d'], 4)) catalog.apply(change);
    }
    expect(got).toEqual(['+a@1', '+c@3', '+a@4', '+d@6']);
  });

  it('has live iterators also across a log that was empty meanwhile', () => {
    const catalog = new DefinitionCatalog({ maxTombstones: 0 });
    for (const frame of frames(['+a'])) catalog.apply(frame);
    const iterator = catalog.framesAfter(0);
    expect(iterator.next().value).toMatchObject({ sequence: 1 });
    const [gone, back] = frames(['-a', '+b'], 2);
    if (gone !== undefined) catalog.apply(gone);
    expect(all(catalog)).toEqual([]);
    if (back !== undefined) catalog.apply(back);
    expect([...iterator].map(short)).toEqual(['+b@3']);
  });

  it.each([
    [0, []],
    [2, ['-b@5', '-c@6']],
    [Infinity, ['-a@4', '-b@5', '-c@6']],
    [undefined, ['-a@4', '-b@5', '-c@6']],
  ])('keeps %s tombstones per scope, the oldest out first', (maxTombstones, left) => {
    const catalog = new DefinitionCatalog({ maxTombstones });
    for (const frame of frames(['+a', '+b', '+c', '-a', '-b', '-c'])) catalog.apply(frame);
    for (const frame of frames(['-x'], 7, scope)) catalog.apply(frame);
    expect(all(catalog)).toEqual(left);
    expect([...catalog.framesAfter(0, scope)]).toHaveLength(maxTombstones === 0 ? 0 : 1);
    expect(catalog.size).toBe(0);
  });

  it('keeps 1024 tombstones when nothing else is said', () => {
    const catalog = new DefinitionCatalog();
    for (const frame of frames(Array.from({ length: 3_000 }, (_, i) => `-d${i}`))) catalog.apply(frame);
    expect(all(catalog)).toHaveLength(1024);
    expect(all(catalog)[0]).toBe('-d1976@1977');
  });

  it.each([-1, 1.5, NaN, null as never])('throws BAD_OPTION for %s tombstones, and for that sequence', (value) => {
    const bad = expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(String(value)) });
    expect(() => new DefinitionCatalog({ maxTombstones: value })).toThrow(bad);
    expect(() => new DefinitionCatalog().framesAfter(value)).toThrow(bad);
  });

  it('can be resumed from after the newest delete that it has forgotten, also when nothing else is left of a scope', () => {
    const catalog = new DefinitionCatalog({ maxTombstones: 1 });
    const places = (of?: typeof scope) =>
      [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((sequence) => catalog.canResumeAfter(sequence, of));
    const first: unknown[] = [];
    for (const frame of frames(['+a', '+b', '-a', '-b', '+b', '-c', '-d'])) {
      catalog.apply(frame);
      first.push(places()[0]);
    }
    expect(first).toEqual([0, 0, 0, 3, 3, 3, 6]);
    expect(places()).toEqual([6, 7]);
    expect(places(scope)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const forgetful = new DefinitionCatalog({ maxTombstones: 0 });
    for (const frame of frames(['+a', '-a'])) forgetful.apply(frame);
    expect([0, 1, 2, 3].map((sequence) => forgetful.canResumeAfter(sequence))).toEqual([false, false, true, false]);
    expect(forgetful.canResumeAfter(1, scope)).toBe(false);
  });

  it.each([NaN, -1, 1.5, Infinity, '1' as never, undefined as never])('cannot be resumed from after %p', (sequence) => {
    const catalog = new DefinitionCatalog();
    for (const frame of frames(['+a', '+b'])) catalog.apply(frame);
    expect(catalog.canResumeAfter(sequence)).toBe(false);
  });

  it('brings whoever can resume to what is there now', () => {
    const change = fc
      .tuple(fc.constantFrom('+', '-'), fc.constantFrom('a', 'b', 'c', 'd'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.nat({ max: 3 }), (changes, maxTombstones) => {
        const catalog = new DefinitionCatalog({ maxTombstones });
        const now = new Set<string>();
        const states = [new Set<string>()];
        const apply = (to: Set<string>, { msg }: DefinitionFrame) =>
          msg.action === 'delete' ? to.delete(msg.name) : to.add(msg.name);
        for (const frame of frames(changes)) {
          catalog.apply(frame);
          apply(now, frame);
          states.push(new Set(now));
          for (let read = 0; read <= frame.sequence; read++) {
            if (!catalog.canResumeAfter(read)) continue;
            const mine = new Set(states[read]);
            for (const missed of catalog.framesAfter(read)) apply(mine, missed);
            expect(mine).toEqual(now);
          }
        }
      }),
    );
  });

  it('throws BAD_OPTION for a scope that is none', () => {
    const bad = expect.objectContaining({ code: 'BAD_OPTION' });
    expect(() => new DefinitionCatalog().snapshot({ tenantId: -1n, databaseId: 0n })).toThrow(bad);
  });

  it('refers to no frame that was replaced or pruned', async () => {
    const catalog = new DefinitionCatalog({ maxTombstones: 1 });
    const refs: WeakRef<object>[] = [];
    const apply = (): void => {
      for (const frame of frames(['+a', '+a', '+b', '-b', '-c', '+a'])) {
        catalog.apply(frame);
        refs.push(new WeakRef(frame));
      }
    };
    apply();
    expect(await alive(refs)).toBe(2);
    expect(all(catalog)).toEqual(['-c@5', '+a@6']);
  });
});

describe('rememberIn', () => {
  it('applies every frame on its way, and gives it on as it is', () => {
    const catalog = new DefinitionCatalog();
    const messages = ['a', 'b', 'a'].map((name) => definition(name));
    const passed: unknown[] = [];
    from(messages).pipe(encodeOnce(), rememberIn(catalog), toArray()).subscribe((each) => passed.push(...each)); // prettier-ignore
    expect(passed).toHaveLength(3);
    expect([...catalog.snapshot()]).toEqual(passed.slice(1));
  });

  it.each<unknown>([5, {}, null, undefined, { apply: () => undefined }])(
    'refuses %p in the place of a catalog',
    (catalog) => {
      // It was a TypeError at the first frame.
      expect(() => rememberIn(catalog as DefinitionCatalog)).toThrow(
        expect.objectContaining({
          code: 'BAD_OPTION',
          message: expect.stringContaining('catalog must be a DefinitionCatalog, got') as unknown,
        }),
      );
    },
  );

  it('errors the result when a frame is out of order', () => {
    const errors: unknown[] = [];
    const catalog = filled('+a', '+b');
    from([definition('c')])
      .pipe(encodeOnce(), rememberIn(catalog))
      .subscribe({ error: (error: unknown) => errors.push(error) });
    expect(errors).toEqual([expect.objectContaining({ code: 'OUT_OF_ORDER' })]);
  });
});

describe('a catalog and its fan-out', () => {
  it('a fan-out given a filled catalog continues its sequence, and replays what it holds', () => {
    const fanout = new DefinitionSyncFanout({ catalog: filled('+a', '-b'), logger: silent });
    const receiver = fanout.receiver('r', { replay: true });
    commit(fanout, '+c');
    expect(takeAll(receiver)).toEqual(['+a@1', '+c@3']);
  });

  it('holds the frames of its fan-out, the very objects, with nobody registered', () => {
    const catalog = new DefinitionCatalog();
    const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
    const seen: unknown[] = [];
    fanout.frames$.subscribe((frame) => seen.push(frame));
    commit(fanout, '+a', '+b');
    const held = [...catalog.snapshot()];
    expect(held[0]).toBe(seen[0]);
    expect(held[1]).toBe(seen[1]);
    expect(held).toHaveLength(2);
  });

  it('belongs to one fan-out, and takes frames from no one else', () => {
    const catalog = new DefinitionCatalog();
    const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
    expect(() => new DefinitionSyncFanout({ catalog, logger: silent })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    );
    const [frame] = frames(['+a'], 50);
    expect(() => frame && catalog.apply(frame)).toThrow(expect.objectContaining({ code: 'OUT_OF_ORDER' }));
    commit(fanout, '+a');
    expect(catalog.size).toBe(1);
  });

  it('is free for the next fan-out when its own is over, and remembers', () => {
    const catalog = new DefinitionCatalog();
    const first = new DefinitionSyncFanout({ catalog, logger: silent });
    commit(first, '+a', '+b');
    first.complete();
    const second = new DefinitionSyncFanout({ catalog, logger: silent });
    commit(second, '+a');
    expect(all(catalog)).toEqual(['+b@2', '+a@3']);
  });

  it.each<[string, (fanout: DefinitionSyncFanout) => unknown]>([
    ['completes', (fanout) => fanout.complete()],
    ['fails', (fanout) => fanout.error(new Error('over'))],
  ])('holds no more tombstones than it may when its fan-out, whose sessions needed them, %s', (_, end) => {
    const catalog = new DefinitionCatalog({ maxTombstones: 2 });
    const fanout = new DefinitionSyncFanout({ catalog, overflow: 'catch-up', capacity: 0, logger: silent });
    const session = fanout.register('stalled', () => NEVER, { replay: 'with-deletes' }).subscribe();
    commit(fanout, '+a', '+b', '+c', '+d', '-a', '-b', '-c', '-d');
    expect(all(catalog).length).toBeGreaterThan(2);
    end(fanout);
    session.unsubscribe();
    expect(all(catalog)).toEqual(['-c@7', '-d@8']);
  });

  it('sweeps up after a fan-out that fails in the middle of a broadcast', () => {
    const catalog = new DefinitionCatalog({ maxTombstones: 0 });
    const fanout: DefinitionSyncFanout = new DefinitionSyncFanout({ catalog, logger: silent });
    fanout.register('ends it', () => fanout.error(new Error('over'))).subscribe();
    commit(fanout, '-a');
    expect(all(catalog)).toEqual([]);
    expect([0, 1].map((sequence) => catalog.canResumeAfter(sequence))).toEqual([false, true]);
  });

  it('is at hand: its own, the one that was handed in, or none', () => {
    const catalog = new DefinitionCatalog();
    expect(new DefinitionSyncFanout({ catalog }).catalog).toBe(catalog);
    expect(new DefinitionSyncFanout().catalog).toBeUndefined();
    const fanout = new DefinitionSyncFanout({ catalog: true });
    commit(fanout, '+a', '-b');
    expect([...(fanout.catalog?.framesAfter(0) ?? [])].map(short)).toEqual(['+a@1', '-b@2']);
  });

  it('needs one for replay and for catch-up', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const bad = (given: string) =>
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: `${given} needs a fan-out with a catalog (catalog: true)`,
      });
    expect(() => fanout.register('s', () => undefined, { replay: true })).toThrow(bad('replay true'));
    expect(() => fanout.receiver('s', { replay: 'with-deletes' })).toThrow(bad('replay "with-deletes"'));
    expect(() => fanout.receiver('s', { overflow: 'catch-up' })).toThrow(bad('overflow "catch-up"'));
    expect(() => new DefinitionSyncFanout({ overflow: 'catch-up', logger: silent })).toThrow(
      bad('overflow "catch-up"'),
    );
    expect(fanout.activeSessions).toBe(0);
  });
});
