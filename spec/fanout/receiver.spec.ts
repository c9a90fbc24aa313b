import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, type DefinitionReceiver, DefinitionSyncFanout } from 'ddl-fanout';
import { broadcast, eventsOf, expectBalance, silent } from '../helpers/fanout.js';

function quietFanout(capacity = 256): DefinitionSyncFanout {
  return new DefinitionSyncFanout({ logger: silent, capacity });
}

/** The names of all frames that wait, taken one by one. */
function takeAll(receiver: DefinitionReceiver): string[] {
  const names: string[] = [];
  for (let frame = receiver.tryReceive(); frame !== undefined; frame = receiver.tryReceive())
    names.push(frame.msg.name);
  return names;
}

const name = (frame: DefinitionFrame | undefined) => frame?.msg.name;

describe('receiver', () => {
  it('is registered at the call', () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const receiver = fanout.receiver('lite');
    expect([fanout.activeSessions, events]).toEqual([1, ['registered lite']]);
    broadcast(fanout, 'a');
    expect(takeAll(receiver)).toEqual(['a']);
  });

  it.each([0, 1, 2, 3, 4, 5, 100, 256])('lets exactly %i frames wait', (capacity) => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite', { capacity });
    for (let i = 0; i < capacity + 3; i++) broadcast(fanout, String(i));
    expect(receiver.waiting).toBe(capacity);
    expect(fanout.framesDropped).toBe(3);
    expect(takeAll(receiver)).toEqual(Array.from({ length: capacity }, (_, i) => String(i)));
  });

  it('keeps the latest, under drop-oldest', () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite', { capacity: 2, overflow: 'drop-oldest' });
    broadcast(fanout, '1', '2', '3', '4', '5');
    expect(takeAll(receiver)).toEqual(['4', '5']);
    expect(fanout.framesDropped).toBe(3);
  });

  it('gives a frame to whoever has waited longest for one', async () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite', { capacity: 0 });
    const received = [receiver.receive(), receiver.receive(), receiver.receive()];
    broadcast(fanout, 'a', 'b', 'c', 'lost');
    expect((await Promise.all(received)).map(name)).toEqual(['a', 'b', 'c']);
    expect(fanout.stats()).toMatchObject({ delivered: 3, dropped: 1, waiting: 0, inFlight: 0 });
    expectBalance(fanout);
  });

  it.each([1, 3])(
    'gives frames in order and at one pace by `receive` and by `next`, when %i wait before',
    async (waiting) => {
      const fanout = quietFanout();
      const receiver = fanout.receiver('lite');
      const names = ['a', 'b', 'c'];
      broadcast(fanout, ...names.slice(0, waiting));
      const got: unknown[] = [];
      const given = [
        receiver.next().then(({ value }) => got.push(name(value as DefinitionFrame))),
        receiver.receive().then((frame) => got.push(name(frame))),
        receiver.next().then(({ value }) => got.push(name(value as DefinitionFrame))),
      ];
      broadcast(fanout, ...names.slice(waiting));
      await Promise.all(given);
      expect(got).toEqual(names);
    },
  );

  it('gives what waits before what comes', async () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite');
    broadcast(fanout, 'a', 'b');
    const received = [receiver.receive(), receiver.receive(), receiver.receive()];
    broadcast(fanout, 'c');
    expect((await Promise.all(received)).map(name)).toEqual(['a', 'b', 'c']);
  });

  it('tells by `waiting` what `tryReceive` could give, at any time', () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite', { capacity: 2 });
    const waiting = [receiver.waiting];
    broadcast(fanout, 'a');
    waiting.push(receiver.waiting);
    void receiver.receive();
    waiting.push(receiver.waiting);
    void receiver.receive();
    broadcast(fanout, 'b');
    waiting.push(receiver.waiting);
    broadcast(fanout, 'c', 'd', 'lost');
    waiting.push(receiver.waiting);
    receiver.close();
    waiting.push(receiver.waiting);
    expect(waiting).toEqual([0, 1, 0, 0, 2, 2]);
    expect(takeAll(receiver)).toEqual(['c', 'd']);
  });

  it('closes gracefully: what waits can still be received', async () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const receiver = fanout.receiver('lite');
    broadcast(fanout, 'a', 'b');
    receiver.close();
    receiver.close();
    broadcast(fanout, 'late');
    expect([receiver.closed, fanout.activeSessions, fanout.stats().ending]).toEqual([true, 0, 1]);
    expect(name(await receiver.receive())).toBe('a');
    expect(name(receiver.tryReceive())).toBe('b');
    expect(receiver.tryReceive()).toBeUndefined();
    expect(await receiver.receive()).toBeUndefined();
    expect(events).toEqual(['registered lite', 'ended lite unregistered 0']);
    expect(fanout.stats()).toMatchObject({ ending: 0, delivered: 2, discarded: 0 });
  });

  it.each<[string, (fanout: DefinitionSyncFanout, receiver: DefinitionReceiver) => unknown]>([
    ['it is closed', (_, receiver) => receiver.close()],
    ['it is unregistered', (fanout) => fanout.unregister('lite')],
    ['it is replaced', (fanout) => fanout.receiver('lite')],
    ['the fan-out completes', (fanout) => fanout.complete()],
    ['its iterator is left', (_, receiver) => receiver.return()],
  ])('gives undefined to all who await a frame when %s', async (_, end) => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite');
    const received = [receiver.receive(), receiver.receive()];
    end(fanout, receiver);
    expect(await Promise.all(received)).toEqual([undefined, undefined]);
    expect(receiver.closed).toBe(true);
    expect(await receiver.receive()).toBeUndefined();
  });

  it('ends at once, as an iterator does, by `return` with its value and by `throw` with its error', async () => {
    const fanout = quietFanout();
    const left = fanout.receiver('left');
    const thrownInto = fanout.receiver('thrown into');
    broadcast(fanout, 'a');
    expect(await left.return('why')).toEqual({ done: true, value: 'why' });
    const reset = new Error('reset');
    await expect(thrownInto.throw(reset)).rejects.toBe(reset);
    expect([left.closed, thrownInto.closed, fanout.stats().discarded]).toEqual([true, true, 2]);
    async function* all(receiver: DefinitionReceiver) {
      yield* receiver;
    }
    const outer = all(fanout.receiver('outer'));
    broadcast(fanout, 'b');
    await outer.next();
    await expect(outer.throw(reset)).rejects.toBe(reset);
    expect(fanout.activeSessions).toBe(0);
  });

  it('does not close the session that replaced it', () => {
    const fanout = quietFanout();
    const old = fanout.receiver('lite');
    const fresh = fanout.receiver('lite');
    old.close();
    void old.return();
    broadcast(fanout, 'a');
    expect([old.closed, fresh.closed]).toEqual([true, false]);
    expect([takeAll(old), takeAll(fresh)]).toEqual([[], ['a']]);
  });

  it('rejects once it has overflowed under error, now and later', async () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite', { capacity: 1, overflow: 'error' });
    broadcast(fanout, 'a', 'b');
    expect([receiver.closed, receiver.waiting, receiver.tryReceive()]).toEqual([true, 0, undefined]);
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'BUFFER_OVERFLOW' });
    await expect(receiver.next()).rejects.toMatchObject({ code: 'BUFFER_OVERFLOW' });
  });

  it('rejects all who await a frame when the fan-out errors', async () => {
    const over = new Error('over');
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite');
    const received = [receiver.receive(), receiver.receive()];
    fanout.error(over);
    expect(await Promise.allSettled(received)).toEqual(Array(2).fill({ status: 'rejected', reason: over }));
    await expect(receiver.receive()).rejects.toBe(over);
  });

  it('is an async iterator, which ends when it is closed and empty', async () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite');
    broadcast(fanout, 'a', 'b');
    const names: string[] = [];
    for await (const frame of receiver) {
      names.push(frame.msg.name);
      if (frame.msg.name === 'b') {
        broadcast(fanout, 'c');
        receiver.close();
      }
    }
    expect(names).toEqual(['a', 'b', 'c']);
    expect(await receiver.next()).toEqual({ done: true, value: undefined });
    expect(receiver[Symbol.asyncIterator]()).toBe(receiver);
  });

  it('discards what waits when a `for await` is left', async () => {
    const fanout = quietFanout();
    const events = eventsOf(fanout);
    const receiver = fanout.receiver('lite');
    broadcast(fanout, 'a', 'b', 'c');
    for await (const frame of receiver) {
      expect(name(frame)).toBe('a');
      break;
    }
    expect([receiver.closed, receiver.waiting, fanout.activeSessions]).toEqual([true, 0, 0]);
    expect(events).toEqual(['registered lite', 'ended lite unsubscribed 2']);
    expect(fanout.stats()).toMatchObject({ delivered: 1, discarded: 2 });
  });

  it('discards what still waits behind a close when a `for await` is left', async () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite');
    broadcast(fanout, 'a', 'b', 'c');
    receiver.close();
    for await (const frame of receiver) {
      expect(name(frame)).toBe('a');
      break;
    }
    expect(fanout.stats()).toMatchObject({ ending: 0, delivered: 1, discarded: 2 });
  });

  it('throws in a `for await` when the session fails', async () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite', { capacity: 1, overflow: 'error' });
    const drain = async () => {
      for await (const frame of receiver) broadcast(fanout, name(frame) ?? '', 'b');
    };
    broadcast(fanout, 'a');
    await expect(drain()).rejects.toMatchObject({ code: 'BUFFER_OVERFLOW' });
    expect(fanout.activeSessions).toBe(0);
  });

  it('lets whoever is told of its end use it', () => {
    const fanout = quietFanout();
    const receiver = fanout.receiver('lite', { capacity: 1 });
    const taken: unknown[] = [];
    fanout.events$.subscribe(({ type }) => {
      taken.push(type, receiver.waiting, name(receiver.tryReceive()));
      receiver.close();
    });
    broadcast(fanout, 'a', 'lost');
    expect(taken).toEqual(['overflow-began', 1, 'a', 'overflow-ended', 0, undefined, 'ended', 0, undefined]);
    expect(fanout.stats()).toMatchObject({ delivered: 1, dropped: 1, ending: 0 });
  });
});
