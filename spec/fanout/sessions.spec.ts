import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, DefinitionSyncFanout } from 'ddl-fanout';
import { definition, marbles } from 'ddl-fanout/testing';
import { map, NEVER, Observable, of, Subject, takeUntil } from 'rxjs';
import { broadcast, eventsOf, expectBalance, imbalances, keeper, nameOf, silent } from '../helpers/fanout.js';

const messages = { a: definition('a'), b: definition('b'), c: definition('c'), d: definition('d'), e: definition('e') };

/** A fan-out whose log is not what the spec is about. */
function quietFanout(): DefinitionSyncFanout {
  return new DefinitionSyncFanout({ logger: silent });
}

/** Deliveries that are finished by hand, oldest first. */
function steered() {
  const names: string[] = [];
  const running: Subject<never>[] = [];
  const deliver = (frame: DefinitionFrame) => {
    names.push(nameOf(frame));
    const inner = new Subject<never>();
    running.push(inner);
    return inner;
  };
  return { names, running, deliver, finish: () => running.at(-1)?.complete() };
}

describe('register (F3)', () => {
  it('does nothing until it is subscribed to', () => {
    const fanout = quietFanout();
    const { names, deliver } = keeper();
    const session$ = fanout.register('lite', deliver);
    broadcast(fanout, 'a');
    expect([fanout.activeSessions, fanout.sessionsRegistered, names]).toEqual([0, 0, []]);
    session$.subscribe();
    broadcast(fanout, 'b');
    expect([fanout.activeSessions, fanout.sessionsRegistered, names]).toEqual([1, 1, ['b']]);
  });

  it('registers while it is subscribed to, and unregisters at once when it is not', () => {
    marbles(({ hot, expectObservable }) => {
      const fanout = quietFanout();
      const source = hot('  -a-b-c-d-|', messages);
      const subs = '        --^---!   ';
      const expected = '    ---b-c-   ';
      expectObservable(
        fanout.register('lite', (frame) => of(nameOf(frame))),
        subs,
      ).toBe(expected);
      source.subscribe(fanout);
    });
  });

  it('discards what waits and what is in flight when it is unsubscribed', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const { names, running, deliver } = steered();
    const subscription = fanout.register('lite', deliver).subscribe();
    broadcast(fanout, 'a', 'b', 'c');
    subscription.unsubscribe();
    expect(running[0]?.observed).toBe(false);
    running[0]?.complete();
    broadcast(fanout, 'd');
    expect(names).toEqual(['a']);
    expect(fanout.stats()).toMatchObject({ activeSessions: 0, ending: 0, delivered: 0, discarded: 3, waiting: 0 });
    expect(events).toEqual(['registered lite', 'ended lite unsubscribed 3']);
  });

  it('ends once, however often it is unsubscribed', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const subscription = fanout.register('lite', () => undefined).subscribe();
    subscription.unsubscribe();
    subscription.unsubscribe();
    fanout.unregister('lite');
    expect(events).toEqual(['registered lite', 'ended lite unsubscribed 0']);
  });

  it('emits what the deliveries emit, in order, and completes when it is unregistered', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const fanout = quietFanout();
      const source = hot('  ab----------', messages);
      const end = hot('     --x---------');
      const expected = '    -a-ab-(b|)  ';
      const send = (frame: DefinitionFrame) => cold('-x-(x|)', { x: nameOf(frame) });
      expectObservable(fanout.register('lite', send)).toBe(expected);
      source.subscribe(fanout);
      end.subscribe(() => fanout.unregister('lite'));
    });
  });

  it('is a session of its own for every subscription', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const session$ = fanout.register('lite', () => undefined);
    const first = session$.subscribe();
    session$.subscribe();
    expect(events).toEqual(['registered lite', 'registered lite', 'ended lite replaced 0']);
    expect(first.closed).toBe(true);
    expect(fanout.activeSessions).toBe(1);
  });

  it('closes the subscription when the session ends, whoever ends it', () => {
    const fanout = quietFanout();
    const torn: string[] = [];
    const subscribe = (id: string, deliver: () => Observable<never> | undefined) => {
      const subscription = fanout.register(id, deliver).subscribe();
      subscription.add(() => torn.push(id));
      return subscription;
    };
    const gone = subscribe('gone', () => undefined);
    const failed = subscribe('failed', () => {
      throw new Error('reset');
    });
    const replaced = subscribe('replaced', () => undefined);
    const completed = subscribe('completed', () => undefined);
    fanout.unregister('gone');
    broadcast(fanout, 'a');
    fanout.register('replaced', () => undefined).subscribe();
    fanout.complete();
    expect([gone, failed, replaced, completed].map((subscription) => subscription.closed)).toEqual(Array(4).fill(true));
    expect(torn).toEqual(['gone', 'failed', 'replaced', 'completed']);
  });

  it('tells whoever subscribes, in every form that subscribe takes', () => {
    const fanout = quietFanout();
    const told: string[] = [];
    const fail = () => {
      throw new Error('reset');
    };
    const onError = (error: unknown) => void told.push(String(error));
    const onComplete = () => void told.push('|');
    fanout.register('observer', fail).subscribe({ error: onError });
    /* eslint-disable @typescript-eslint/no-deprecated, rxjs-x/prefer-observer -- RxJS 7 takes these forms */
    fanout.register('three', fail).subscribe(null, onError, onComplete);
    fanout.register('next and two', fail).subscribe(() => undefined, onError);
    fanout.register('ending', () => undefined).subscribe(undefined, undefined, onComplete);
    /* eslint-enable @typescript-eslint/no-deprecated, rxjs-x/prefer-observer */
    fanout.register('partial', () => undefined).subscribe({ complete: onComplete });
    broadcast(fanout, 'a');
    fanout.complete();
    expect(told).toEqual(['Error: reset', 'Error: reset', 'Error: reset', '|', '|']);
  });

  it('keeps `this` of an observer that is an object', () => {
    class Collector {
      readonly seen: string[] = [];
      next(value: string): void {
        this.seen.push(value);
      }
      complete(): void {
        this.seen.push('|');
      }
    }
    const fanout = quietFanout();
    const collector = new Collector();
    fanout.register('lite', (frame) => of(nameOf(frame))).subscribe(collector);
    broadcast(fanout, 'a');
    fanout.complete();
    expect(collector.seen).toEqual(['a', '|']);
  });

  it('composes with RxJS operators', () => {
    marbles(({ hot, expectObservable }) => {
      const fanout = quietFanout();
      const source = hot('  -a-b-c-d-|', messages);
      const stop = hot('    ----x     ');
      const expected = '    -a-b|     ';
      const session$ = fanout.register('lite', (frame) => of(frame));
      expectObservable(session$.pipe(map(nameOf), takeUntil(stop))).toBe(expected);
      source.subscribe(fanout);
    });
  });
});

describe('unregister (F3)', () => {
  it('delivers what waits, then completes', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const fanout = quietFanout();
      const source = hot('  abc--d-------', messages);
      const end = hot('     ---x---------');
      const expected = '    a---b---c---|';
      const send = (frame: DefinitionFrame) => cold('x---|', { x: nameOf(frame) });
      expectObservable(fanout.register('lite', send)).toBe(expected);
      source.subscribe(fanout);
      end.subscribe(() => fanout.unregister('lite'));
    });
  });

  it('says whether there was a session', () => {
    const fanout = quietFanout();
    expect(fanout.unregister('lite')).toBe(false);
    fanout.register('lite', () => undefined).subscribe();
    expect(fanout.unregister('lite')).toBe(true);
    expect(fanout.unregister('lite')).toBe(false);
  });

  it('frees the id at once, while the session still delivers', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const old = steered();
    const fresh = keeper();
    fanout.register('lite', old.deliver).subscribe();
    broadcast(fanout, 'a', 'b');
    fanout.unregister('lite');
    expect(fanout.session('lite')).toBeUndefined();
    expect(fanout.stats()).toMatchObject({ activeSessions: 0, ending: 1, waiting: 1, inFlight: 1 });
    fanout.register('lite', fresh.deliver).subscribe();
    broadcast(fanout, 'c');
    old.finish();
    old.finish();
    expect([old.names, fresh.names]).toEqual([['a', 'b'], ['c']]);
    expect(fanout.activeSessions).toBe(1);
    expect(events).toEqual(['registered lite', 'registered lite', 'ended lite unregistered 0']);
  });

  it('can be cut short by unsubscribing', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const { names, deliver, running } = steered();
    const subscription = fanout.register('lite', deliver).subscribe();
    broadcast(fanout, 'a', 'b');
    fanout.unregister('lite');
    subscription.unsubscribe();
    expect(running[0]?.observed).toBe(false);
    expect(names).toEqual(['a']);
    expect(events.at(-1)).toBe('ended lite unsubscribed 2');
    expect(fanout.stats()).toMatchObject({ ending: 0, discarded: 2 });
  });

  it('is possible inside the delivery, and lets that finish', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const inner = new Subject<never>();
    const names: string[] = [];
    const deliver = (frame: DefinitionFrame) => {
      names.push(nameOf(frame));
      fanout.unregister('lite');
      return inner;
    };
    fanout.register('lite', deliver).subscribe();
    broadcast(fanout, 'a', 'b');
    expect(events).toEqual(['registered lite']);
    inner.complete();
    expect(names).toEqual(['a']);
    expect(events.at(-1)).toBe('ended lite unregistered 0');
  });

  it('lets a delivery finish that an observer of overflow-ended caused, before the session ends', () => {
    // The session ended over the frame's head, and told that nothing was discarded.
    const fanout = quietFanout();
    const { names, deliver, finish } = steered();
    fanout.register('lite', deliver, { capacity: 0 }).subscribe();
    const events = eventsOf(fanout);
    fanout.events$.subscribe(({ type }) => {
      if (type !== 'overflow-ended') return;
      broadcast(fanout, 'c');
      fanout.unregister('lite');
    });
    broadcast(fanout, 'a', 'dropped');
    finish();
    expect(fanout.stats()).toMatchObject({ ending: 1, inFlight: 1, delivered: 1, dropped: 1 });
    finish();
    expect(names).toEqual(['a', 'c']);
    expect(events.at(-1)).toBe('ended lite unregistered 0');
    expect(fanout.stats()).toMatchObject({ ending: 0, delivered: 2, dropped: 1, discarded: 0 });
  });
});

describe('replacement (F4)', () => {
  it('gives the next frame to the new session, and what waits to the old one, which completes', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const fanout = quietFanout();
      const source = hot('    abc--d-e-----|  ', messages);
      const oldExpected = '   a---b---c---|   ';
      const freshSubs = '     ----^           ';
      const freshExpected = ' -----d---e---|  ';
      const send = (frame: DefinitionFrame) => cold('x---|', { x: nameOf(frame) });
      expectObservable(fanout.register('lite', send)).toBe(oldExpected);
      expectObservable(fanout.register('lite', send), freshSubs).toBe(freshExpected);
      source.subscribe(fanout);
    });
  });

  it('makes the frame under way the last of a session that it has not reached yet', () => {
    const fanout = quietFanout();
    const [old, fresh] = [keeper(), keeper()];
    const replacing = (frame: DefinitionFrame) => {
      if (nameOf(frame) === 'a') fanout.register('lite', fresh.deliver).subscribe();
    };
    fanout.register('first', replacing).subscribe();
    fanout.register('lite', old.deliver).subscribe();
    broadcast(fanout, 'a', 'b');
    expect([old.names, fresh.names]).toEqual([['a'], ['b']]);
    expectBalance(fanout);
  });

  it('makes the frame under way the last of a session that it has reached', () => {
    const fanout = quietFanout();
    const [old, fresh] = [keeper(), keeper()];
    fanout.register('lite', old.deliver).subscribe();
    const replacing = (frame: DefinitionFrame) => {
      if (nameOf(frame) === 'a') fanout.register('lite', fresh.deliver).subscribe();
    };
    fanout.register('last', replacing).subscribe();
    broadcast(fanout, 'a', 'b');
    expect([old.names, fresh.names]).toEqual([['a'], ['b']]);
  });

  it('lets a session replace itself inside its own delivery', () => {
    const fanout = quietFanout();
    const seen: string[] = [];
    const generation = (number: number) => (frame: DefinitionFrame) => {
      seen.push(`${number} ${nameOf(frame)}`);
      fanout.register('lite', generation(number + 1)).subscribe();
    };
    fanout.register('lite', generation(1)).subscribe();
    broadcast(fanout, 'a', 'b', 'c');
    expect(seen).toEqual(['1 a', '2 b', '3 c']);
    expect(fanout.stats()).toMatchObject({ activeSessions: 1, sessionsRegistered: 4, ending: 0, delivered: 3 });
  });

  it('gives the frame under way to none of those who are registered, and replaced, while it is', () => {
    // A session that was registered during a broadcast got that frame when it was replaced in the same broadcast.
    const fanout = quietFanout();
    const [old, middle, fresh] = [keeper(), keeper(), keeper()];
    const replacing = (frame: DefinitionFrame) => {
      if (nameOf(frame) !== 'a') return;
      fanout.register('lite', middle.deliver).subscribe();
      fanout.register('lite', fresh.deliver).subscribe();
      fanout.register('new', middle.deliver).subscribe();
      fanout.register('new', fresh.deliver).subscribe();
    };
    fanout.register('first', replacing).subscribe();
    fanout.register('lite', old.deliver).subscribe();
    broadcast(fanout, 'a', 'b');
    expect([old.names, middle.names, fresh.names]).toEqual([['a'], [], ['b', 'b']]);
    expectBalance(fanout);
  });

  it('gives frames that were broadcast re-entrantly before the replacement to the new session', () => {
    const fanout = quietFanout();
    const [old, fresh] = [keeper(), keeper()];
    const busy = (frame: DefinitionFrame) => {
      if (nameOf(frame) !== 'a') return;
      broadcast(fanout, 'b');
      fanout.register('lite', fresh.deliver).subscribe();
    };
    fanout.register('lite', old.deliver).subscribe();
    fanout.register('busy', busy).subscribe();
    broadcast(fanout, 'a');
    expect([old.names, fresh.names]).toEqual([['a'], ['b']]);
  });

  it('moves an id to another scope', () => {
    const fanout = quietFanout();
    const scope = { tenantId: 1n, databaseId: 1n };
    const [old, fresh] = [keeper(), keeper()];
    const replacing = (frame: DefinitionFrame) => {
      if (nameOf(frame) === 'a') fanout.register('lite', fresh.deliver, { scope }).subscribe();
    };
    fanout.register('first', replacing).subscribe();
    fanout.register('lite', old.deliver).subscribe();
    broadcast(fanout, 'a', 'b');
    fanout.broadcast(definition('scoped', { scope }));
    expect([old.names, fresh.names]).toEqual([['a'], ['scoped']]);
  });

  it('is not undone by the late teardown of the old subscription', () => {
    const fanout = quietFanout();
    const { names, deliver } = keeper();
    const old = fanout.register('lite', () => NEVER).subscribe();
    broadcast(fanout, 'a');
    fanout.register('lite', deliver).subscribe();
    old.unsubscribe();
    broadcast(fanout, 'b');
    expect(fanout.activeSessions).toBe(1);
    expect(names).toEqual(['b']);
  });

  it('keeps a session whose delivery never ends in `ending`, until it is unsubscribed', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const subscriptions = ['1', '2'].map(() => fanout.register('lite', () => NEVER).subscribe());
    broadcast(fanout, 'a');
    fanout.register('lite', () => undefined).subscribe();
    expect(fanout.stats()).toMatchObject({ activeSessions: 1, ending: 1, inFlight: 1 });
    subscriptions.forEach((subscription) => subscription.unsubscribe());
    expect(fanout.stats()).toMatchObject({ activeSessions: 1, ending: 0, inFlight: 0, discarded: 1 });
    expect(events).toEqual([
      'registered lite',
      'registered lite',
      'ended lite replaced 0',
      'registered lite',
      'ended lite unsubscribed 1',
    ]);
  });

  it('has the new session in place before anybody is told, and before the old one ends', () => {
    const fanout = quietFanout();
    const { names, deliver } = keeper();
    fanout.register('lite', () => undefined).subscribe();
    const wrong: string[] = [];
    const active: number[] = [];
    fanout.events$.subscribe(({ type }) => {
      broadcast(fanout, type);
      wrong.push(...imbalances(fanout));
      active.push(fanout.activeSessions);
    });
    fanout.register('lite', deliver).subscribe();
    expect(names).toEqual(['registered', 'ended']);
    expect([active, wrong]).toEqual([[1, 1], []]);
  });
});
