import { describe, expect, it } from '@jest/globals';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import { deliverTo, type UpgradedSocketLike } from 'ddl-fanout/ws';
import { Outbox } from '../../lib/ws/outbox.js';
import { Opcode } from '../../lib/ws/webSocketFrame.js';
import { FakeUpgradedSocket } from '../helpers/fakeUpgradedSocket.js';
import { silent } from '../helpers/fanout.js';
import { settle } from '../helpers/promises.js';

const message = (byte: number, length = 1): Uint8Array => new Uint8Array(length).fill(byte);
const free = (): FakeUpgradedSocket => new FakeUpgradedSocket(false);

describe('Outbox', () => {
  it('writes what it took in one turn at once, each message a frame of its own', async () => {
    const socket = free();
    const outbox = new Outbox(socket, 1_000);
    for (const byte of [1, 2, 3]) expect(outbox.deliver(message(byte))).toBeUndefined();
    expect(socket.writes).toEqual([]);
    await settle();
    expect(socket.writes.map((data) => [...data])).toEqual([[0x82, 1, 1, 0x82, 1, 2, 0x82, 1, 3]]);
  });

  it('writes the very same bytes to all that took the same messages', async () => {
    const sockets = [free(), free(), free()];
    const shared = [message(1), message(2)];
    const outboxes = sockets.map((socket) => new Outbox(socket, 1_000));
    for (const each of shared) for (const outbox of outboxes) outbox.deliver(each);
    outboxes[2]?.deliver(message(3));
    await settle();
    const [one, two, more] = sockets.map(({ writes }) => writes[0]);
    expect(two).toBe(one);
    expect([...(more ?? [])]).toEqual([...(one ?? []), 0x82, 1, 3]);
  });

  it('keeps apart those that took the same messages in another order, or not all of them', async () => {
    const sockets = [free(), free(), free(), free()];
    const [a, b] = [message(1), message(2)];
    const taken = [[a, b], [b, a], [a], [a, b]];
    for (const [index, socket] of sockets.entries()) {
      const outbox = new Outbox(socket, 1_000);
      for (const each of taken[index] ?? []) outbox.deliver(each);
    }
    await settle();
    expect(sockets.map(({ writes }) => writes.map((data) => [...data].filter((byte) => byte < 0x80)))).toEqual([
      [[1, 1, 1, 2]],
      [[1, 2, 1, 1]],
      [[1, 1]],
      [[1, 1, 1, 2]],
    ]);
    expect(sockets[3]?.writes[0]).toBe(sockets[0]?.writes[0]);
  });

  it('keeps a message of its own between those that are shared', async () => {
    const socket = free();
    const outbox = new Outbox(socket, 1_000);
    outbox.deliver(message(1));
    outbox.send(message(2), Opcode.pong);
    outbox.deliver(message(3));
    await settle();
    expect(socket.writes.map((data) => [...data])).toEqual([[0x82, 1, 1, 0x8a, 1, 2, 0x82, 1, 3]]);
  });

  it('counts what the socket keeps beside small writes that wait behind others, until it is empty', async () => {
    const socket = new FakeUpgradedSocket();
    const outbox = new Outbox(socket, 10_000);
    let turns = 0;
    for (; outbox.ready; turns++) {
      outbox.send(message(1));
      await settle();
    }
    // 512 bytes for each but the first, and 3 of its own.
    expect(turns).toBe(21);
    expect(outbox.deliver(message(2))).toBeDefined();
    await settle();
    // All but one of them has left.
    socket.writableLength = 3;
    expect(outbox.queued).toBe(3 + 512);
    socket.drain();
    expect(outbox.queued).toBe(0);
    expect(outbox.deliver(message(3))).toBeUndefined();
  });

  it('is not ready from its high-water mark on until all has drained', async () => {
    const socket = new FakeUpgradedSocket();
    let ready = 0;
    const outbox = new Outbox(socket, 50);
    expect(outbox.deliver(message(1, 40))).toBeUndefined();
    const waiting = outbox.deliver(message(2, 40));
    outbox.whenReady(() => ready++);
    let completed = false;
    waiting?.subscribe({ complete: () => (completed = true) });
    await settle();
    expect([outbox.queued, outbox.ready, completed, ready]).toEqual([84, false, false, 0]);
    socket.drain();
    expect([outbox.queued, outbox.ready, completed, ready]).toEqual([0, true, true, 1]);
  });

  // It used to be called back once, by its own write, and then to wait for ever.
  it.each(['deliver', 'whenReady'])(
    'is ready in the end though somebody else fills the socket, for %s',
    async (way) => {
      const socket = new FakeUpgradedSocket();
      const outbox = new Outbox(socket, 50);
      let ready = 0;
      if (way === 'deliver') outbox.deliver(message(1, 60))?.subscribe({ complete: () => ready++ });
      else socket.write(message(1, 60));
      await settle();
      if (way === 'whenReady') outbox.whenReady(() => ready++);
      for (let i = 0; i < 3; i++) {
        socket.drain(() => socket.write(message(2, 60)));
        expect([ready, socket.awaited]).toEqual([0, 1]);
      }
      socket.drain();
      expect([ready, socket.awaited]).toEqual([1, 0]);
    },
  );

  it('does not ask a socket that is gone', async () => {
    const socket = new FakeUpgradedSocket();
    const outbox = new Outbox(socket, 50);
    outbox.deliver(message(1, 60))?.subscribe();
    await settle();
    socket.writable = false;
    socket.drain(() => (socket.writableLength = 60));
    expect(socket.awaited).toBe(0);
  });

  it('asks the socket to call back only when somebody must wait for it', async () => {
    const socket = new FakeUpgradedSocket();
    const outbox = new Outbox(socket, 50);
    outbox.deliver(message(1, 20));
    await settle();
    expect(socket.awaited).toBe(0);
    outbox.deliver(message(2, 30));
    await settle();
    expect(socket.awaited).toBe(1);
  });

  it('calls back at once when it is ready, and otherwise once for each who asks, however often', async () => {
    const socket = new FakeUpgradedSocket();
    const outbox = new Outbox(socket, 10);
    const called: string[] = [];
    const one = () => called.push('one');
    const other = () => called.push('other');
    outbox.whenReady(one);
    expect(called.splice(0)).toEqual(['one']);
    outbox.send(message(1, 20));
    for (const each of [one, other, one]) outbox.whenReady(each);
    await settle();
    expect(called).toEqual([]);
    socket.drain();
    expect(called).toEqual(['one', 'other']);
  });

  it('goes on with a delivery only when those who were called back leave it ready', async () => {
    const socket = new FakeUpgradedSocket();
    const outbox = new Outbox(socket, 10);
    let completed = false;
    outbox.deliver(message(1, 20))?.subscribe({ complete: () => (completed = true) });
    outbox.whenReady(() => outbox.send(message(2, 20)));
    await settle();
    socket.drain();
    await settle();
    expect([completed, socket.writes.length]).toEqual([false, 2]);
    socket.drain();
    expect(completed).toBe(true);
  });

  it('is ready again in the same turn when the operating system takes it all', async () => {
    const outbox = new Outbox(free(), 50);
    let completed = false;
    outbox.deliver(message(2, 60))?.subscribe({ complete: () => (completed = true) });
    await settle();
    expect(completed).toBe(true);
  });

  it('tells nobody who has unsubscribed', async () => {
    const socket = new FakeUpgradedSocket();
    const outbox = new Outbox(socket, 10);
    let completed = false;
    outbox
      .deliver(message(2, 60))
      ?.subscribe({ complete: () => (completed = true) })
      .unsubscribe();
    await settle();
    socket.drain();
    expect(completed).toBe(false);
  });

  it('writes nothing to a socket that is gone, nor when it is closed', async () => {
    const [gone, closed] = [free(), free()];
    gone.writable = false;
    new Outbox(gone, 10).send(message(1));
    const outbox = new Outbox(closed, 10);
    outbox.send(message(1));
    outbox.close();
    outbox.send(message(1));
    await settle();
    expect([gone.writes, closed.writes]).toEqual([[], []]);
  });

  it('takes what comes while it writes to the next turn', async () => {
    const socket = free();
    const outbox = new Outbox(socket, 4);
    const again = (): void => {
      outbox.deliver(message(9));
      if (socket.writes.length < 2) outbox.whenReady(again);
    };
    outbox.deliver(message(1, 2));
    outbox.whenReady(again);
    await settle();
    expect(socket.writes).toHaveLength(3);
  });

  it.each([0, 1])('keeps a session of capacity %i going that fills the socket with every frame', async (capacity) => {
    const socket = new FakeUpgradedSocket();
    const fanout = new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', capacity, logger: silent });
    fanout.register('lite', deliverTo(socket as UpgradedSocketLike, { highWaterMark: 1 })).subscribe();
    for (const name of ['a', 'b', 'c']) fanout.broadcast(definition(name));
    for (let i = 0; i < 4; i++) {
      await settle();
      socket.drain();
    }
    expect(fanout.session('lite')).toMatchObject({ state: 'live', delivered: 3, inFlight: 0 });
    expect(socket.writes).toHaveLength(3);
  });
});
