import { describe, expect, it, jest } from '@jest/globals';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { definition, FakeSocket, recordingLogger } from 'ddl-fanout/testing';
import { deliverTo, type WebSocketLike } from 'ddl-fanout/ws';
import { FakeUpgradedSocket } from '../helpers/fakeUpgradedSocket.js';
import { settle } from '../helpers/promises.js';
import type { Observable } from 'rxjs';
import type { DefinitionFrame } from 'ddl-fanout';

function frame(bytes = 10): DefinitionFrame {
  return { sequence: 1, msg: definition('f'), bytes: new Uint8Array(bytes) };
}

describe('deliverTo, given a WebSocket', () => {
  it('sends the very bytes of a frame', () => {
    const socket = new FakeSocket();
    const sent = frame();
    expect(deliverTo(socket)(sent)).toBeUndefined();
    expect(socket.sent[0]).toBe(sent.bytes);
  });

  it.each([
    ['has room', 0],
    ['is full', 1_000],
  ])('fails at once for what a socket that %s calls back within `send`', (_, bufferedAmount) => {
    const error = new Error('unsent');
    const send = (_data: Uint8Array, callback: (error?: Error) => void): void => callback(error);
    const deliver = deliverTo({ readyState: 1, bufferedAmount, send }, { highWaterMark: 1_000 });
    expect(() => deliver(frame())).toThrow(error);
  });

  it('fails at the next frame for what a socket with room calls back later', () => {
    let calledBack: (error?: Error) => void = () => undefined;
    const send = (_data: Uint8Array, callback: (error?: Error) => void): void => void (calledBack = callback);
    const deliver = deliverTo({ readyState: 1, bufferedAmount: 0, send });
    expect(deliver(frame())).toBeUndefined();
    calledBack();
    expect(deliver(frame())).toBeUndefined();
    const error = new Error('unsent');
    calledBack(error);
    expect(() => deliver(frame())).toThrow(error);
  });

  it('offers the network what is corked before it finds that there is no room', () => {
    // As a socket of `ws` counts: what is corked is buffered, however fast the network.
    let corks = 0;
    const beneath = {
      cork: () => {
        corks++;
      },
      uncork: () => {
        corks--;
        socket.bufferedAmount = 0;
      },
    };
    const socket = {
      readyState: 1,
      bufferedAmount: 0,
      _socket: beneath,
      send: (data: Uint8Array) => {
        socket.bufferedAmount += data.length;
      },
    };
    const deliver = deliverTo(socket, { highWaterMark: 100 });
    for (let i = 0; i < 1_000; i++) expect(deliver(frame(60))).toBeUndefined();
    expect(corks).toBeLessThanOrEqual(1);
  });

  it('fails when the socket is not open', () => {
    const socket: WebSocketLike = { readyState: 2, bufferedAmount: 0, send: () => undefined };
    expect(() => deliverTo(socket)(frame())).toThrow('not open');
  });

  it('waits from the high-water mark on until the network has taken the message', () => {
    let taken: (error?: Error) => void = () => undefined;
    const socket = {
      readyState: 1,
      bufferedAmount: 0,
      send: (_data: Uint8Array, callback: (error?: Error) => void) => (taken = callback),
    };
    const deliver = deliverTo(socket, { highWaterMark: 100 });
    socket.bufferedAmount = 99;
    expect(deliver(frame())).toBeUndefined();
    socket.bufferedAmount = 100;
    const seen: unknown[] = [];
    const waiting = deliver(frame()) as Observable<never>;
    waiting.subscribe({ error: (error: unknown) => seen.push(error), complete: () => seen.push('taken') });
    expect(seen).toEqual([]);
    taken();
    expect(seen).toEqual(['taken']);
  });

  it('fails when the network fails while it waits', () => {
    let taken: (error?: Error) => void = () => undefined;
    const socket = {
      readyState: 1,
      bufferedAmount: 100,
      send: (_data: Uint8Array, callback: (error?: Error) => void) => (taken = callback),
    };
    const waiting = deliverTo(socket, { highWaterMark: 100 })(frame()) as Observable<never>;
    const seen: unknown[] = [];
    waiting.subscribe({ error: (error: unknown) => seen.push(error) });
    taken(new Error('reset'));
    expect(seen).toEqual([new Error('reset')]);
  });

  it('looks now and then at a socket that calls nobody back', () => {
    jest.useFakeTimers();
    try {
      const socket = { readyState: 1, bufferedAmount: 100, send: () => undefined };
      const waiting = deliverTo(socket, { highWaterMark: 100 })(frame()) as ReturnType<
        DefinitionSyncFanout['register']
      >;
      const seen: unknown[] = [];
      waiting.subscribe({ complete: () => seen.push('taken') });
      jest.advanceTimersByTime(1_000);
      expect(seen).toEqual([]);
      socket.bufferedAmount = 0;
      jest.advanceTimersByTime(1_000);
      expect(seen).toEqual(['taken']);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('deliverTo, given the socket of an upgrade', () => {
  it('writes the frames of one turn at once, the same bytes for all', async () => {
    const fanout = new DefinitionSyncFanout();
    const sockets = [new FakeUpgradedSocket(false), new FakeUpgradedSocket(false)];
    for (const [index, socket] of sockets.entries()) fanout.register(String(index), deliverTo(socket)).subscribe();
    fanout.broadcast(definition('a'));
    fanout.broadcast(definition('b'));
    await settle();
    const [one, two] = sockets.map(({ writes }) => writes);
    expect(one).toHaveLength(1);
    expect(two?.[0]).toBe(one?.[0]);
  });

  it('lets frames wait in the fan-out while the socket is full', async () => {
    const fanout = new DefinitionSyncFanout({ capacity: 2, logger: recordingLogger() });
    const socket = new FakeUpgradedSocket();
    fanout.register('slow', deliverTo(socket, { highWaterMark: 1 })).subscribe();
    for (const name of ['a', 'b', 'c', 'd']) fanout.broadcast(definition(name));
    await settle();
    expect(fanout.session('slow')).toMatchObject({ delivered: 0, inFlight: 1, waiting: 2, dropped: 1 });
    for (let i = 0; i < 3; i++) {
      socket.drain();
      await settle();
    }
    expect(fanout.session('slow')).toMatchObject({ delivered: 3, waiting: 0 });
  });

  it('fails alone when the socket throws, and the others get what they take in the same turn', async () => {
    const fanout = new DefinitionSyncFanout({ logger: recordingLogger() });
    const sockets = [1, 2, 3].map(() => new FakeUpgradedSocket(false));
    const [before, broken, after] = sockets as [FakeUpgradedSocket, FakeUpgradedSocket, FakeUpgradedSocket];
    broken.write = () => {
      throw new Error('the socket is broken');
    };
    const errors: unknown[] = [];
    for (const [index, socket] of sockets.entries()) {
      fanout.register(String(index), deliverTo(socket)).subscribe({ error: (error: unknown) => errors.push(error) });
    }
    for (const name of ['a', 'b']) {
      fanout.broadcast(definition(name));
      await settle();
    }
    expect([before.writes.length, after.writes.length, errors]).toEqual([2, 2, [new Error('the socket is broken')]]);
    expect(fanout.activeSessions).toBe(2);
  });

  it('fails while it waits, when the socket throws', async () => {
    const fanout = new DefinitionSyncFanout({ logger: recordingLogger() });
    const socket = new FakeUpgradedSocket();
    socket.write = () => {
      throw new Error('the socket is broken');
    };
    const errors: unknown[] = [];
    const session$ = fanout.register('a', deliverTo(socket, { highWaterMark: 1 }));
    session$.subscribe({ error: (error: unknown) => errors.push(error) });
    fanout.broadcast(definition('a'));
    await settle();
    expect([errors, fanout.activeSessions]).toEqual([[new Error('the socket is broken')], 0]);
  });

  it('fails when the socket is gone', () => {
    const socket = new FakeUpgradedSocket();
    socket.writable = false;
    expect(() => deliverTo(socket)(frame())).toThrow('not open');
  });
});

describe('deliverTo', () => {
  it.each([0, -1, 1.5, NaN, null, '5'])(
    'throws BAD_OPTION at the call for a high-water mark of %p',
    (highWaterMark) => {
      expect(() => deliverTo(new FakeSocket(), { highWaterMark: highWaterMark as number })).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      );
    },
  );

  it.each([{}, null, undefined, 5, { send: 5 }])('throws BAD_OPTION for %p, which is no socket', (socket) => {
    expect(() => deliverTo(socket as unknown as WebSocketLike)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    );
  });
});
