import { describe, expect, it } from '@jest/globals';
import {
  decodeDefinitionSync,
  type DefinitionFrame,
  DefinitionSyncFanout,
  type DefinitionSyncMsg,
  encodeDefinitionSync,
  FanoutError,
} from 'ddl-fanout';
import { definition, marbles, recordingLogger } from 'ddl-fanout/testing';
import { map, of, Subscription } from 'rxjs';
import { broadcast, eventsOf, keeper, nameOf, silent, unencodable, unhandledIn } from '../helpers/fanout.js';

/** A message that counts how often it is read, which is how often it is encoded. */
function readCounting(name: string): { readonly msg: DefinitionSyncMsg; readonly reads: () => number } {
  let reads = 0;
  const plain = definition(name);
  const msg = Object.defineProperty({ ...plain }, 'payload', {
    get: () => {
      reads++;
      return plain.payload;
    },
  });
  return { msg, reads: () => reads };
}

describe('DefinitionSyncFanout', () => {
  it('register and receive', async () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const receiver = fanout.receiver('lite-1');
    const msg = definition('f');
    fanout.broadcast(msg);
    const frame = await receiver.receive();
    expect(frame).toEqual({ sequence: 1, msg, bytes: encodeDefinitionSync(msg) });
    expect(frame && decodeDefinitionSync(frame.bytes)).toEqual(msg);
    expect(fanout.activeSessions).toBe(1);
  });

  it('unregister closes the receiver after what was waiting', async () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const receiver = fanout.receiver('lite-1');
    broadcast(fanout, 'a', 'b');
    expect(fanout.unregister('lite-1')).toBe(true);
    broadcast(fanout, 'late');
    expect(receiver.closed).toBe(true);
    expect(receiver.waiting).toBe(2);
    expect((await receiver.receive())?.msg.name).toBe('a');
    expect((await receiver.receive())?.msg.name).toBe('b');
    expect(await receiver.receive()).toBeUndefined();
    expect(fanout.activeSessions).toBe(0);
  });

  it('a broadcast without sessions is harmless and drops nothing', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    fanout.broadcast(definition('f'));
    expect(fanout.framesDropped).toBe(0);
    expect(fanout.stats()).toMatchObject({ broadcast: 1, offered: 0, delivered: 0, dropped: 0, discarded: 0 });
  });

  it('two sessions get the same encoded bytes', async () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const [one, two] = [fanout.receiver('lite-1'), fanout.receiver('lite-2')];
    fanout.broadcast(definition('f'));
    const [first, second] = [await one.receive(), await two.receive()];
    expect(first?.bytes).toBeInstanceOf(Uint8Array);
    expect(second?.bytes).toBe(first?.bytes);
  });

  it('carries messages to sessions and to `frames$`', () => {
    marbles(({ hot, expectObservable }) => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const msgs = { a: definition('a'), b: definition('b') };
      const source = hot('  -a-b-|', msgs);
      const expected = '    -a-b-|';
      expectObservable(fanout.frames$.pipe(map(nameOf))).toBe(expected);
      expectObservable(fanout.register('lite-1', (frame) => of(nameOf(frame)))).toBe(expected);
      source.subscribe(fanout);
    });
  });

  describe('encoding once (F1)', () => {
    it.each([0, 1, 2, 50])('encodes a message once for %i sessions', (sessions) => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const bytes = new Set<Uint8Array>();
      for (let i = 0; i < sessions; i++) fanout.register(String(i), (frame) => void bytes.add(frame.bytes)).subscribe();
      fanout.frames$.subscribe((frame) => bytes.add(frame.bytes));
      const { msg, reads } = readCounting('a');
      fanout.broadcast(msg);
      expect(reads()).toBe(1);
      expect(bytes.size).toBe(1);
    });

    it('gives the same frame object to sessions, receivers, the catalog and `frames$`', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent, catalog: true });
      const frames: (DefinitionFrame | undefined)[] = [];
      fanout.frames$.subscribe((frame) => frames.push(frame));
      fanout.register('a', (frame) => void frames.push(frame)).subscribe();
      const receiver = fanout.receiver('b');
      broadcast(fanout, 'f');
      frames.push(receiver.tryReceive());
      fanout.register('c', (frame) => void frames.push(frame), { replay: true }).subscribe();
      expect(frames).toHaveLength(4);
      expect(new Set(frames).size).toBe(1);
    });

    it('gives bytes in a buffer of their own size', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const receiver = fanout.receiver('a');
      broadcast(fanout, 'f', 'g');
      for (let frame = receiver.tryReceive(); frame !== undefined; frame = receiver.tryReceive()) {
        expect(frame.bytes.byteOffset).toBe(0);
        expect(frame.bytes.buffer.byteLength).toBe(frame.bytes.byteLength);
      }
    });

    it('keeps counting while there are no sessions', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      fanout.register('a', () => undefined).subscribe().unsubscribe(); // prettier-ignore
      broadcast(fanout, '1', '2');
      const sequences: number[] = [];
      fanout.register('b', (frame) => void sequences.push(frame.sequence)).subscribe();
      broadcast(fanout, '3');
      expect(sequences).toEqual([3]);
    });

    it('counts observers of `frames$` in no statistic', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      fanout.frames$.subscribe();
      broadcast(fanout, 'a');
      expect(fanout.stats()).toMatchObject({ activeSessions: 0, sessionsRegistered: 0, offered: 0, delivered: 0 });
    });
  });

  it('is an observer also for those who call its methods on an object of their own, as RxJS 6 does', () => {
    const { names, deliver } = keeper();
    const told: unknown[] = [];
    const observer = { complete: () => told.push('|'), error: (error: unknown) => told.push(error) };
    const [completed, failed] = [1, 2].map(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      fanout.register('a', deliver).subscribe(observer);
      return Object.create(fanout) as DefinitionSyncFanout;
    });
    completed?.next(definition('f()'));
    completed?.complete();
    failed?.error('over');
    expect([names, told]).toEqual([['f()'], ['|', 'over']]);
  });

  describe('a message that cannot be encoded (F2)', () => {
    const hostile: [string, unknown][] = [
      ['a lone surrogate', unencodable],
      ['undefined', undefined],
      ['null', null],
      ['a number', 7],
      ['a payload of text', { ...definition('a'), payload: 'text' }],
      ['an id above u64', definition('a', { scope: { tenantId: 1n << 64n, databaseId: 0n } })],
      ['a negative id', definition('a', { scope: { tenantId: -1n, databaseId: 0n } })],
      ['a numeric id', definition('a', { scope: { tenantId: 1, databaseId: 0n } as never })],
      ['a revoked proxy', revoked()],
    ];

    it.each(hostile)('is skipped: %s', (_, msg) => {
      const logger = recordingLogger();
      const fanout = new DefinitionSyncFanout({ logger });
      const events = eventsOf(fanout);
      const sequences: number[] = [];
      fanout.register('a', (frame) => void sequences.push(frame.sequence)).subscribe();
      logger.lines.length = 0;
      fanout.broadcast(definition('first'));
      fanout.broadcast(msg as DefinitionSyncMsg);
      fanout.next(definition('second'));
      expect(sequences).toEqual([1, 2]);
      expect(logger.lines.map(({ level }) => level)).toEqual(['error']);
      expect(events).toEqual(['registered a', 'encode-failed UNENCODABLE']);
      expect(fanout.stats()).toMatchObject({ broadcast: 2, encodeFailures: 1, activeSessions: 1, delivered: 2 });
    });

    it('is counted before the log and `events$` are told', () => {
      const counts: number[] = [];
      const logger = recordingLogger(() => counts.push(fanout.stats().encodeFailures));
      const fanout = new DefinitionSyncFanout({ logger });
      fanout.events$.subscribe(() => counts.push(fanout.stats().encodeFailures));
      fanout.broadcast(unencodable);
      expect(counts).toEqual([1, 1]);
    });

    it('is told with the message itself', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const told: unknown[] = [];
      fanout.events$.subscribe((event) => told.push(event.type === 'encode-failed' && event.msg));
      fanout.broadcast(unencodable);
      expect(told[0]).toBe(unencodable);
    });

    it('lets those who are told broadcast, and throw', () => {
      const told = new Error('observer');
      const { names, deliver } = keeper();
      const unhandled = unhandledIn(() => {
        const fanout = new DefinitionSyncFanout({ logger: silent });
        fanout.register('a', deliver).subscribe();
        fanout.events$.subscribe(() => {
          broadcast(fanout, 'instead');
          throw told;
        });
        fanout.broadcast(unencodable);
        broadcast(fanout, 'next');
      });
      expect(names).toEqual(['instead', 'next']);
      expect(unhandled).toEqual([told]);
    });
  });

  describe('options', () => {
    const bad: [string, object][] = [
      ['capacity', { capacity: -1 }],
      ['capacity', { capacity: 1.5 }],
      ['capacity', { capacity: '256' }],
      ['overflow', { overflow: 'drop-latest' }],
      ['overflow', { overflow: 'catch-up' }],
      ['catalog', { catalog: 'yes' }],
      ['catalog', { catalog: {} }],
      ['logger', { logger: {} }],
      ['logger', { logger: console.log }],
      ['scheduler', { scheduler: {} }],
      ['capacity', { capacity: null }],
      ['overflow', { overflow: null }],
      ['catalog', { catalog: null }],
      ['logger', { logger: null }],
      ['scheduler', { scheduler: null }],
    ];

    it.each(bad)('throws BAD_OPTION naming %s for %p', (option, options) => {
      const call = () => new DefinitionSyncFanout(options);
      expect(call).toThrow(FanoutError);
      expect(call).toThrow(new RegExp(`^${option}.* (must be .*, got |needs a )`));
    });

    it('takes a scheduler, and a logger, that are functions', () => {
      const scheduler = Object.assign(() => undefined, { now: () => 0, schedule: () => new Subscription() });
      const logger = Object.assign(() => undefined, silent);
      expect(() => new DefinitionSyncFanout({ scheduler, logger })).not.toThrow();
    });

    it('names a logger that is none', () => {
      expect(() => new DefinitionSyncFanout({ logger: 42 as never })).toThrow(/^logger must be .*, got 42$/);
    });

    const badSession: [string, object][] = [
      ['capacity', { capacity: NaN }],
      ['overflow', { overflow: 'drop' }],
      ['overflow', { overflow: 'catch-up' }],
      ['replay', { replay: true }],
      ['replay', { replay: 'with-deletes' }],
      ['replay', { replay: 'yes' }],
      ['scope', { scope: null }],
      ['scope', { scope: {} }],
      ['scope', { scope: { tenantId: 1, databaseId: 2n } }],
      ['scope', { scope: { tenantId: 1n, databaseId: 1n << 64n } }],
      ['scope', { scope: { tenantId: -1n, databaseId: 1n } }],
    ];

    it.each(badSession)('throws BAD_OPTION naming %s for a session with %p, at call time', (option, options) => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      for (const call of [() => fanout.register('a', () => undefined, options), () => fanout.receiver('a', options)]) {
        expect(call).toThrow(FanoutError);
        expect(call).toThrow(new RegExp(`^${option}.* (must be .*, got |needs a )`));
      }
      expect(fanout.sessionsRegistered).toBe(0);
    });

    it('throws BAD_OPTION for an id that is no string, and a `deliver` that is no function', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      expect(() => fanout.register(1 as never, () => undefined)).toThrow('sessionId must be a string, got 1');
      expect(() => fanout.receiver(undefined as never)).toThrow('sessionId must be a string, got undefined');
      expect(() => fanout.register('a', undefined as never)).toThrow('deliver must be a function, got undefined');
    });

    it('checks them when the fan-out is over, too', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      fanout.complete();
      expect(() => fanout.register('a', () => undefined, { capacity: -1 })).toThrow(FanoutError);
      expect(() => fanout.receiver('a', { capacity: -1 })).toThrow(FanoutError);
    });

    it('takes undefined for every one', () => {
      const nothing = { capacity: undefined, overflow: undefined, catalog: undefined, scheduler: undefined };
      const fanout = new DefinitionSyncFanout({ ...nothing, logger: silent });
      expect(() => new DefinitionSyncFanout({ logger: undefined })).not.toThrow();
      const none = { scope: undefined, capacity: undefined, overflow: undefined, replay: undefined };
      expect(() => fanout.register('a', () => undefined, none)).not.toThrow();
      expect(() => fanout.receiver('a', none)).not.toThrow();
    });

    it('lets a session say otherwise than its fan-out', () => {
      const fanout = new DefinitionSyncFanout({ logger: silent, capacity: 1, overflow: 'error' });
      const [strict, patient] = [fanout.receiver('a'), fanout.receiver('b', { capacity: 2, overflow: 'drop-oldest' })];
      broadcast(fanout, '1', '2', '3');
      expect(strict.closed).toBe(true);
      expect([patient.tryReceive()?.msg.name, patient.tryReceive()?.msg.name]).toEqual(['2', '3']);
    });

    it.each(['', ' ', '__proto__', 'constructor', '\u0000', '\ud800', 'a'.repeat(10_000)])(
      'takes any text for an id: %j',
      (id) => {
        const fanout = new DefinitionSyncFanout({ logger: silent });
        const { names, deliver } = keeper();
        fanout.register(id, deliver).subscribe();
        broadcast(fanout, 'f');
        expect(names).toEqual(['f']);
        expect(fanout.session(id)?.delivered).toBe(1);
        expect(fanout.unregister(id)).toBe(true);
        expect(fanout.session(id)).toBeUndefined();
      },
    );
  });
});

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
