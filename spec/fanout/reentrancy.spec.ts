import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, DefinitionSyncFanout } from 'ddl-fanout';
import { definition, recordingLogger } from 'ddl-fanout/testing';
import { NEVER, Observable, Subject, type Subscription } from 'rxjs';
import { broadcast, eventsOf, expectBalance, keeper, silent, unhandledIn } from '../helpers/fanout.js';
import { alive } from '../helpers/garbage.js';
import { settle } from '../helpers/promises.js';
import type { FanoutEvent } from 'ddl-fanout';

// Made out here: an error keeps hold of all that is on the stack where it is made.
const over = new Error('over');

// Each of these tells a fault that was: somebody who is called changes what the caller is at.

describe('what a callback may do to its session', () => {
  it('ends it once, when all fail while its delivery, which has completed, is still being subscribed to', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const events = eventsOf(fanout);
    const deliver = () =>
      new Observable<never>((subscriber) => {
        // The teardown runs when the fan-out fails, and completes what was closed by then.
        subscriber.add(() => subscriber.complete());
        fanout.error(over);
        subscriber.complete();
      });
    fanout.register('a', deliver).subscribe();
    broadcast(fanout, 'f()');
    expect(events).toEqual(['registered a', 'ended a failed 1', '|']);
    expect(fanout.stats()).toMatchObject({ ending: 0, offered: 1, discarded: 1 });
  });

  it('tells its overflow before its end, when the log line of the overflow unsubscribes it', () => {
    const logger = recordingLogger(({ message }) => {
      if (message === 'sessions overflow') session.unsubscribe();
    });
    const fanout = new DefinitionSyncFanout({ capacity: 0, logger });
    const events = eventsOf(fanout);
    const session = fanout.register('a', () => NEVER).subscribe();
    broadcast(fanout, 'f()', 'g()');
    expect(events).toEqual(['registered a', 'overflow-began a', 'ended a unsubscribed 1']);
    expectBalance(fanout);
  });

  it('lets go of a session that is ended as its overflow is told', async () => {
    const fanout = new DefinitionSyncFanout({ capacity: 0, logger: silent });
    const refs: WeakRef<object>[] = [];
    const register = (): void => {
      const deliver = () => NEVER;
      refs.push(new WeakRef(deliver));
      fanout.register('a', deliver).subscribe();
    };
    fanout.events$.subscribe(({ type }) => {
      if (type === 'overflow-began') fanout.error(over);
    });
    register();
    broadcast(fanout, 'f()', 'g()');
    expect(await alive(refs)).toBe(0);
    expect(fanout.stats()).toMatchObject({ ending: 0, dropped: 1, discarded: 1 });
  });

  it('lets go of one that reads the log when it is unsubscribed while others still drain', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', capacity: 0, logger: silent });
    const refs: WeakRef<object>[] = [];
    const register = (id: string): Subscription => {
      const deliver = () => NEVER;
      refs.push(new WeakRef(deliver));
      return fanout.register(id, deliver).subscribe();
    };
    register('drains');
    const leaves = register('leaves');
    broadcast(fanout, 'f()', 'g()');
    fanout.complete();
    leaves.unsubscribe();
    expect(await alive(refs)).toBe(1);
    expect(fanout.stats()).toMatchObject({ ending: 1, inFlight: 1, waiting: 1, discarded: 2 });
  });

  it('gives it nothing of what a finalizer broadcasts that its subscriber added', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const { names, deliver } = keeper();
    const session = fanout.register('a', deliver).subscribe();
    session.add(() => broadcast(fanout, 'late'));
    broadcast(fanout, 'f()');
    session.unsubscribe();
    expect(names).toEqual(['f()']);
    expectBalance(fanout);
  });

  it('counts a frame once when it was made ready for it by whoever was told of its overflow', () => {
    const fanout = new DefinitionSyncFanout({ capacity: 1, overflow: 'drop-oldest', logger: silent });
    const deliveries: Subject<never>[] = [];
    const seen: unknown[] = [];
    const deliver = (): Subject<never> => {
      const delivery = new Subject<never>();
      deliveries.push(delivery);
      return delivery;
    };
    fanout.register('a', deliver).subscribe();
    fanout.events$.subscribe(({ type }) => {
      if (type !== 'overflow-began') return;
      for (const delivery of deliveries) delivery.complete();
      seen.push(fanout.session('a'));
    });
    broadcast(fanout, 'f()', 'g()', 'h()');
    expect(seen).toEqual([expect.objectContaining({ offered: 3, delivered: 2, dropped: 1, waiting: 0, inFlight: 0 })]);
    expectBalance(fanout);
  });

  it('ends it when a finalizer that its subscriber added throws', () => {
    unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const session = fanout.register('a', () => undefined).subscribe();
      session.add(() => {
        throw new Error('a finalizer');
      });
      expect(() => session.unsubscribe()).toThrow('a finalizer');
      expect(fanout.activeSessions).toBe(0);
    });
  });
});

describe('what `deliver` returns when it has ended its own session', () => {
  it('takes no frame from the others, though it throws when it is looked at', () => {
    const { names, deliver } = keeper();
    const get = (): never => {
      throw over;
    };
    const errors = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const subscription = fanout
        .register('a', () => {
          subscription.unsubscribe();
          return new Proxy({}, { get }) as Promise<never>;
        })
        .subscribe();
      fanout.register('b', deliver).subscribe();
      broadcast(fanout, 'f()', 'g()');
      expectBalance(fanout);
    });
    expect(names).toEqual(['f()', 'g()']);
    expect(errors).toEqual([over]);
  });
});

describe('a session that is replaced', () => {
  it('is closed when its successor is told of', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const old = fanout.receiver('a');
    broadcast(fanout, 'f()');
    const told: unknown[] = [];
    fanout.events$.subscribe(({ type }) => {
      if (type !== 'registered') return;
      told.push(old.closed);
      old.close();
      told.push(old.closed, old.waiting);
    });
    fanout.receiver('a');
    expect(told).toEqual([true, true, 1]);
    expect(old.tryReceive()?.msg.name).toBe('f()');
    expectBalance(fanout);
  });
});

describe('a session that catches up', () => {
  it('is not told to have caught up when the telling of its overflow made it fall behind again', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const inFlight: Subject<never>[] = [];
    const events = eventsOf(fanout);
    let states = 0;
    fanout.events$.subscribe(({ type }) => {
      if (type === 'overflow-ended' && states++ === 0) broadcast(fanout, 'x', 'y');
    });
    const deliver = () => {
      inFlight.push(new Subject());
      return inFlight[inFlight.length - 1];
    };
    fanout.register('a', deliver, { overflow: 'catch-up', capacity: 0 }).subscribe();
    broadcast(fanout, 'f()', 'g()');
    for (let i = 0; i < 4; i++) inFlight[i]?.complete();
    expect(events.slice(1)).toEqual([
      'overflow-began a',
      'overflow-ended a 0',
      'overflow-began a',
      'overflow-ended a 0',
      'caught-up a 4',
    ]);
  });
});

describe('a replaced session whose last frame is under way', () => {
  /** The first session replaces the second within a frame; the second's last delivery does as it is told. */
  function replaced(last: (fanout: DefinitionSyncFanout) => void): string[] {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const events = eventsOf(fanout);
    fanout.register('first', () => void fanout.register('second', () => undefined).subscribe()).subscribe();
    const deliver = (): void => last(fanout);
    fanout.register('second', deliver).subscribe();
    broadcast(fanout, 'f()');
    expectBalance(fanout);
    return events.slice(2);
  }

  it('tells of the new one before the last delivery can end it', () => {
    const told = ['registered second', 'ended second unregistered 0', 'ended second replaced 0'];
    expect(replaced((fanout) => void fanout.unregister('second'))).toEqual(told);
  });

  it('tells of the new one before the last delivery can end all', () => {
    const told = replaced((fanout) => fanout.error(over));
    expect(told[0]).toBe('registered second');
    expect(told.at(-1)).toBe('|');
    expect(told.filter((event) => event.startsWith('ended second'))).toHaveLength(2);
  });

  it('is offered nothing when the telling of the new one ends all: it is not ahead of the frame any more', () => {
    const fanout = new DefinitionSyncFanout({ capacity: 0, logger: silent });
    let armed = false;
    fanout.events$.subscribe(({ type }) => {
      if (armed && type === 'registered') fanout.error(over);
    });
    const replace = (): void => {
      armed = true;
      fanout.register('second', () => undefined).subscribe();
    };
    fanout.register('first', replace).subscribe();
    const receiver = fanout.receiver('second', { capacity: 1 });
    broadcast(fanout, 'f()');
    expect(receiver.tryReceive()).toBeUndefined();
    expect(receiver).toMatchObject({ closed: true, waiting: 0 });
    expect(fanout.stats()).toMatchObject({ offered: 1, discarded: 1, dropped: 0, waiting: 0 });
    expectBalance(fanout);
  });
});

describe('a busy session that the frame under way has not reached', () => {
  /** A session whose deliveries end by hand; `finish` ends as many, one after the other. */
  function handMade() {
    const names: string[] = [];
    let inFlight: Subject<never> | undefined;
    const deliver = ({ msg }: DefinitionFrame): Subject<never> => {
      names.push(msg.name);
      return (inFlight = new Subject());
    };
    const finish = (count: number): void => {
      for (let i = 0; i < count; i++) inFlight?.complete();
    };
    return { names, deliver, finish };
  }

  it('gets it as its last when it is replaced, also when it was full before', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, overflow: 'drop-oldest', capacity: 3 });
    const old = handMade();
    const next = handMade();
    fanout
      .register('first', ({ msg }) => {
        if (msg.name !== 'e') return;
        old.finish(2);
        fanout.register('busy', next.deliver).subscribe();
      })
      .subscribe();
    fanout.register('busy', old.deliver).subscribe();
    broadcast(fanout, 'a', 'b', 'c', 'd', 'e', 'f');
    old.finish(3);
    next.finish(1);
    expect([old.names, next.names]).toEqual([['a', 'b', 'c', 'd', 'e'], ['f']]);
    expect(fanout.stats()).toMatchObject({ dropped: 0, ending: 0, waiting: 0, inFlight: 0 });
    expectBalance(fanout);
  });

  it('gets it once when what waited for it is delivered meanwhile', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const busy = handMade();
    const receiver = fanout.receiver('receiver');
    const received: (string | undefined)[] = [];
    const waiting: unknown[] = [];
    fanout
      .register('first', ({ msg }) => {
        if (msg.name !== 'c') return;
        waiting.push(fanout.session('busy')?.waiting, receiver.waiting);
        busy.finish(2);
        for (let i = 0; i < 3; i++) received.push(receiver.tryReceive()?.msg.name);
      })
      .subscribe();
    fanout.register('busy', busy.deliver).subscribe();
    broadcast(fanout, 'a', 'b', 'c', 'd');
    received.push(receiver.tryReceive()?.msg.name, receiver.tryReceive()?.msg.name, receiver.tryReceive()?.msg.name);
    busy.finish(2);
    expect(waiting).toEqual([1, 3]);
    expect(busy.names).toEqual(['a', 'b', 'c', 'd']);
    expect(received).toEqual(['a', 'b', 'c', 'd', undefined, undefined]);
    expectBalance(fanout);
  });
});

describe('a receiver that catches up inside `tryReceive()`', () => {
  it('gives what commits meanwhile, each frame once', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    broadcast(fanout, 'a');
    const receiver = fanout.receiver('lite', { replay: true });
    fanout.events$.subscribe((event) => {
      if (event.type === 'caught-up' && event.sessionId === 'lite') broadcast(fanout, 'b', 'c');
    });
    const received: (string | undefined)[] = [];
    const tryOne = (): unknown => received.push(receiver.tryReceive()?.msg.name);
    // A turn is running while the other one is given its replay: who awaits a frame has to wait for its share.
    fanout
      .register(
        'other',
        ({ msg }) => {
          if (msg.name !== 'a') return;
          void receiver.receive().then((frame) => received.push(`awaited ${frame?.msg.name}`));
          tryOne();
        },
        { replay: true },
      )
      .subscribe();
    tryOne();
    broadcast(fanout, 'd');
    tryOne();
    tryOne();
    await settle();
    expect(received).toEqual(['b', 'c', 'd', undefined, 'awaited a']);
    expect(fanout.session('lite')).toMatchObject({ offered: 4, delivered: 4, waiting: 0 });
    expectBalance(fanout);
  });
});

describe('a receiver of capacity 0', () => {
  it('has overflowed until somebody asks for a frame', async () => {
    const fanout = new DefinitionSyncFanout({ capacity: 0, logger: silent });
    const events: FanoutEvent[] = [];
    fanout.events$.subscribe((event) => events.push(event));
    const receiver = fanout.receiver('a');
    broadcast(fanout, 'f()', 'g()');
    const received: Promise<DefinitionFrame | undefined> = receiver.receive();
    expect(events.at(-1)).toEqual({ type: 'overflow-ended', sessionId: 'a', lost: 2 });
    broadcast(fanout, 'h()');
    expect((await received)?.msg.name).toBe('h()');
    expectBalance(fanout);
  });
});

describe('a scope that its owner changes', () => {
  it('is the one that was handed in', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const scope = { tenantId: 1n, databaseId: 1n };
    const names: string[] = [];
    const session = fanout.register('a', ({ msg }) => void names.push(msg.name), { scope });
    scope.tenantId = 2n;
    session.subscribe();
    scope.tenantId = 3n;
    for (const tenantId of [1n, 2n, 3n]) {
      fanout.broadcast(definition(`f${tenantId}()`, { scope: { tenantId, databaseId: 1n } }));
    }
    expect(names).toEqual(['f1()']);
    expect(fanout.session('a')?.scope).toEqual({ tenantId: 1n, databaseId: 1n });
  });
});
