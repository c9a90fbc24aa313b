import { describe, expect, it } from '@jest/globals';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { asapScheduler, queueScheduler, type SchedulerLike, VirtualTimeScheduler } from 'rxjs';
import { FRAMES_PER_TURN, type LogReading, Turns } from '../../lib/fanout/turns.js';
import { ByHand, commit, short } from '../helpers/byHand.js';
import { eventsOf, expectBalance, silent } from '../helpers/fanout.js';
import { alive } from '../helpers/garbage.js';
import { settle } from '../helpers/promises.js';

/** Has `left` frames to read, and says in `row` whose turn it was, and for how many. */
class Reader implements LogReading {
  inRow = false;

  constructor(
    private readonly name: string,
    private left: number,
    private readonly row: string[],
  ) {}

  get hungry(): boolean {
    return this.left > 0;
  }

  pull(most: number): number {
    const taken = Math.min(most, this.left);
    this.left -= taken;
    this.row.push(`${this.name}${taken}`);
    return taken;
  }
}

/** A scheduler whose turns come one at a time. */
class ByTurn extends VirtualTimeScheduler {
  turn(): number {
    const [action] = this.actions.splice(0, 1);
    action?.execute(action.state, 0);
    return this.actions.length;
  }
}

/** `count` definitions, and a fan-out that gives turns only when told. */
function filled(count: number): { readonly scheduler: ByTurn; readonly fanout: DefinitionSyncFanout } {
  const scheduler = new ByTurn();
  const fanout = new DefinitionSyncFanout({ catalog: true, scheduler, logger: silent });
  for (let i = 0; i < count; i++) commit(fanout, `+d${i}`);
  return { scheduler, fanout };
}

describe('Turns', () => {
  it('gives everybody a share in the order of asking, and no turn more than it has', () => {
    const row: string[] = [];
    const scheduler = new ByTurn();
    const turns = new Turns(scheduler);
    turns.request(new Reader('a', 2_000, row));
    expect(row.reduce((sum, each) => sum + Number(each.slice(1)), 0)).toBe(FRAMES_PER_TURN);
    row.length = 0;
    turns.request(new Reader('b', 136, row));
    turns.request(new Reader('c', 106, row));
    expect(row).toEqual([]);
    scheduler.turn();
    expect(row.slice(0, 6)).toEqual(['a100', 'b100', 'c100', 'a100', 'b36', 'c6']);
    expect(row.reduce((sum, each) => sum + Number(each.slice(1)), 0)).toBe(FRAMES_PER_TURN);
  });

  it('asks for no turn while nobody reads, and for one at a time', () => {
    const scheduler = new ByTurn();
    const turns = new Turns(scheduler);
    const idle = new Reader('idle', 0, []);
    turns.request(idle);
    expect(scheduler.actions).toHaveLength(0);
    turns.request(new Reader('a', 1_500, []));
    turns.request(new Reader('b', 10, []));
    expect(scheduler.actions).toHaveLength(1);
    expect(scheduler.turn()).toBe(1);
    expect(scheduler.turn()).toBe(0);
  });

  it('has one place for a reader that asks twice', () => {
    const row: string[] = [];
    const scheduler = new ByTurn();
    const turns = new Turns(scheduler);
    turns.request(new Reader('a', FRAMES_PER_TURN, row));
    row.length = 0;
    const [twice, once] = [new Reader('twice', 1, row), new Reader('once', 1, row)];
    for (const reader of [twice, once, twice]) turns.request(reader);
    scheduler.turn();
    expect(row).toEqual(['twice1', 'once1']);
  });
});

describe('catching up', () => {
  it('keeps nothing of sessions that end while they wait for a turn', async () => {
    const { scheduler, fanout } = filled(FRAMES_PER_TURN);
    fanout.register('takes the whole turn', () => undefined, { replay: true }).subscribe();
    const ended = Array.from({ length: 3 }, (_, i) => {
      const deliver = (): void => undefined;
      fanout.register(`waits ${i}`, deliver, { replay: true }).subscribe().unsubscribe();
      return new WeakRef(deliver);
    });
    expect(await alive(ended)).toBe(0);
    scheduler.turn();
    expect(fanout.stats()).toMatchObject({ delivered: FRAMES_PER_TURN, discarded: 3 * FRAMES_PER_TURN });
  });

  it('takes at most about a thousand frames a turn, of all sessions together', () => {
    const { scheduler, fanout } = filled(300);
    for (let i = 0; i < 20; i++) fanout.register(`s${i}`, () => undefined, { replay: true }).subscribe();
    let before = fanout.stats().delivered;
    expect(before).toBeLessThanOrEqual(1_000);
    while (fanout.stats().waiting > 0) {
      scheduler.turn();
      const { delivered } = fanout.stats();
      expect(delivered - before).toBeLessThanOrEqual(1_000);
      expect(delivered).toBeGreaterThan(before);
      before = delivered;
    }
    expect(before).toBe(20 * 300);
    expectBalance(fanout);
  });

  it('is fair: nobody is done while another has got nothing', () => {
    const { scheduler, fanout } = filled(2_000);
    for (let i = 0; i < 10; i++) fanout.register(`s${i}`, () => undefined, { replay: true }).subscribe();
    scheduler.turn();
    const delivered = [...fanout.sessions()].map((session) => session.delivered);
    expect(Math.min(...delivered)).toBeGreaterThan(0);
    expect(Math.max(...delivered)).toBeLessThan(2_000);
  });

  it('does not delay live sessions: they have a frame when `broadcast` returns, in the middle of a replay', () => {
    const { fanout } = filled(5_000);
    fanout.register('slow', () => undefined, { replay: true }).subscribe();
    const live: string[] = [];
    fanout.register('live', (frame) => void live.push(short(frame))).subscribe();
    expect(fanout.session('slow')?.waiting).toBe(4_000);
    commit(fanout, '+now');
    expect(live).toEqual(['+now@5001']);
    expect(fanout.session('slow')).toMatchObject({ state: 'catching-up', delivered: 1_000, waiting: 4_001 });
  });

  it('goes on at the pace of `deliver` without waiting for a turn that has frames left', () => {
    const { scheduler, fanout } = filled(5);
    const device = new ByHand();
    fanout.register('slow', device.deliver, { replay: true }).subscribe();
    device.finish();
    expect(device.got).toEqual(['+d0@1', '+d1@2', '+d2@3', '+d3@4', '+d4@5']);
    expect(fanout.session('slow')?.state).toBe('live');
    expect(scheduler.actions.length).toBeLessThanOrEqual(1);
  });

  it('survives a session that leaves, and one that fails, in the middle of a turn', () => {
    const { scheduler, fanout } = filled(200);
    const subscription = fanout.register('leaves', () => undefined, { replay: true });
    const leaving = subscription.subscribe();
    let frames = 0;
    const fail = (): void => {
      if (++frames === 70) leaving.unsubscribe();
      if (frames === 100) throw new Error('broken');
    };
    fanout.register('fails', fail, { replay: true }).subscribe();
    fanout.register('stays', () => undefined, { replay: true }).subscribe();
    scheduler.flush();
    expect(fanout.session('stays')).toMatchObject({ state: 'live', delivered: 200, waiting: 0 });
    expect(fanout.activeSessions).toBe(1);
    expectBalance(fanout);
  });

  it.each<[string, SchedulerLike | undefined]>([
    ['the default scheduler', undefined],
    ['asapScheduler', asapScheduler],
    ['queueScheduler', queueScheduler],
  ])('comes to its end with %s', async (_, scheduler) => {
    const fanout = new DefinitionSyncFanout({ catalog: true, scheduler, logger: silent });
    for (let i = 0; i < 2_500; i++) commit(fanout, `+d${i}`);
    const live = new Promise((resolve) => {
      fanout.events$.subscribe((event) => {
        if (event.type === 'caught-up') resolve(event.sequence);
      });
    });
    let inOne = 0;
    fanout.register('slow', () => [inOne++].slice(1), { replay: true }).subscribe();
    expect(inOne).toBeLessThanOrEqual(1_000);
    expect(await live).toBe(2_500);
    expect(inOne).toBe(2_500);
  });

  it('are not taken at once by a scheduler that runs work at once: whoever asks for a later one is called back later', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, scheduler: queueScheduler, logger: silent });
    commit(fanout, '+a');
    const [first, second] = ['first', 'second'].map((id) => fanout.receiver(id, { replay: true }));
    // The delete spares both the definition; to end the second while the first is told left it waiting for nothing, for ever.
    fanout.events$.subscribe((event) => {
      if (event.type === 'caught-up' && event.sessionId === 'first') fanout.unregister('second');
    });
    commit(fanout, '-a');
    expect(fanout.session('second')).toBeDefined();
    await settle();
    expect([first?.waiting, second?.waiting, second?.tryReceive(), second?.closed]).toEqual([0, 0, undefined, true]);
    expect(fanout.stats().ending).toBe(0);
    expectBalance(fanout);
  });

  it('lets the event loop turn between its shares with the default scheduler', async () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    for (let i = 0; i < 3_500; i++) commit(fanout, `+d${i}`);
    // A delivery by promise goes on in microtasks, which alone would hold up the event loop to the end.
    fanout.register('slow', () => Promise.resolve([]), { replay: true }).subscribe();
    const shares: number[] = [];
    for (let before = 0; (fanout.session('slow')?.waiting ?? 0) > 0;) {
      await new Promise((resolve) => setImmediate(resolve));
      const delivered = fanout.session('slow')?.delivered ?? 0;
      shares.push(delivered - before);
      before = delivered;
    }
    expect(Math.max(...shares)).toBeLessThanOrEqual(2_000);
    expect(shares.length).toBeGreaterThan(1);
  });

  it('are shared by receivers that are awaited; what `tryReceive` gives, it gives at once', async () => {
    const { scheduler, fanout } = filled(FRAMES_PER_TURN + 500);
    const receivers = ['a', 'b'].map((id) => fanout.receiver(id, { replay: true }));
    let received = 0;
    const reading = receivers.map(async (receiver) => {
      for (let left = FRAMES_PER_TURN + 500; left > 0; left--, received++) await receiver.receive();
    });
    await settle();
    expect(received).toBe(FRAMES_PER_TURN);
    // What somebody awaits is for nobody else.
    expect(receivers.reduce((sum, { waiting }) => sum + waiting, 0)).toBe(FRAMES_PER_TURN + 1_000 - 2);
    expect(fanout.stats().waiting).toBe(FRAMES_PER_TURN + 1_000);
    scheduler.turn();
    await settle();
    expect(received).toBe(2 * FRAMES_PER_TURN);
    scheduler.turn();
    await Promise.all(reading);
    expect([...fanout.sessions()].map(({ state }) => state)).toEqual(['live', 'live']);

    const third = fanout.receiver('c', { replay: true });
    let taken = 0;
    while (third.tryReceive() !== undefined) taken++;
    expect(taken).toBe(FRAMES_PER_TURN + 500);
  });

  it('give a frame that is awaited to whoever awaits it, though another is asked for at once', async () => {
    const { scheduler, fanout } = filled(FRAMES_PER_TURN + 2);
    fanout.register('first', () => undefined, { replay: true }).subscribe();
    const receiver = fanout.receiver('lite', { replay: true });
    const awaited = receiver.receive();
    expect(receiver.tryReceive()?.sequence).toBe(2);
    expect((await awaited)?.sequence).toBe(1);
    while (scheduler.turn() > 0);
    expectBalance(fanout);
  });

  it('tell a receiver that nothing is ahead any more, though nobody asks it for a frame', () => {
    const { scheduler, fanout } = filled(1);
    const events = eventsOf(fanout);
    fanout.receiver('lite', { replay: true });
    commit(fanout, '-d0');
    expect(fanout.session('lite')).toMatchObject({ state: 'catching-up', waiting: 0 });
    scheduler.turn();
    expect(fanout.session('lite')).toMatchObject({ state: 'live', waiting: 0 });
    expect(events).toEqual(['registered lite', 'caught-up lite 2']);
  });
});
