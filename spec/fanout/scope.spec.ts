import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, type DefinitionScope, DefinitionSyncFanout } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import fc from 'fast-check';
import { KeyedMap } from '../../lib/fanout/keyedMap.js';
import { scopeKey } from '../../lib/fanout/scopeKey.js';
import { broadcast, keeper, silent } from '../helpers/fanout.js';
import { alive } from '../helpers/garbage.js';

const U64_MAX = (1n << 64n) - 1n;
const scopeOf = (tenantId: bigint, databaseId: bigint): DefinitionScope => ({ tenantId, databaseId });

describe('scopes (F7)', () => {
  it('gives a scoped frame to sessions of exactly that scope, compared by value', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const scopes = [scopeOf(1n, 2n), scopeOf(2n, 1n), scopeOf(1n, 1n), scopeOf(12n, 2n), scopeOf(1n, 22n), undefined];
    const all = scopes.map((scope, i) => {
      const { names, deliver } = keeper();
      fanout.register(String(i), deliver, { scope }).subscribe();
      return names;
    });
    fanout.broadcast(definition('f', { scope: scopeOf(1n, 2n) }));
    expect(all).toEqual([['f'], [], [], [], [], []]);
  });

  it('gives an unscoped frame to sessions without a scope, and to no other', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const [scoped, zero, unscoped] = [keeper(), keeper(), keeper()];
    fanout.register('scoped', scoped.deliver, { scope: scopeOf(1n, 2n) }).subscribe();
    fanout.register('zero', zero.deliver, { scope: scopeOf(0n, 0n) }).subscribe();
    fanout.register('unscoped', unscoped.deliver).subscribe();
    broadcast(fanout, 'f');
    expect([scoped.names, zero.names, unscoped.names]).toEqual([[], [], ['f']]);
  });

  it('tells the greatest ids apart', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const [greatest, next] = [keeper(), keeper()];
    fanout.register('greatest', greatest.deliver, { scope: scopeOf(U64_MAX, U64_MAX) }).subscribe();
    fanout.register('next', next.deliver, { scope: scopeOf(U64_MAX, U64_MAX - 1n) }).subscribe();
    fanout.broadcast(definition('f', { scope: scopeOf(U64_MAX, U64_MAX) }));
    expect([greatest.names, next.names]).toEqual([['f'], []]);
  });

  it('gives `frames$` the frames of every scope', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const sequences: number[] = [];
    fanout.frames$.subscribe((frame) => sequences.push(frame.sequence));
    for (const scope of [scopeOf(1n, 1n), undefined, scopeOf(2n, 2n)]) fanout.broadcast(definition('f', { scope }));
    expect(sequences).toEqual([1, 2, 3]);
  });

  it('numbers the frames of all scopes in one sequence', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const sequences: number[] = [];
    const keep = (frame: DefinitionFrame) => void sequences.push(frame.sequence);
    fanout.register('a', keep, { scope: scopeOf(1n, 1n) }).subscribe();
    fanout.broadcast(definition('f'));
    fanout.broadcast(definition('f', { scope: scopeOf(2n, 2n) }));
    fanout.broadcast(definition('f', { scope: scopeOf(1n, 1n) }));
    expect(sequences).toEqual([3]);
  });

  it('offers nothing to sessions of other scopes', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const scope = scopeOf(1n, 1n);
    fanout.receiver('here', { scope });
    const there = fanout.receiver('there', { scope: scopeOf(1n, 2n) });
    fanout.broadcast(definition('f', { scope }));
    expect(fanout.session('here')).toMatchObject({ scope, offered: 1, waiting: 1 });
    expect(fanout.session('there')).toMatchObject({ offered: 0, waiting: 0 });
    expect(there.tryReceive()).toBeUndefined();
  });

  it('knows an id once, over all scopes', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const first = fanout.receiver('lite', { scope: scopeOf(1n, 1n) });
    fanout.receiver('lite', { scope: scopeOf(2n, 2n) });
    expect(first.closed).toBe(true);
    expect(fanout.activeSessions).toBe(1);
    expect(fanout.session('lite')?.scope).toEqual(scopeOf(2n, 2n));
  });

  it('keeps nothing of a scope without sessions', async () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const refs: WeakRef<DefinitionScope>[] = [];
    const comeAndGo = (id: bigint, during: (end: () => void) => void) => {
      const scope = scopeOf(id, id);
      refs.push(new WeakRef(scope));
      const subscription = fanout.register('lite', () => during(end), { scope }).subscribe();
      const end = () => subscription.unsubscribe();
      fanout.broadcast(definition('f', { scope: scopeOf(id, id) }));
      end();
    };
    comeAndGo(1n, () => undefined);
    comeAndGo(2n, (end) => end());
    expect(await alive(refs)).toBe(0);
    expect(fanout.activeSessions).toBe(0);
  });

  it('keeps scopes apart in their keys', () => {
    const id = fc.bigInt({ min: 0n, max: U64_MAX });
    const scope = fc.option(fc.record({ tenantId: id, databaseId: id }), { nil: undefined });
    fc.assert(
      fc.property(scope, scope, (one, two) => {
        const isSame = one?.tenantId === two?.tenantId && one?.databaseId === two?.databaseId;
        expect(scopeKey(one) === scopeKey(two)).toBe(isSame);
      }),
    );
  });
});

describe('sessions that come and go (F8)', () => {
  it('keeps the counts when ten thousand come and go', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const subscriptions = Array.from({ length: 10_000 }, (_, i) =>
      fanout.register(String(i), () => undefined).subscribe(),
    );
    broadcast(fanout, '1');
    expect(fanout.stats()).toMatchObject({ activeSessions: 10_000, sessionsRegistered: 10_000, delivered: 10_000 });
    subscriptions.forEach((subscription) => subscription.unsubscribe());
    expect(fanout.stats()).toMatchObject({ activeSessions: 0, ending: 0, delivered: 10_000, discarded: 0 });
    expect([...fanout.sessions()]).toEqual([]);
  });

  it('finds every session again, whichever go in between', () => {
    const step = fc.tuple(fc.constantFrom('set', 'delete'), fc.integer({ min: 0, max: 20 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const map = new KeyedMap<object>();
        const model = new Map<string, object>();
        for (const [what, number] of steps) {
          const key = String(number);
          if (what === 'set') {
            const value = {};
            expect(map.set(key, value)).toBe(model.get(key));
            model.set(key, value);
          } else {
            map.delete(key);
            model.delete(key);
          }
          expect(map.get(key)).toBe(model.get(key));
          expect(map.size).toBe(model.size);
        }
        expect(new Set(map.values())).toEqual(new Set(model.values()));
      }),
    );
  });

  it('lets whoever lists the sessions end them meanwhile', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    for (let i = 0; i < 100; i++) fanout.register(String(i), () => undefined).subscribe();
    const listed: string[] = [];
    for (const { sessionId } of fanout.sessions()) {
      listed.push(sessionId);
      for (let i = 0; i < 60; i++) fanout.unregister(String(i));
    }
    expect(listed).toEqual(['0', ...Array.from({ length: 40 }, (_, i) => String(60 + i))]);
  });
});
