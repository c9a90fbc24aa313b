import { describe, expect, it } from '@jest/globals';
import { FakeSocket } from 'ddl-fanout/testing';

const bytes = (length: number) => new Uint8Array(length);

/** What a spec sees of a socket's events. */
function eventsOf(socket: FakeSocket): unknown[][] {
  const events: unknown[][] = [];
  for (const name of ['message', 'close', 'error']) {
    socket.on(name, (...args: unknown[]) =>
      events.push([name, ...args.map((a) => (Buffer.isBuffer(a) ? a.toString() : a))]),
    );
  }
  return events;
}

describe('FakeSocket', () => {
  it('keeps what is sent and calls back at once', () => {
    const socket = new FakeSocket();
    const data = bytes(3);
    const called: unknown[] = [];
    socket.send(data, (error) => called.push(error));
    socket.send('text', { binary: false }, (error) => called.push(error));
    expect(socket.sent[0]).toBe(data);
    expect(socket.sent).toEqual([data, 'text']);
    expect(called).toEqual([undefined, undefined]);
    expect(socket.bufferedAmount).toBe(0);
  });

  it('piles up bytes while stalled, and lets them go in order', () => {
    const socket = new FakeSocket({ stalled: true });
    const left: number[] = [];
    for (const length of [3, 4, 5]) socket.send(bytes(length), () => left.push(length));
    expect(socket.bufferedAmount).toBe(12);
    expect(socket.drain(2)).toBe(2);
    expect([left, socket.bufferedAmount]).toEqual([[3, 4], 5]);
    expect(socket.drain()).toBe(1);
    expect([left, socket.bufferedAmount]).toEqual([[3, 4, 5], 0]);
  });

  it('sends nothing more once it closes, and says so to the callback', () => {
    const socket = new FakeSocket();
    const events = eventsOf(socket);
    socket.close(1013, 'full');
    socket.close(1000);
    const errors: (Error | undefined)[] = [];
    socket.send(bytes(1), (error) => errors.push(error));
    expect(errors[0]).toBeInstanceOf(Error);
    expect(socket.sent).toEqual([]);
    expect(socket.closedWith).toEqual({ code: 1013, reason: 'full' });
    expect(events).toEqual([['close', 1013, 'full']]);
  });

  it('never gets its close answered while stalled, until it is terminated', () => {
    const socket = new FakeSocket({ stalled: true });
    const events = eventsOf(socket);
    const errors: (Error | undefined)[] = [];
    socket.send(bytes(1), (error) => errors.push(error));
    socket.close(1001);
    expect([socket.readyState, events]).toEqual([2, []]);
    socket.terminate();
    socket.terminate();
    expect([socket.readyState, events]).toEqual([3, [['close', 1006, '']]]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(Error);
  });

  it('throws on a send while it connects', () => {
    const socket = new FakeSocket();
    socket.readyState = 0;
    expect(() => {
      socket.send(bytes(1));
    }).toThrow('connecting');
  });

  it('tells what the other side sends, and that the connection broke', () => {
    const socket = new FakeSocket();
    const events = eventsOf(socket);
    const reset = new Error('reset');
    socket.receive(Uint8Array.of(97));
    socket.receive('b');
    socket.fail(reset);
    expect(events).toEqual([
      ['message', 'a', true],
      ['message', 'b', false],
      ['error', reset],
      ['close', 1006, ''],
    ]);
  });
});
