import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { finalize, NEVER, Observable, Subject, type Subscriber, Subscription } from 'rxjs';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { definition, marbles } from 'ddl-fanout/testing';
import { Delivery } from '../../lib/delivery.js';
import { Following } from '../../lib/following.js';
import { LogReader } from '../../lib/fanout/logReader.js';
import { Session } from '../../lib/fanout/session.js';
import { Ring } from '../../lib/ring.js';
import { Row } from '../../lib/row.js';
import { broadcast, expectBalance, silent } from '../helpers/fanout.js';
import { settle } from '../helpers/promises.js';
import { commit } from '../helpers/byHand.js';
import { buffersMadeBy } from '../helpers/buffers.js';
import { alive } from '../helpers/garbage.js';
import type { DefinitionFrame, DefinitionSyncMsg } from 'ddl-fanout';

// Counts that no machine changes: how often something is done or made, never how long it takes.

const SIZES = [0, 1, 10, 1_000];

/** Counts the rings that a value is pushed into while `work` runs, the hub's own included. */
function ringsUsedBy(work: () => void): number {
  const push = jest.spyOn(Ring.prototype, 'push');
  work();
  const used = new Set(push.mock.contexts).size;
  push.mockRestore();
  return used;
}

/** Weak references to every frame that is broadcast. */
function framesOf(fanout: DefinitionSyncFanout): WeakRef<DefinitionFrame>[] {
  const frames: WeakRef<DefinitionFrame>[] = [];
  fanout.frames$.subscribe((frame) => frames.push(new WeakRef(frame)));
  return frames;
}

/** A message whose payload counts its readers: only encoding reads it. */
function counted(name: string) {
  let reads = 0;
  const { payload, ...rest } = definition(name);
  const msg = Object.defineProperty(rest, 'payload', {
    enumerable: true,
    get() {
      reads++;
      return payload;
    },
  }) as DefinitionSyncMsg;
  return { msg, reads: () => reads };
}

function registerMany(fanout: DefinitionSyncFanout, sessions: number, deliver: (frame: DefinitionFrame) => void): void {
  for (let i = 0; i < sessions; i++) fanout.register(`session-${i}`, deliver).subscribe();
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the work of a broadcast', () => {
  it.each(SIZES)('encodes a message once for %d sessions', (sessions) => {
    const fanout = new DefinitionSyncFanout();
    registerMany(fanout, sessions, () => undefined);
    const { msg, reads } = counted('f()');
    fanout.broadcast(msg);
    expect(reads()).toBe(1);
  });

  it.each(SIZES)('makes one buffer a frame for %d sessions, and hands that very one to each', (sessions) => {
    const fanout = new DefinitionSyncFanout();
    const given = new Set<Uint8Array>();
    registerMany(fanout, sessions, ({ bytes }) => void given.add(bytes));
    const made = buffersMadeBy(() => {
      for (let i = 0; i < 5; i++) fanout.broadcast(definition(`f${i}()`));
    });
    expect(made).toHaveLength(5);
    expect(given.size).toBe(sessions === 0 ? 0 : 5);
  });

  it('offers a frame to the sessions of its scope alone', () => {
    const fanout = new DefinitionSyncFanout();
    const deliver = jest.fn((): typeof NEVER => NEVER);
    for (let i = 0; i < 100; i++) {
      const scope = { tenantId: BigInt(i % 10), databaseId: 1n };
      fanout.register(`session-${i}`, deliver, { scope, capacity: 0, overflow: 'drop-oldest' }).subscribe();
    }
    const offer = jest.spyOn(Delivery.prototype, 'offer');
    const msg = { ...definition('f()'), scope: { tenantId: 3n, databaseId: 1n } };
    fanout.broadcast(msg);
    expect(deliver).toHaveBeenCalledTimes(10);
    fanout.broadcast(msg);
    expect(offer).toHaveBeenCalledTimes(10);
    expect(deliver).toHaveBeenCalledTimes(10);
  });

  it('lets frames wait for sessions that are busy, and looks at each once it is full', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, capacity: 3, overflow: 'drop-oldest' });
    for (let i = 0; i < 100; i++) {
      fanout.register(`busy-${i}`, () => NEVER).subscribe();
      fanout.receiver(`idle-${i}`);
    }
    const offer = jest.spyOn(Delivery.prototype, 'offer');
    broadcast(fanout, 'a', 'b', 'c');
    expect(offer).not.toHaveBeenCalled();
    for (const { sessionId, waiting, inFlight, offered } of fanout.sessions()) {
      const first = sessionId.startsWith('busy') ? 1 : 0;
      expect({ waiting, inFlight, offered }).toEqual({ waiting: 3 - first, inFlight: first, offered: 3 });
    }
    broadcast(fanout, 'd');
    expect(offer).toHaveBeenCalledTimes(100);
    broadcast(fanout, 'e');
    expect(offer).toHaveBeenCalledTimes(300);
    for (const { sessionId, waiting, dropped } of fanout.sessions()) {
      expect({ waiting, dropped }).toEqual({ waiting: 3, dropped: sessionId.startsWith('busy') ? 1 : 2 });
    }
    expectBalance(fanout);
  });

  it('looks at a session again for one frame when it has a place again', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const receiver = fanout.receiver('lite', { capacity: 2, overflow: 'drop-oldest' });
    const offer = jest.spyOn(Delivery.prototype, 'offer');
    broadcast(fanout, 'a', 'b', 'c');
    expect(offer).toHaveBeenCalledTimes(1);
    expect([receiver.tryReceive(), receiver.tryReceive()].map((frame) => frame?.msg.name)).toEqual(['b', 'c']);
    broadcast(fanout, 'd', 'e');
    expect(offer).toHaveBeenCalledTimes(2);
    expect([receiver.tryReceive(), receiver.tryReceive()].map((frame) => frame?.msg.name)).toEqual(['d', 'e']);
    expect(receiver.tryReceive()).toBeUndefined();
  });

  it('counts anew when a session that had a place again has taken all', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const deliveries: Subject<never>[] = [];
    const names: string[] = [];
    const deliver = ({ msg }: DefinitionFrame): Subject<never> => {
      const delivery = new Subject<never>();
      names.push(msg.name);
      deliveries.push(delivery);
      return delivery;
    };
    const finish = (count: number): void => {
      for (let i = 0; i < count; i++) deliveries[deliveries.length - 1]?.complete();
    };
    fanout.register('lite', deliver, { capacity: 2, overflow: 'drop-oldest' }).subscribe();
    broadcast(fanout, 'a', 'b', 'c', 'd');
    finish(2);
    broadcast(fanout, 'e');
    finish(2);
    expect(fanout.session('lite')).toMatchObject({ delivered: 4, dropped: 1, waiting: 0, inFlight: 0 });
    broadcast(fanout, 'f', 'g');
    expect(fanout.session('lite')).toMatchObject({ delivered: 4, dropped: 1, waiting: 1, inFlight: 1 });
    finish(2);
    expect(names).toEqual(['a', 'c', 'd', 'e', 'f', 'g']);
    expectBalance(fanout);
  });

  it('calls the delivery functions of the sessions that are ready, and looks at no session', () => {
    const fanout = new DefinitionSyncFanout();
    let frames = 0;
    registerMany(fanout, 100, () => {
      frames++;
    });
    const offer = jest.spyOn(Delivery.prototype, 'offer');
    const returned = jest.spyOn(Session.prototype, 'returned');
    broadcast(fanout, 'a', 'b', 'c');
    expect(frames).toBe(300);
    expect(offer).not.toHaveBeenCalled();
    expect(returned).not.toHaveBeenCalled();
    for (const session of fanout.sessions()) expect(session).toMatchObject({ offered: 3, delivered: 3, inFlight: 0 });
    expectBalance(fanout);
  });

  it('looks for whoever needs a delete among the sessions that are not ready, and at no other', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', capacity: 0, logger: silent });
    registerMany(fanout, 100, () => undefined);
    fanout.register('stalls', () => NEVER).subscribe();
    const cursor = jest.spyOn(Session.prototype, 'cursor', 'get');
    broadcast(fanout, 'a', 'b');
    commit(fanout, '-a', '-b', '-c');
    expect(new Set((cursor.mock.contexts as Session[]).map(({ id }) => id))).toEqual(new Set(['stalls']));
  });

  it('grows no queue and subscribes to nothing for deliveries that are done at once', () => {
    const fanout = new DefinitionSyncFanout();
    registerMany(fanout, 100, () => undefined);
    const push = jest.spyOn(Ring.prototype, 'push');
    const subscribe = jest.spyOn(Observable.prototype, 'subscribe');
    for (let i = 0; i < 5; i++) fanout.broadcast(definition(`f${i}()`));
    // The hub's own: a frame passes its row of pending ones.
    expect(push).toHaveBeenCalledTimes(5);
    expect(subscribe).not.toHaveBeenCalled();
  });
});

describe('whoever comes and goes', () => {
  const scope = { tenantId: 7n, databaseId: 1n };

  // What a Map or a Set has deleted it keeps for a while, and walks over whenever the same key comes again.
  it.each<[string, (fanout: DefinitionSyncFanout) => () => void]>([
    [
      'the one session of an id',
      (fanout) => () =>
        fanout
          .register('x', () => undefined)
          .subscribe()
          .unsubscribe(),
    ],
    [
      'the one session of a scope',
      (fanout) => () =>
        fanout
          .register('x', () => undefined, { scope })
          .subscribe()
          .unsubscribe(),
    ],
    [
      'a session that is full, and has room again',
      (fanout) => {
        const inFlight: Subscriber<never>[] = [];
        const delivery = new Observable<never>((subscriber) => void inFlight.push(subscriber));
        fanout.register('x', () => delivery, { capacity: 0 }).subscribe();
        return () => {
          broadcast(fanout, 'taken', 'dropped');
          inFlight.pop()?.complete();
        };
      },
    ],
    [
      'a session that is behind, and catches up',
      (fanout) => {
        const receiver = fanout.receiver('x', { capacity: 0, overflow: 'catch-up' });
        return () => {
          broadcast(fanout, 'a', 'b');
          while (receiver.tryReceive() !== undefined);
        };
      },
    ],
  ])('is taken out of no Map and no Set: %s', (_, begin) => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    fanout.register('stays', () => undefined).subscribe();
    const comeAndGo = begin(fanout);
    const deletions = [jest.spyOn(Map.prototype, 'delete'), jest.spyOn(Set.prototype, 'delete')];
    for (let i = 0; i < 5; i++) comeAndGo();
    expect(deletions.flatMap(({ mock }) => mock.results).filter(({ value }) => value === true)).toEqual([]);
    expect(fanout.sessionsRegistered).toBeGreaterThan(1);
  });
});

describe('a session behind an operator', () => {
  it('takes the subscription that it is given, and is the teardown itself', () => {
    const fanout = new DefinitionSyncFanout();
    const subscribe = jest.spyOn(Observable.prototype, 'subscribe');
    const add = jest.spyOn(Subscription.prototype, 'add');
    const left = jest.fn();
    const subscription = fanout
      .register('x', () => undefined)
      .pipe(finalize(left))
      .subscribe();
    expect(subscribe).toHaveBeenCalledTimes(1);
    expect(add.mock.calls.map(([teardown]) => teardown).filter((teardown) => typeof teardown === 'function')).toEqual([
      left,
    ]);
    subscription.unsubscribe();
    expect(left).toHaveBeenCalledTimes(1);
    expect(fanout.activeSessions).toBe(0);
  });
});

describe('the work of a delivery in flight', () => {
  it('is one subscription, to the very Observable that was returned, and one object', () => {
    const fanout = new DefinitionSyncFanout();
    const given: unknown[] = [];
    const delivery = new Observable<never>((subscriber) => void given.push(subscriber));
    for (let i = 0; i < 100; i++) fanout.register(`session-${i}`, () => delivery).subscribe();
    const subscribe = jest.spyOn(Observable.prototype, 'subscribe');
    broadcast(fanout, 'f');
    expect(subscribe).toHaveBeenCalledTimes(100);
    expect(new Set(subscribe.mock.contexts)).toEqual(new Set([delivery]));
    expect(new Set(given).size).toBe(100);
    expect(given).toEqual(subscribe.mock.calls.map(([observer]) => observer));
    expect(given.every((subscriber) => subscriber instanceof Following)).toBe(true);
  });

  it('is one `then` of the promise that was returned, and no subscription', async () => {
    const fanout = new DefinitionSyncFanout();
    const promises: Promise<string>[] = [];
    const deliver = (): Promise<string> => {
      const promise = Promise.resolve('sent');
      promises.push(promise);
      return promise;
    };
    const got: string[] = [];
    for (let i = 0; i < 100; i++) fanout.register(`session-${i}`, deliver).subscribe((value) => got.push(value));
    const subscribe = jest.spyOn(Observable.prototype, 'subscribe');
    const then = jest.spyOn(Promise.prototype, 'then');
    broadcast(fanout, 'f');
    expect(then.mock.contexts).toEqual(promises);
    then.mockRestore();
    await settle();
    expect(subscribe).not.toHaveBeenCalled();
    expect(got).toEqual(Array(100).fill('sent'));
    expect(fanout.stats()).toMatchObject({ delivered: 100, inFlight: 0 });
  });
});

describe('what a session holds', () => {
  it('shares what waits with the others of its scope: no queue for each, and nothing kept that all have taken', async () => {
    const fanout = new DefinitionSyncFanout();
    const receivers = Array.from({ length: 100 }, (_, i) => fanout.receiver(`receiver-${i}`));
    const frames = framesOf(fanout);
    expect(ringsUsedBy(() => broadcast(fanout, 'a', 'b', 'c'))).toBe(1);
    for (const receiver of receivers) receiver.tryReceive();
    expect(await alive(frames)).toBe(2);
    for (const receiver of receivers) expect(receiver.tryReceive()?.msg.name).toBe('b');
    for (const receiver of receivers) expect(receiver.tryReceive()?.msg.name).toBe('c');
    expect(await alive(frames)).toBe(0);
  });

  it('keeps nothing of what it gives to those who await it', async () => {
    const fanout = new DefinitionSyncFanout();
    const receiver = fanout.receiver('lite');
    const other = fanout.receiver('other');
    const frames = framesOf(fanout);
    const names: unknown[] = [];
    const awaitOne = (): void => void receiver.receive().then((frame) => names.push(frame?.msg.name));
    for (let i = 0; i < 4; i++) awaitOne();
    broadcast(fanout, 'a', 'b', 'c');
    await settle();
    expect(names).toEqual(['a', 'b', 'c']);
    expect(await alive(frames)).toBe(3);
    while (other.tryReceive() !== undefined);
    expect(await alive(frames)).toBe(0);
  });

  // A place that is garbage, but old, would keep all that comes after it until the next full collection.
  it('lines frames up for those who wait for them, and for nobody else', () => {
    const fanout = new DefinitionSyncFanout();
    const open = new Subject<void>();
    fanout.register('busy', () => open).subscribe();
    registerMany(fanout, 10, () => undefined);
    const passed = jest.spyOn(Row.prototype, 'passed');
    broadcast(fanout, 'a', 'b');
    open.complete();
    broadcast(fanout, 'c');
    expect(passed.mock.calls).toEqual([[false], [true], [false]]);
  });

  it('has a queue of its own once it has dropped a frame, so that it keeps none of those that it has not waiting', async () => {
    const fanout = new DefinitionSyncFanout({ capacity: 2, logger: silent });
    fanout.register('stalled', () => NEVER).subscribe();
    const receiver = fanout.receiver('slow');
    const frames = framesOf(fanout);
    for (let i = 0; i < 100; i++) broadcast(fanout, `f${i}`);
    // What waits for either; the first, in flight, is nobody's any more.
    expect(await alive(frames)).toBe(3);
    expect([receiver.tryReceive(), receiver.tryReceive()].map((frame) => frame?.msg.name)).toEqual(['f0', 'f1']);
    expect(receiver.tryReceive()).toBeUndefined();
    broadcast(fanout, 'again');
    expect(receiver.tryReceive()?.msg.name).toBe('again');
  });

  it('keeps nothing that is broadcast after it was unregistered', async () => {
    const fanout = new DefinitionSyncFanout();
    fanout.register('stalled', () => NEVER).subscribe();
    fanout.register('live', () => undefined).subscribe();
    const frames = framesOf(fanout);
    broadcast(fanout, 'in flight', 'waits');
    fanout.unregister('stalled');
    for (let i = 0; i < 100; i++) broadcast(fanout, `f${i}`);
    expect(await alive(frames)).toBe(1);
    expect(fanout.stats()).toMatchObject({ ending: 1, waiting: 1 });
  });

  it('is not visited while it is full and drops what arrives, and yet counted at every frame', () => {
    const fanout = new DefinitionSyncFanout({ capacity: 1, logger: silent });
    const ends: (() => void)[] = [];
    const inFlight = new Observable<never>((subscriber) => void ends.push(() => subscriber.complete()));
    for (let i = 0; i < 100; i++) fanout.register(`session-${i}`, () => inFlight).subscribe();
    broadcast(fanout, 'in flight', 'waits', 'dropped');
    const offer = jest.spyOn(Delivery.prototype, 'offer');
    for (let i = 1; i <= 5; i++) {
      broadcast(fanout, `dropped ${i}`);
      expect(fanout.framesDropped).toBe(100 * (i + 1));
      expect(fanout.session('session-7')).toMatchObject({ offered: i + 3, dropped: i + 1 });
    }
    expect(offer).not.toHaveBeenCalled();
    for (const end of ends.splice(0, 10)) end();
    broadcast(fanout, 'has a place in ten');
    expect(offer).toHaveBeenCalledTimes(10);
    expect(fanout.framesDropped).toBe(690);
    expectBalance(fanout);
  });

  it('holds one reader while it is behind, and the log one frame a definition, whatever is committed', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', capacity: 2, logger: silent });
    registerMany(fanout, 50, () => NEVER);
    const frames = framesOf(fanout);
    const offered = jest.spyOn(LogReader.prototype, 'offered');
    for (let i = 0; i < 500; i++) fanout.broadcast(definition(`f${i % 10}()`));
    expect(new Set(offered.mock.contexts).size).toBe(50);
    expect(await alive(frames)).toBe(10);
    expect(fanout.stats().dropped).toBe(0);
  });
});

describe('the work of a replay', () => {
  it('encodes nothing and makes no buffer for any number of sessions', () => {
    marbles(({ flush }) => {
      const fanout = new DefinitionSyncFanout({ catalog: true });
      const messages = Array.from({ length: 20 }, (_, i) => counted(`f${i}()`));
      for (const { msg } of messages) fanout.broadcast(msg);
      const given = new Set<Uint8Array>();
      let frames = 0;
      const made = buffersMadeBy(() => {
        for (let i = 0; i < 40; i++) {
          const deliver = ({ bytes }: DefinitionFrame): void => {
            frames++;
            given.add(bytes);
          };
          fanout.register(`session-${i}`, deliver, { replay: true }).subscribe();
        }
        flush();
      });
      expect(frames).toBe(800);
      expect(given.size).toBe(20);
      expect(made).toHaveLength(0);
      expect(messages.map(({ reads }) => reads())).toEqual(messages.map(() => 1));
    });
  });
});
