import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, DefinitionSyncFanout, type FanoutError } from 'ddl-fanout';
import { definition, stalledDelivery, recordingLogger } from 'ddl-fanout/testing';
import { NEVER, Subject, type Subscription } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { broadcast, eventsOf, expectBalance, keeper, nameOf, silent, unencodable } from '../helpers/fanout.js';

/** A fan-out in virtual time with a recorded log; `at` broadcasts one message at each of the given milliseconds. */
function timed() {
  const scheduler = new TestScheduler(() => undefined);
  const logger = recordingLogger();
  const fanout = new DefinitionSyncFanout({ logger, scheduler, capacity: 1 });
  const at = (...times: number[]) => {
    for (const time of times) scheduler.schedule(() => broadcast(fanout, String(time)), time);
    scheduler.maxFrames = Infinity;
    scheduler.flush();
  };
  return { fanout, logger, at, warnings: () => logger.lines.filter(({ level }) => level === 'warn') };
}

/** Deliveries that are all finished together. */
function held() {
  const running: Subject<never>[] = [];
  const names: string[] = [];
  const deliver = (frame: DefinitionFrame) => {
    names.push(nameOf(frame));
    const inner = new Subject<never>();
    running.push(inner);
    return inner;
  };
  const finish = () => running.splice(0).forEach((inner) => inner.complete());
  return { names, deliver, finish };
}

describe('overflow on `events$` (F10)', () => {
  it('is told when it begins, and with what was lost when the queue has emptied', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const events = eventsOf(fanout);
    const { names, deliver, finish } = held();
    fanout.register('lite', deliver, { capacity: 2 }).subscribe();
    broadcast(fanout, 'a', 'b', 'c', 'lost', 'lost');
    expect(events).toEqual(['registered lite', 'overflow-began lite']);
    finish();
    expect(events).toHaveLength(2);
    finish();
    expect(names).toEqual(['a', 'b', 'c']);
    expect(events.slice(2)).toEqual(['overflow-ended lite 2']);
  });

  it('is told to end when a receiver has taken all, also what came when it had a place again', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const events = eventsOf(fanout);
    const receiver = fanout.receiver('lite', { capacity: 2, overflow: 'drop-oldest' });
    broadcast(fanout, 'lost', 'a', 'b');
    const take = (): string | undefined => receiver.tryReceive()?.msg.name;
    expect(take()).toBe('a');
    broadcast(fanout, 'c');
    expect([take(), events.length]).toEqual(['b', 2]);
    expect([take(), events.slice(1)]).toEqual(['c', ['overflow-began lite', 'overflow-ended lite 1']]);
  });

  it('is told once a crossing, and counts each on its own', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const { deliver, finish } = held();
    fanout.register('lite', deliver, { capacity: 1, overflow: 'drop-oldest' }).subscribe();
    const events = eventsOf(fanout);
    broadcast(fanout, 'a', 'lost', 'lost', 'b');
    finish();
    broadcast(fanout, 'c');
    finish();
    broadcast(fanout, 'lost', 'd');
    finish();
    finish();
    expect(events).toEqual([
      'overflow-began lite',
      'overflow-ended lite 2',
      'overflow-began lite',
      'overflow-ended lite 1',
    ]);
    expectBalance(fanout);
  });

  it('ends at capacity 0 when the delivery in flight does', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, capacity: 0 });
    const { deliver, finish } = held();
    fanout.register('lite', deliver).subscribe();
    const events = eventsOf(fanout);
    broadcast(fanout, 'a', 'lost', 'lost');
    finish();
    expect(events).toEqual(['overflow-began lite', 'overflow-ended lite 2']);
  });

  it('ends for a receiver when its last frame is taken', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const receiver = fanout.receiver('lite', { capacity: 2 });
    const events = eventsOf(fanout);
    broadcast(fanout, 'a', 'b', 'lost');
    receiver.tryReceive();
    expect(events).toEqual(['overflow-began lite']);
    receiver.tryReceive();
    expect(events).toEqual(['overflow-began lite', 'overflow-ended lite 1']);
  });

  it('is the end of a session under error, and told by that alone', () => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger });
    const events = eventsOf(fanout);
    const codes: unknown[] = [];
    const observer = { error: (error: unknown) => codes.push((error as FanoutError).code) };
    fanout.register('lite', stalledDelivery(), { capacity: 1, overflow: 'error' }).subscribe(observer);
    broadcast(fanout, 'a', 'b', 'c', 'd');
    expect(codes).toEqual(['BUFFER_OVERFLOW']);
    expect(events).toEqual(['registered lite', 'ended lite failed 2']);
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'session failed',
    ]);
  });

  it('is told when state has changed, to those who unsubscribe, broadcast and replace', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, capacity: 1 });
    const fresh = keeper();
    const replace = () => fanout.register('lite', fresh.deliver).subscribe();
    const dropped: number[] = [];
    fanout.events$.subscribe(({ type }) => {
      if (type !== 'overflow-began') return;
      dropped.push(fanout.framesDropped);
      broadcast(fanout, 'again');
      replace();
    });
    const old = held();
    fanout.register('lite', old.deliver).subscribe();
    broadcast(fanout, 'a', 'b', 'lost');
    old.finish();
    old.finish();
    expect(dropped).toEqual([1]);
    expect([old.names, fresh.names]).toEqual([['a', 'b'], ['again']]);
    expect(fanout.stats()).toMatchObject({ ending: 0, dropped: 1, delivered: 3 });
  });

  it('lets whoever is told of its end keep the last frame from the session', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, capacity: 1 });
    const { names, deliver, finish } = held();
    const subscription = fanout.register('lite', deliver).subscribe();
    fanout.events$.subscribe(({ type }) => {
      if (type === 'overflow-ended') subscription.unsubscribe();
    });
    broadcast(fanout, 'a', 'b', 'lost');
    finish();
    expect(names).toEqual(['a']);
    expect(fanout.stats()).toMatchObject({ delivered: 1, dropped: 1, discarded: 1 });
  });

  it('is told in one order to all observers, also when one causes the next', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, capacity: 0 });
    const first = eventsOf(fanout);
    fanout.events$.subscribe((event) => event.type === 'overflow-began' && fanout.unregister('other'));
    const last = eventsOf(fanout);
    fanout.register('lite', () => NEVER).subscribe();
    fanout.register('other', () => undefined).subscribe();
    broadcast(fanout, 'a', 'b');
    const expected = ['registered lite', 'registered other', 'overflow-began lite', 'ended other unregistered 0'];
    expect([first, last]).toEqual([expected, expected]);
  });
});

describe('the log (F10)', () => {
  it('tells of sessions and messages at the level of each', () => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger });
    const error = new Error('reset');
    fanout.register('lite', () => undefined).subscribe();
    fanout.unregister('lite');
    fanout
      .register('bad', () => {
        throw error;
      })
      .subscribe();
    broadcast(fanout, 'a');
    fanout.broadcast(unencodable);
    expect(logger.lines).toEqual([
      { level: 'info', message: 'session registered', context: { sessionId: 'lite' } },
      {
        level: 'debug',
        message: 'session ended',
        context: { sessionId: 'lite', reason: 'unregistered', discarded: 0 },
      },
      { level: 'info', message: 'session registered', context: { sessionId: 'bad' } },
      { level: 'warn', message: 'session failed', context: { sessionId: 'bad', discarded: 1, error } },
      {
        level: 'error',
        message: 'a message cannot be encoded, and is skipped',
        context: {
          code: 'UNENCODABLE',
          reason: expect.any(String) as unknown,
          definitionType: '"function"',
          name: '"\\ud800"',
        },
      },
    ]);
  });

  it('says nothing of a broadcast that all goes well with', () => {
    const { fanout, logger, at } = timed();
    fanout.register('lite', () => undefined).subscribe();
    logger.lines.length = 0;
    at(0, 20_000, 40_000);
    expect(logger.lines).toEqual([]);
  });

  it('tells of overflow when the first session overflows, and when none does any more', () => {
    const { fanout, at, warnings } = timed();
    const [one, two] = [held(), held()];
    fanout.register('one', one.deliver).subscribe();
    fanout.register('two', two.deliver).subscribe();
    at(0, 1, 2, 3);
    expect(warnings()).toEqual([
      { level: 'warn', message: 'sessions overflow', context: { sessions: 1, framesDropped: 1 } },
    ]);
    one.finish();
    expect(warnings()).toHaveLength(1);
    two.finish();
    expect(warnings().slice(1)).toEqual([
      { level: 'warn', message: 'no session overflows any more', context: { sessions: 0, framesDropped: 4 } },
    ]);
  });

  it('writes at most one line in ten seconds while any overflows, and none without a broadcast', () => {
    const { fanout, at, warnings } = timed();
    fanout.register('lite', () => NEVER).subscribe();
    at(0, 1, 2, 9_000, 10_001, 10_002, 11_000, 20_001, 20_002, 60_000);
    // It began at 2; the next line comes with the first broadcast that is ten seconds later, at 10,002.
    expect(
      warnings().map(({ message, context }) => [message, (context as { framesDropped: number }).framesDropped]),
    ).toEqual([
      ['sessions overflow', 1],
      ['sessions still overflow', 4],
      ['sessions still overflow', 7],
      ['sessions still overflow', 8],
    ]);
  });

  it('goes on writing when the clock is set back', () => {
    let now = 3_600_000;
    const scheduler = new TestScheduler(() => undefined);
    scheduler.now = () => now;
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger, scheduler, capacity: 0 });
    fanout.register('lite', () => NEVER).subscribe();
    broadcast(fanout, 'in flight', 'lost');
    now = 0;
    broadcast(fanout, 'lost');
    now = 9_999;
    broadcast(fanout, 'lost');
    now = 10_000;
    broadcast(fanout, 'lost');
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'sessions overflow',
      'sessions still overflow',
      'sessions still overflow',
    ]);
  });

  it.each<[string, (device: ReturnType<typeof held>, subscription: Subscription) => void]>([
    ['its queue has emptied', (device) => device.finish()],
    ['it has ended', (_, subscription) => subscription.unsubscribe()],
  ])('no longer counts a session of which it is being told that %s', (__, leave) => {
    const { fanout, at, warnings } = timed();
    const device = held();
    const subscription = fanout.register('lite', device.deliver, { capacity: 0 }).subscribe();
    fanout.register('other', () => NEVER, { capacity: 0 }).subscribe();
    at(0, 0);
    fanout.events$.subscribe(({ type }) => {
      if (type === 'overflow-ended' || type === 'ended') at(20_000);
    });
    leave(device, subscription);
    expect(warnings().slice(1)).toMatchObject([{ message: 'sessions still overflow', context: { sessions: 1 } }]);
  });

  it('writes one line for ten thousand sessions that overflow at once, and one when they have gone', () => {
    const { fanout, at, warnings } = timed();
    const subscriptions = Array.from({ length: 10_000 }, (_, i) =>
      fanout.register(String(i), () => NEVER, { capacity: 0 }).subscribe(),
    );
    at(0, 1, 2, 3);
    expect(warnings()).toHaveLength(1);
    subscriptions.forEach((subscription) => subscription.unsubscribe());
    expect(warnings()).toHaveLength(2);
    expect(warnings()[1]?.context).toEqual({ sessions: 0, framesDropped: 30_000 });
  });

  it('writes five pairs of lines in ten seconds for a session that is full again and again, and later what it lost meanwhile', () => {
    const { fanout, at, warnings } = timed();
    const device = held();
    fanout.register('lite', device.deliver, { capacity: 0 }).subscribe();
    for (let i = 0; i < 1_000; i++) {
      at(0, 0);
      device.finish();
    }
    expect(warnings()).toHaveLength(10);
    expect(warnings().at(-1)).toMatchObject({ message: 'no session overflows any more', context: { sessions: 0 } });
    at(10_500, 10_500);
    expect(warnings().slice(10)).toMatchObject([
      { message: 'sessions overflow', context: { sessions: 1, framesDropped: 1_001 } },
    ]);
    for (let i = 0; i < 100; i++) {
      device.finish();
      at(0, 0);
    }
    expect(warnings()).toHaveLength(20);
    at(10_200);
    expect(warnings().slice(20)).toMatchObject([
      { message: 'sessions still overflow', context: { sessions: 1, framesDropped: 1_102 } },
    ]);
    device.finish();
    expect(warnings().slice(21)).toMatchObject([{ message: 'no session overflows any more' }]);
  });

  it.each<[string, (fanout: DefinitionSyncFanout) => unknown]>([
    ['is unsubscribed', () => undefined],
    ['fails', (fanout) => fanout.error(new Error('over'))],
  ])('forgets a session that overflows when it %s', (_, end) => {
    const { fanout, at, warnings } = timed();
    const subscription = fanout.register('lite', () => NEVER).subscribe();
    at(0, 1, 2);
    end(fanout);
    subscription.unsubscribe();
    expect(
      warnings()
        .filter(({ message }) => message.includes('overflow'))
        .at(-1)?.message,
    ).toBe('no session overflows any more');
  });

  it('logs a beginning before its end when whoever is told of it ends the session', () => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ capacity: 0, logger });
    const subscription = fanout.register('lite', () => NEVER).subscribe();
    fanout.events$.subscribe(({ type }) => {
      if (type === 'overflow-began') subscription.unsubscribe();
    });
    broadcast(fanout, 'a', 'b', 'c');
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'sessions overflow',
      'no session overflows any more',
    ]);
  });

  it('lets the logger use the fan-out', () => {
    const wrong: string[] = [];
    const logger = recordingLogger(({ level }) => {
      if (level !== 'info') return;
      broadcast(fanout, 'hello');
      fanout.unregister('lite');
      if (fanout.session('lite') !== undefined) wrong.push('still there');
    });
    const fanout: DefinitionSyncFanout = new DefinitionSyncFanout({ logger });
    const { names, deliver } = keeper();
    const told: string[] = [];
    fanout.register('lite', deliver).subscribe({ complete: () => told.push('|') });
    fanout.broadcast(definition('late'));
    expect([names, told, wrong]).toEqual([['hello'], ['|'], []]);
  });
});
