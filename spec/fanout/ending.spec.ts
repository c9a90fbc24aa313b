import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, DefinitionCatalog, DefinitionSyncFanout } from 'ddl-fanout';
import { definition, marbles, recordingLogger } from 'ddl-fanout/testing';
import { map, NEVER, Observable, of, Subject, Subscription } from 'rxjs';
import { broadcast, eventsOf, expectBalance, keeper, nameOf, silent, unencodable } from '../helpers/fanout.js';

const messages = { a: definition('a'), b: definition('b'), c: definition('c') };
const over = new Error('over');

describe('complete (F11)', () => {
  it('lets sessions have what waits, then completes them, `frames$` and `events$`', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const source = hot('  abc|           ');
      const frames = '      abc|           ';
      const slow = '        a----b----c----|';
      const quick = '       abc|           ';
      const events = '      ---q-----------(s|)';
      const send = (frame: DefinitionFrame) => cold('x----|', { x: nameOf(frame) });
      expectObservable(fanout.register('s', send)).toBe(slow);
      expectObservable(fanout.register('q', (frame) => of(nameOf(frame)))).toBe(quick);
      expectObservable(fanout.frames$.pipe(map(nameOf))).toBe(frames);
      const ended = new Subject<string>();
      expectObservable(ended).toBe(events);
      fanout.events$.subscribe({
        next: (event) => event.type === 'ended' && ended.next(event.sessionId),
        complete: () => ended.complete(),
      });
      source.pipe(map((name) => messages[name as 'a'])).subscribe(fanout);
    });
  });

  it('comes behind frames that are broadcast already, when it is called inside a broadcast', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const first = (frame: DefinitionFrame) => {
      if (nameOf(frame) !== 'a') return;
      broadcast(fanout, 'b');
      fanout.complete();
      broadcast(fanout, 'late');
    };
    const second = keeper();
    fanout.register('first', first).subscribe();
    const told: string[] = [];
    fanout.register('second', second.deliver).subscribe({ complete: () => told.push('|') });
    fanout.frames$.subscribe({ next: (frame) => told.push(nameOf(frame)), complete: () => told.push('frames$ |') });
    broadcast(fanout, 'a');
    expect(second.names).toEqual(['a', 'b']);
    expect(told).toEqual(['a', 'b', '|', 'frames$ |']);
    expectBalance(fanout);
  });

  it('takes sessions for ending until they are', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const inner = new Subject<never>();
    const events = eventsOf(fanout);
    fanout.register('lite', () => inner).subscribe();
    broadcast(fanout, 'a');
    fanout.complete();
    expect(fanout.stats()).toMatchObject({ activeSessions: 0, ending: 1, inFlight: 1 });
    expect(fanout.session('lite')).toBeUndefined();
    expect(events).toEqual(['registered lite']);
    inner.complete();
    expect(fanout.stats()).toMatchObject({ ending: 0, delivered: 1 });
    expect(events).toEqual(['registered lite', 'ended lite completed 0', '|']);
  });

  it('is all over when the last session that never ends is unsubscribed', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const events = eventsOf(fanout);
    const subscription = fanout.register('lite', () => NEVER).subscribe();
    broadcast(fanout, 'a');
    fanout.complete();
    expect(events).not.toContain('|');
    subscription.unsubscribe();
    expect(events.slice(1)).toEqual(['ended lite unsubscribed 1', '|']);
  });

  it('does nothing the second time, nor does `error` after it', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const told: string[] = [];
    const observer = { error: () => told.push('#'), complete: () => told.push('|') };
    fanout.register('lite', () => undefined).subscribe(observer);
    fanout.frames$.subscribe(observer);
    fanout.complete();
    fanout.complete();
    fanout.error(over);
    expect(told).toEqual(['|', '|']);
  });
});

// A session whose delivery another one's completion ended used to wait for ever, and with it `events$`.
describe('complete, when the end of one session lets another finish (F11)', () => {
  it.each([[{}], [{ replay: true }]])('completes both, and `events$`: %j', (options) => {
    marbles(({ flush }) => {
      const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
      const events = eventsOf(fanout);
      const gate = new Subject<never>();
      fanout.register('a', () => undefined).subscribe({ complete: () => gate.complete() });
      let completed = false;
      fanout.register('b', () => gate, options).subscribe({ complete: () => (completed = true) });
      broadcast(fanout, 'f()');
      fanout.complete();
      flush();
      expect(completed).toBe(true);
      expect(events.at(-1)).toBe('|');
      expect(fanout.stats()).toMatchObject({ ending: 0, delivered: 2, discarded: 0 });
    });
  });

  it.each(['complete', 'error'] as const)('completes `events$` last of all, by %s', (how) => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const over: string[] = [];
    const note = (what: string) => ({ complete: () => over.push(what), error: () => over.push(what) });
    fanout.events$.subscribe(note('events$'));
    fanout.frames$.subscribe(note('frames$'));
    fanout.register('a', () => undefined).subscribe(note('a'));
    fanout[how](undefined);
    expect(over).toEqual(['a', 'frames$', 'events$']);
  });
});

describe('error (F11)', () => {
  it('has ended every session before any is told: unsubscribing one meanwhile tears its delivery down at once', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const torn: string[] = [];
    const second = new Subscription();
    fanout
      .register('first', () => NEVER)
      .subscribe({
        error: () => {
          second.unsubscribe();
          torn.push('first is told');
        },
      });
    second.add(fanout.register('second', () => new Observable(() => () => torn.push('second'))).subscribe());
    broadcast(fanout, 'a');
    fanout.error(over);
    expect(torn).toEqual(['second', 'first is told']);
    expectBalance(fanout);
  });

  it('lets no result of an ended session come before its error', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const results = new Subject<string>();
    const got: unknown[] = [];
    fanout.register('first', () => NEVER).subscribe({ error: () => results.next('late') });
    fanout
      .register('second', () => results)
      .subscribe({ next: (value) => got.push(value), error: (e: unknown) => got.push(e) });
    broadcast(fanout, 'a');
    fanout.error(over);
    expect(got).toEqual([over]);
  });

  it('errors every session at once, what waits and what is in flight or not', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const source = hot('  ab#   ', messages, over);
      const inner = cold('  -----|');
      const innerSubs = '   ^-!   ';
      const expected = '    --#   ';
      expectObservable(fanout.register('slow', () => inner)).toBe(expected, undefined, over);
      expectObservable(fanout.register('quick', () => undefined)).toBe(expected, undefined, over);
      expectObservable(fanout.frames$.pipe(map(() => 'x'))).toBe('xx#', undefined, over);
      expectSubscriptions(inner.subscriptions).toBe(innerSubs);
      source.subscribe(fanout);
    });
  });

  it('gives nobody anything more, whatever those who are told first do', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const gate = new Subject<never>();
    const { names, deliver } = keeper();
    const receiver = fanout.receiver('pulled');
    const told: unknown[] = [];
    fanout
      .register('first', () => undefined)
      .subscribe({
        error: () => {
          gate.complete();
          told.push(fanout.stats().waiting, fanout.stats().ending, receiver.waiting, receiver.tryReceive());
        },
      });
    fanout
      .register('behind', (frame) => {
        deliver(frame);
        return gate;
      })
      .subscribe({ error: () => undefined });
    broadcast(fanout, 'a', 'b');
    fanout.error(over);
    expect(names).toEqual(['a']);
    expect(told).toEqual([0, 0, 0, undefined]);
    expect(fanout.stats()).toMatchObject({ discarded: 4, delivered: 2 });
  });

  it('tells on `events$`, which completes, and never errors', () => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger });
    const events = eventsOf(fanout);
    fanout.register('slow', () => NEVER).subscribe();
    fanout.register('old', () => NEVER).subscribe();
    broadcast(fanout, 'a', 'b');
    fanout.unregister('old');
    fanout.error(over);
    expect(events.slice(2)).toEqual(['ended old failed 2', 'ended slow failed 2', '|']);
    expect(fanout.stats()).toMatchObject({ activeSessions: 0, ending: 0, discarded: 4, waiting: 0, inFlight: 0 });
    // One line for all: a hundred thousand at warn, each with the stack of the same error, would stop the process.
    expect(logger.lines.filter(({ level }) => level === 'debug')).toHaveLength(2);
    expect(logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([
      {
        level: 'error',
        message: 'the fan-out has failed, and all its sessions with it',
        context: { sessions: 2, error: over },
      },
    ]);
  });

  it.each(['tryReceive', 'receive'] as const)(
    'ends a receiver whose last frame is taken, by %s, while all are being ended',
    (take) => {
      const catalog = new DefinitionCatalog();
      const fanout = new DefinitionSyncFanout({ logger: silent, catalog });
      const events = eventsOf(fanout);
      const receiver = fanout.receiver('receiver');
      fanout.register('other', () => undefined).subscribe({ complete: () => void receiver[take]() });
      broadcast(fanout, 'a');
      fanout.complete();
      expect(events.slice(2)).toEqual(['ended other completed 0', 'ended receiver completed 0', '|']);
      expect(fanout.stats()).toMatchObject({ ending: 0, delivered: 2, waiting: 0 });
      // Nobody holds the catalog any more.
      new DefinitionSyncFanout({ catalog });
    },
  );

  it('warns of a session that fails while it drains after `complete()`', () => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger });
    const inner = new Subject<never>();
    fanout.register('slow', () => inner).subscribe();
    broadcast(fanout, 'a');
    fanout.complete();
    inner.error(over);
    expect(logger.lines.at(-1)).toMatchObject({ level: 'warn', message: 'session failed', context: { error: over } });
  });

  it('lets go of the frame under way and of those behind it, when it is called inside a broadcast', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const second = keeper();
    const errors: unknown[] = [];
    const first = () => {
      broadcast(fanout, 'b');
      fanout.error(over);
    };
    fanout.register('first', first).subscribe();
    fanout.register('second', second.deliver).subscribe({ error: (error: unknown) => errors.push(error) });
    broadcast(fanout, 'a');
    expect(second.names).toEqual([]);
    expect(errors).toEqual([over]);
    expect(fanout.stats().broadcast).toBe(1);
    expectBalance(fanout);
  });

  it('has changed the state before anybody is told', () => {
    const seen: unknown[] = [];
    const look = () => {
      const late: string[] = [];
      fanout.register('late', () => undefined).subscribe({ error: () => late.push('#') });
      broadcast(fanout, 'late');
      seen.push([fanout.activeSessions, fanout.stats().broadcast, late]);
    };
    const fanout: DefinitionSyncFanout = new DefinitionSyncFanout({
      logger: recordingLogger(({ level }) => level === 'debug' && look()),
    });
    fanout.register('a', () => undefined).subscribe({ error: look });
    fanout.events$.subscribe((event) => event.type === 'ended' && look());
    fanout.error(over);
    expect(seen).toEqual(Array(3).fill([0, 0, ['#']]));
  });

  it.each([undefined, null, '', 0, NaN])('passes %p on for an error', (error) => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const told: unknown[] = [];
    const observer = { error: (told_: unknown) => told.push(told_), complete: () => told.push('|') };
    fanout.register('a', () => undefined).subscribe(observer);
    fanout.error(error);
    fanout.register('b', () => undefined).subscribe(observer);
    expect(told).toEqual([error, error]);
  });
});

// `events$` used to complete while an ending session ran its teardown or its log line, and what was told then was lost.
describe('the last word on events$ (F11)', () => {
  it('waits for a session that ends another one while it ends itself', () => {
    const fanout = new DefinitionSyncFanout();
    const events = eventsOf(fanout);
    const both = new Subscription();
    both.add(fanout.register('a', () => new Observable(() => () => both.unsubscribe())).subscribe());
    both.add(fanout.register('b', () => NEVER).subscribe());
    broadcast(fanout, 'f()');
    fanout.complete();
    fanout.unregister('a');
    both.unsubscribe();
    expect([...events].sort()).toEqual(
      ['ended a unsubscribed 1', 'ended b unsubscribed 1', 'registered a', 'registered b', '|'].sort(),
    );
    expect(events.at(-1)).toBe('|');
  });

  it.each([
    ['session registered', ['registered a', 'ended a completed 0', '|']],
    ['session ended', ['registered a', 'ended a unsubscribed 0', '|']],
    [
      'a message cannot be encoded, and is skipped',
      ['registered a', 'encode-failed UNENCODABLE', 'ended a completed 0', '|'],
    ],
  ])('comes behind what the line "%s" is about, when that line ends the fan-out', (line, expected) => {
    const logger = recordingLogger(({ message }) => {
      if (message === line) fanout.complete();
    });
    const fanout: DefinitionSyncFanout = new DefinitionSyncFanout({ logger });
    const events = eventsOf(fanout);
    const session = fanout.register('a', () => undefined).subscribe();
    if (line === 'session ended') session.unsubscribe();
    fanout.broadcast(unencodable);
    expect(events).toEqual(expected);
  });
});

describe('afterwards (F11)', () => {
  it.each<[string, (fanout: DefinitionSyncFanout) => void, string]>([
    ['complete', (fanout) => fanout.complete(), '|'],
    ['error', (fanout) => fanout.error(over), 'Error: over'],
  ])('a broadcast does nothing, and a session ends at once as the fan-out did, after %s', async (_, end, expected) => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger });
    end(fanout);
    logger.lines.length = 0;
    const told: string[] = [];
    const observer = {
      next: () => told.push('next'),
      error: (error: unknown) => told.push(String(error)),
      complete: () => told.push('|'),
    };
    const { names, deliver } = keeper();
    fanout.broadcast(definition('late'));
    fanout.next(definition('late'));
    fanout.register('late', deliver).subscribe(observer);
    fanout.frames$.subscribe(observer);
    fanout.events$.subscribe({ complete: () => told.push('events$ |') });
    expect(told).toEqual([expected, expected, 'events$ |']);
    expect(names).toEqual([]);
    const bare = fanout.register('bare', deliver).subscribe();
    expect(bare.closed).toBe(true);
    const receiver = fanout.receiver('pulled');
    expect([receiver.closed, receiver.waiting, receiver.tryReceive()]).toEqual([true, 0, undefined]);
    const received = await receiver.receive().catch(String);
    expect(received).toBe(expected === '|' ? undefined : expected);
    receiver.close();
    expect(await receiver.return()).toEqual({ done: true, value: undefined });
    expect(fanout.stats()).toMatchObject({ broadcast: 0, sessionsRegistered: 0, activeSessions: 0, ending: 0 });
    expect(fanout.unregister('late')).toBe(false);
    expect(logger.lines).toEqual([]);
  });

  it('takes a catalog back once, and leaves it to the fan-out that took it next', () => {
    // The catalog was set free again by the first fan-out while a second had it.
    const catalog = new DefinitionCatalog();
    const first = new DefinitionSyncFanout({ logger: silent, catalog });
    let second: DefinitionSyncFanout | undefined;
    first.register('lite', () => undefined).subscribe();
    first.events$.subscribe({ complete: () => (second = new DefinitionSyncFanout({ logger: silent, catalog })) });
    first.complete();
    void first.receiver('late').return();
    expect(second).toBeInstanceOf(DefinitionSyncFanout);
    expect(() => new DefinitionSyncFanout({ logger: silent, catalog })).toThrow(
      'this catalog already belongs to another fan-out',
    );
  });

  describe('a fan-out that fails while a frame is under way', () => {
    const BEHIND = { overflow: 'catch-up', capacity: 0 } as const;

    // It swept up after that frame with no sessions to ask: deletes and logs of the next owner of its catalog went.
    const nextOwner = (own: (second: DefinitionSyncFanout) => void): DefinitionSyncFanout => {
      const catalog = new DefinitionCatalog({ maxTombstones: 0 });
      const first = new DefinitionSyncFanout({ logger: silent, catalog });
      let second: DefinitionSyncFanout | undefined;
      first.register('lite', () => first.error(over)).subscribe();
      first.events$.subscribe({
        complete: () => own((second = new DefinitionSyncFanout({ logger: silent, catalog, ...BEHIND }))),
      });
      first.broadcast(definition('gone', { action: 'delete' }));
      if (second === undefined) throw new Error('nobody took the catalog');
      return second;
    };

    it('leaves the next owner of its catalog the deletes that its sessions need', () => {
      const gate = new Subject<never>();
      const given: string[] = [];
      nextOwner((second) => {
        const witness = second.register('witness', () => NEVER).subscribe();
        second
          .register('slow', ({ msg }) => (given.push(`${msg.action} ${msg.name}`) === 1 ? gate : undefined))
          .subscribe();
        broadcast(second, 'x');
        second.broadcast(definition('x', { action: 'delete' }));
        witness.unsubscribe();
      });
      gate.complete();
      expect(given).toEqual(['put x', 'delete x']);
    });

    it('leaves the next owner of its catalog the log that its sessions read', () => {
      const gate = new Subject<never>();
      const { names, deliver } = keeper();
      const second = nextOwner((owner) => {
        owner.register('slow', (frame) => (deliver(frame), names.length === 1 ? gate : undefined)).subscribe();
      });
      broadcast(second, 'x', 'y');
      gate.complete();
      expect(names).toEqual(['x', 'y']);
    });
  });
});
