import { describe, expect, it } from '@jest/globals';
import { type DefinitionReceiver, DefinitionSyncFanout, type SessionOptions } from 'ddl-fanout';
import { definition, recordingLogger } from 'ddl-fanout/testing';
import fc from 'fast-check';
import { NEVER, Subject, type Subscription } from 'rxjs';
import { broadcast, expectBalance, imbalances, silent, unencodable } from '../helpers/fanout.js';

type Overflow = SessionOptions['overflow'];

describe('counts (F9)', () => {
  it('are nothing at the beginning', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    expect(fanout.stats()).toEqual({
      broadcast: 0,
      encodeFailures: 0,
      activeSessions: 0,
      sessionsRegistered: 0,
      ending: 0,
      offered: 0,
      delivered: 0,
      dropped: 0,
      superseded: 0,
      discarded: 0,
      waiting: 0,
      inFlight: 0,
    });
    expect(fanout.session('lite')).toBeUndefined();
  });

  it.each<[Overflow, object]>([
    ['drop-incoming', { offered: 5, delivered: 0, dropped: 2, waiting: 2, inFlight: 1 }],
    ['drop-oldest', { offered: 5, delivered: 0, dropped: 2, waiting: 2, inFlight: 1 }],
  ])('tell what a stalled session did with five frames, under %s', (overflow, expected) => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    fanout.register('lite', () => NEVER, { capacity: 2, overflow }).subscribe();
    broadcast(fanout, '1', '2', '3', '4', '5');
    const session = { sessionId: 'lite', scope: undefined, state: 'live', superseded: 0, ...expected };
    expect(fanout.session('lite')).toEqual(session);
    expect(fanout.framesDropped).toBe(2);
    expectBalance(fanout);
  });

  it('take the victim for dropped and the rest for discarded, under error', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    fanout.register('lite', () => NEVER, { capacity: 2, overflow: 'error' }).subscribe();
    broadcast(fanout, '1', '2', '3', '4', '5');
    expect(fanout.stats()).toMatchObject({
      offered: 4,
      delivered: 0,
      dropped: 1,
      discarded: 3,
      waiting: 0,
      inFlight: 0,
    });
  });

  it('take the frame whose delivery failed for discarded, with what waits', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const device = new Subject<never>();
    fanout.register('lite', () => device).subscribe();
    broadcast(fanout, '1', '2', '3');
    device.error(new Error('reset'));
    expect(fanout.stats()).toMatchObject({ offered: 3, delivered: 0, discarded: 3, waiting: 0, inFlight: 0 });
  });

  it('have nothing in flight for a receiver, and exactly its capacity waiting', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const receiver = fanout.receiver('lite', { capacity: 2 });
    broadcast(fanout, '1', '2', '3');
    expect(fanout.session('lite')).toMatchObject({ offered: 3, delivered: 0, dropped: 1, waiting: 2, inFlight: 0 });
    receiver.tryReceive();
    expect(fanout.session('lite')).toMatchObject({ offered: 3, delivered: 1, dropped: 1, waiting: 1, inFlight: 0 });
  });

  it('offer all live definitions of the scope at a registration with replay', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent, catalog: true });
    broadcast(fanout, 'a', 'b', 'a');
    fanout.register('lite', () => NEVER, { replay: true }).subscribe();
    expect(fanout.session('lite')).toMatchObject({ offered: 2, delivered: 0, waiting: 1, inFlight: 1 });
    fanout.receiver('pulled', { replay: true });
    expect(fanout.session('pulled')).toMatchObject({ offered: 2, delivered: 0, waiting: 2, inFlight: 0 });
  });

  it('have the delivery under way in flight while `deliver` runs', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const seen: unknown[] = [];
    fanout.register('lite', () => void seen.push(fanout.session('lite'))).subscribe();
    broadcast(fanout, '1');
    expect(seen).toEqual([expect.objectContaining({ offered: 1, delivered: 0, inFlight: 1 })]);
    expect(fanout.session('lite')).toMatchObject({ offered: 1, delivered: 1, inFlight: 0 });
  });

  it('keep what a session that has left counted, and never go back', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    for (let i = 0; i < 10; i++) {
      const subscription = fanout.register('lite', () => NEVER, { capacity: 0 }).subscribe();
      broadcast(fanout, '1', '2');
      subscription.unsubscribe();
      expect([fanout.sessionsRegistered, fanout.framesDropped]).toEqual([i + 1, i + 1]);
      expectBalance(fanout);
    }
    expect(fanout.stats()).toMatchObject({ offered: 20, discarded: 10, dropped: 10 });
  });

  it('add up, and agree with what was seen, inside every callback of every random history', () => {
    const overflow = fc.constantFrom<Overflow[]>('drop-incoming', 'drop-oldest', 'error');
    const act = fc.oneof(
      { weight: 6, arbitrary: fc.record({ what: fc.constantFrom('broadcast', 'finish', 'take') }) },
      {
        weight: 3,
        arbitrary: fc.record({
          what: fc.constantFrom('register', 'receiver'),
          capacity: fc.constantFrom(0, 1, 2, 5),
          overflow,
          mode: fc.constantFrom('at once', 'later', 'fails'),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ what: fc.constantFrom('unregister', 'unsubscribe', 'unencodable', 'leave') }),
      },
    );
    const history = fc.record({
      acts: fc.array(act, { maxLength: 40 }),
      inside: fc.array(fc.option(act, { nil: undefined, freq: 3 }), { minLength: 1, maxLength: 10 }),
      end: fc.constantFrom('complete', 'error'),
    });
    fc.assert(
      fc.property(history, ({ acts, inside, end }) => {
        const world = new World(inside);
        for (const [i, each] of acts.entries()) world.perform(each, i);
        world.end(end);
      }),
      { numRuns: 200 },
    );
  });
});

interface Act {
  readonly what: string;
  readonly capacity?: number;
  readonly overflow?: Overflow;
  readonly mode?: string;
}

/** A fan-out whose every callback checks the counts, and does something of its own. */
class World {
  readonly #fanout: DefinitionSyncFanout;
  readonly #subscriptions: Subscription[] = [];
  readonly #receivers: DefinitionReceiver[] = [];
  readonly #running: Subject<never>[] = [];
  #callbacks = 0;
  #depth = 0;
  #given = 0;
  #last = { registered: 0, dropped: 0 };
  #discarded = 0;
  readonly #wrong: string[] = [];

  constructor(private readonly inside: readonly (Act | undefined)[]) {
    this.#fanout = new DefinitionSyncFanout({ logger: recordingLogger(() => this.#called()) });
    this.#fanout.events$.subscribe((event) => {
      if (event.type === 'ended') this.#discarded += event.discarded;
      this.#called();
    });
    this.#fanout.frames$.subscribe({ next: () => this.#called(), error: () => this.#called() });
  }

  perform({ what, capacity, overflow, mode }: Act, number: number): void {
    const fanout = this.#fanout;
    const id = String(number % 4);
    if (what === 'broadcast') fanout.broadcast(definition(String(number)));
    if (what === 'unencodable') fanout.broadcast(unencodable);
    if (what === 'finish') this.#running[number % this.#running.length]?.complete();
    if (what === 'unregister') fanout.unregister(id);
    if (what === 'unsubscribe') this.#subscriptions[number % this.#subscriptions.length]?.unsubscribe();
    if (what === 'leave') void this.#receivers[number % this.#receivers.length]?.return();
    if (what === 'take' && this.#receivers[number % this.#receivers.length]?.tryReceive()) this.#given++;
    if (what === 'receiver') this.#receivers.push(fanout.receiver(id, { capacity, overflow }));
    if (what !== 'register') return;
    const deliver = () => this.#deliver(mode);
    this.#subscriptions.push(fanout.register(id, deliver, { capacity, overflow }).subscribe());
  }

  end(how: string): void {
    this.#depth = 3;
    if (how === 'error') this.#fanout.error(new Error('over'));
    else this.#fanout.complete();
    for (const inner of this.#running) inner.complete();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const receiver of this.#receivers) void receiver.return();
    const { ending, waiting, inFlight, discarded, delivered, activeSessions } = this.#fanout.stats();
    expect({ activeSessions, ending, waiting, inFlight }).toEqual({
      activeSessions: 0,
      ending: 0,
      waiting: 0,
      inFlight: 0,
    });
    expect(discarded).toBe(this.#discarded);
    expect(delivered).toBeLessThanOrEqual(this.#given);
    this.#wrong.push(...imbalances(this.#fanout));
    expect(this.#wrong).toEqual([]);
  }

  #deliver(mode: string | undefined): Subject<never> | undefined {
    this.#given++;
    this.#called();
    if (mode === 'at once') return undefined;
    if (mode === 'fails' && this.#given % 3 === 0) throw new Error('reset');
    const inner = new Subject<never>();
    this.#running.push(inner);
    return inner;
  }

  /** Whoever is called sees counts that add up, and then does something. */
  #called(): void {
    const { sessionsRegistered: registered, framesDropped: dropped } = this.#fanout;
    if (registered < this.#last.registered || dropped < this.#last.dropped) this.#wrong.push('a count went back');
    this.#last = { registered, dropped };
    this.#wrong.push(...imbalances(this.#fanout));
    const act = this.inside[this.#callbacks++ % this.inside.length];
    if (act === undefined || this.#depth >= 3 || this.#callbacks > 300) return;
    this.#depth++;
    this.perform(act, this.#callbacks);
    this.#depth--;
  }
}
