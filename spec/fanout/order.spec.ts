import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, DefinitionSyncFanout } from 'ddl-fanout';
import { definition, recordingLogger } from 'ddl-fanout/testing';
import fc from 'fast-check';
import { EMPTY, Subject, type Subscription } from 'rxjs';
import { broadcast, imbalances, keeper, nameOf, silent, unencodable } from '../helpers/fanout.js';

/** Registers a session that keeps the names it is given, and then does `also`. */
function watch(fanout: DefinitionSyncFanout, id: string, also: (name: string) => void = () => undefined): string[] {
  const names: string[] = [];
  const deliver = (frame: DefinitionFrame) => {
    names.push(nameOf(frame));
    also(nameOf(frame));
  };
  fanout.register(id, deliver).subscribe();
  return names;
}

describe('one order for all (F5)', () => {
  it('delivers inside the `broadcast` call to sessions that are ready', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const names = watch(fanout, 'a');
    broadcast(fanout, '1');
    expect(names).toEqual(['1']);
  });

  it.each(['first', 'middle', 'last'])(
    'dispatches what the %s of three broadcasts when all have the frame under way',
    (id) => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const order: string[] = [];
      for (const each of ['first', 'middle', 'last']) {
        watch(fanout, each, (name) => {
          order.push(`${name} ${each}`);
          if (each === id && name === '1') broadcast(fanout, '2', '3');
        });
      }
      broadcast(fanout, '1');
      expect(order).toEqual(
        ['1', '2', '3'].flatMap((name) => ['first', 'middle', 'last'].map((each) => `${name} ${each}`)),
      );
    },
  );

  it('numbers a re-entrant message inside its `broadcast` call', () => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger });
    const failures: number[] = [];
    watch(fanout, 'a', (name) => {
      if (name !== '1') return;
      fanout.broadcast(unencodable);
      failures.push(fanout.stats().encodeFailures);
    });
    broadcast(fanout, '1');
    expect(failures).toEqual([1]);
  });

  it('gives `frames$` each frame behind the sessions, and in the same order', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const order: string[] = [];
    fanout.frames$.subscribe((frame) => order.push(`frames$ ${nameOf(frame)}`));
    watch(fanout, 'a', (name) => {
      order.push(`a ${name}`);
      if (name === '1') broadcast(fanout, '2');
    });
    fanout.frames$.subscribe((frame) => {
      order.push(`behind ${nameOf(frame)}`);
      if (nameOf(frame) === '2') broadcast(fanout, '3');
    });
    broadcast(fanout, '1');
    expect(order).toEqual(['1', '2', '3'].flatMap((name) => [`a ${name}`, `frames$ ${name}`, `behind ${name}`]));
  });

  it('lets an observer of `frames$` broadcast, register and unregister', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const first = watch(fanout, 'first');
    const fresh = keeper();
    const join = () => fanout.register('fresh', fresh.deliver).subscribe();
    fanout.frames$.subscribe((frame) => {
      if (nameOf(frame) !== '1') return;
      fanout.unregister('first');
      join();
      broadcast(fanout, '2');
    });
    broadcast(fanout, '1');
    expect([first, fresh.names]).toEqual([['1'], ['2']]);
  });

  it('starts a session that is registered during a broadcast with the next frame', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const fresh = keeper();
    watch(fanout, 'a', (name) => name === '1' && fanout.register('fresh', fresh.deliver).subscribe());
    broadcast(fanout, '1', '2');
    expect(fresh.names).toEqual(['2']);
  });

  it('starts it with the next frame when it is the first of its scope, too', () => {
    const scope = { tenantId: 1n, databaseId: 1n };
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const fresh = keeper();
    const join = () => fanout.register('fresh', fresh.deliver, { scope }).subscribe();
    fanout.frames$.subscribe(() => fanout.session('fresh') ?? join());
    fanout.broadcast(definition('1', { scope }));
    fanout.broadcast(definition('2', { scope }));
    expect(fresh.names).toEqual(['2']);
  });

  it('gives the frame under way to a session that is registered with `replay` meanwhile, from the catalog', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, catalog: true });
    const fresh = keeper();
    watch(fanout, 'a', (name) => name === '1' && fanout.register('fresh', fresh.deliver, { replay: true }).subscribe());
    broadcast(fanout, '1', '2');
    expect(fresh.names).toEqual(['1', '2']);
  });

  it.each<[string, (fanout: DefinitionSyncFanout, subscription: Subscription) => unknown]>([
    ['unsubscribed', (_, subscription) => subscription.unsubscribe()],
    ['unregistered', (fanout) => fanout.unregister('victim')],
  ])('gives a session nothing more that is %s during a broadcast, and misses no other', (_, end) => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const [victim, other] = [keeper(), keeper()];
    watch(fanout, 'first', () => void end(fanout, subscription));
    const subscription = fanout.register('victim', victim.deliver).subscribe();
    fanout.register('other', other.deliver).subscribe();
    broadcast(fanout, '1', '2');
    expect([victim.names, other.names]).toEqual([[], ['1', '2']]);
    expect(fanout.activeSessions).toBe(2);
  });

  it('misses nobody when all sessions but the last go during a broadcast', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const subscriptions: Subscription[] = [];
    const got: number[] = [];
    for (let i = 0; i < 100; i++) {
      const deliver = () => {
        got.push(i);
        if (i === 0) subscriptions.slice(0, 99).forEach((subscription) => subscription.unsubscribe());
      };
      subscriptions.push(fanout.register(String(i), deliver).subscribe());
    }
    broadcast(fanout, '1', '2');
    expect(got).toEqual([0, 99, 99]);
  });

  it('offers nothing more to those who went, in whatever order they did', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const { names, deliver } = keeper();
    const leave = new Map<string, Subscription>();
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      const take = (frame: DefinitionFrame) => {
        names.push(`${id} ${nameOf(frame)}`);
        if (nameOf(frame) === '1') leave.get('e')?.unsubscribe();
      };
      leave.set(id, fanout.register(id, take).subscribe());
    }
    broadcast(fanout, '1');
    for (const id of ['a', 'd']) leave.get(id)?.unsubscribe();
    names.length = 0;
    broadcast(fanout, '2');
    expect(names.sort()).toEqual(['b 2', 'c 2']);
    for (const id of ['b', 'c']) leave.get(id)?.unsubscribe();
    fanout.register('f', deliver).subscribe();
    names.length = 0;
    broadcast(fanout, '3');
    expect(names).toEqual(['3']);
    expect(fanout.stats()).toMatchObject({ activeSessions: 1, dropped: 0, discarded: 0, delivered: 7 });
  });

  it('keeps a session going whose scope was empty in between', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const { names, deliver } = keeper();
    const subscription = fanout
      .register('a', () => {
        subscription.unsubscribe();
        fanout.register('b', deliver).subscribe();
        return EMPTY;
      })
      .subscribe();
    broadcast(fanout, '1', '2');
    fanout.unregister('b');
    fanout.register('c', deliver).subscribe();
    broadcast(fanout, '3');
    expect(names).toEqual(['2', '3']);
  });

  it('grows no stack when every delivery broadcasts the next message', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const msg = definition('again');
    let delivered = 0;
    fanout
      .register('a', () => {
        if (++delivered < 100_000) fanout.broadcast(msg);
      })
      .subscribe();
    fanout.broadcast(msg);
    expect(delivered).toBe(100_000);
  });

  it('grows no stack when a hundred thousand frames wait', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const gate = new Subject<never>();
    let delivered = 0;
    fanout.register('a', () => (delivered++ === 0 ? gate : undefined), { capacity: Infinity }).subscribe();
    const msg = definition('a');
    for (let i = 0; i < 100_000; i++) fanout.broadcast(msg);
    gate.complete();
    expect(delivered).toBe(100_000);
  });

  it('shows every session consecutive sequences, whatever the deliveries do meanwhile', () => {
    const act = fc.constantFrom('nothing', 'broadcast', 'register', 'unregister', 'unsubscribe', 'replace');
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (acts, sessions) => {
        const fanout = new DefinitionSyncFanout({ logger: silent });
        const seen: number[][] = [];
        const wrong: string[] = [];
        const subscriptions: Subscription[] = [];
        let turn = 0;
        let ids = 0;
        const perform = () => {
          const what = acts[turn++];
          const id = String(turn % Math.max(ids, 1));
          if (what === 'broadcast') broadcast(fanout, 'more');
          if (what === 'register') register(String(ids++));
          if (what === 'replace') register(id);
          if (what === 'unregister') fanout.unregister(id);
          if (what === 'unsubscribe') subscriptions[turn % subscriptions.length]?.unsubscribe();
        };
        const register = (id: string) => {
          const sequences: number[] = [];
          seen.push(sequences);
          const deliver = (frame: DefinitionFrame) => {
            sequences.push(frame.sequence);
            perform();
            wrong.push(...imbalances(fanout));
          };
          subscriptions.push(fanout.register(id, deliver).subscribe());
        };
        for (let i = 0; i < sessions; i++) register(String(ids++));
        while (turn < acts.length) {
          broadcast(fanout, 'next');
          turn++;
        }
        expect(wrong).toEqual([]);
        for (const sequences of seen) {
          const [first = 0] = sequences;
          expect(sequences).toEqual(sequences.map((_, i) => first + i));
        }
      }),
    );
  });
});
