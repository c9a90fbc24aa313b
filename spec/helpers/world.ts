import assert from 'node:assert/strict';
import { DefinitionCatalog, DefinitionSyncFanout, type FanoutEvent } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import fc from 'fast-check';
import { VirtualTimeScheduler } from 'rxjs';
import { Device, type DeviceOptions } from './device.js';
import { silent } from './fanout.js';

const NAMES = ['a', 'b', 'c'];
const SCOPES = [undefined, { tenantId: 1n, databaseId: 2n }];
const IDS = ['s0', 's1', 's2'];

const id = fc.constantFrom(...IDS);
const scope = fc.constantFrom(0, 0, 0, 0, 0, 1);

/** What a step, or a callback, does. */
export type Act =
  | { readonly type: 'commit'; readonly name: string; readonly scope: number; readonly action: 'put' | 'delete' }
  | ({ readonly type: 'register'; readonly id: string; readonly scope: number } & Omit<DeviceOptions, 'scope'>)
  | { readonly type: 'unregister' | 'unsubscribe' | 'finish' | 'receive'; readonly id: string }
  | { readonly type: 'pull'; readonly id: string; readonly most: number }
  | { readonly type: 'turn' };

const commit = fc.record({
  type: fc.constant('commit' as const),
  name: fc.constantFrom(...NAMES),
  scope,
  action: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
});
const register = fc.record({
  type: fc.constant('register' as const),
  id,
  scope,
  pace: fc.constantFrom('at once' as const, 'by hand' as const, 'by hand' as const, 'pulled' as const),
  capacity: fc.oneof(fc.nat(2), fc.nat(8)),
  overflow: fc.constantFrom('catch-up', 'catch-up', 'catch-up', 'drop-incoming', 'drop-oldest', 'error'),
  replay: fc.constantFrom(false, true, 'with-deletes'),
});
const finish = fc.record({ type: fc.constant('finish' as const), id });
const pull = fc.record({ type: fc.constant('pull' as const), id, most: fc.integer({ min: 1, max: 4 }) });
const receive = fc.record({ type: fc.constant('receive' as const), id });
const leave = fc.record({ type: fc.constantFrom('unregister' as const, 'unsubscribe' as const), id });
const turn = fc.constant({ type: 'turn' as const });

export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 16, arbitrary: commit },
  { weight: 3, arbitrary: register as fc.Arbitrary<Act> },
  { weight: 6, arbitrary: finish },
  { weight: 3, arbitrary: pull },
  { weight: 2, arbitrary: receive },
  { weight: 1, arbitrary: leave },
  { weight: 1, arbitrary: turn },
);

/** What a run does, step by step: somebody is there from the start. */
export const steps = fc
  .tuple(
    fc.array(register as fc.Arbitrary<Act>, { minLength: 1, maxLength: 3 }),
    fc.array(act, { maxLength: 60, size: 'max' }),
  )
  .map(([first, then]) => [...first, ...then]);

/** What the callback does that comes `after` more callbacks than the one before. */
export const reaction = fc.record({ after: fc.nat(6), act });

export interface WorldOptions {
  readonly maxTombstones: number;
}

export const world: fc.Arbitrary<WorldOptions> = fc.record({ maxTombstones: fc.constantFrom(0, 1, 2, 3, Infinity) });

/**
 * A fan-out, what was committed to it, and devices of every speed; whatever the library calls may act in its turn.
 * It asserts, after every step and inside every callback, what holds always; `drain` asserts what holds in the end.
 */
export class World {
  readonly scheduler = new VirtualTimeScheduler();
  readonly catalog: DefinitionCatalog;
  readonly fanout: DefinitionSyncFanout;
  /** Everything committed; a frame's sequence is its place, counted from 1. */
  readonly commits: { readonly name: string; readonly scope: number; readonly action: 'put' | 'delete' }[] = [];
  readonly devices: Device[] = [];
  readonly #reactions: { after: number; readonly act: Act }[];
  readonly #errors: unknown[] = [];
  readonly #maxTombstones: number;
  #last = { delivered: 0, dropped: 0, superseded: 0, discarded: 0, offered: 0 };
  #depth = 0;
  #over = false;

  constructor({ maxTombstones }: WorldOptions, reactions: readonly { after: number; act: Act }[]) {
    this.#reactions = reactions.map((each) => ({ ...each }));
    this.#maxTombstones = maxTombstones;
    this.catalog = new DefinitionCatalog({ maxTombstones });
    this.fanout = new DefinitionSyncFanout({ catalog: this.catalog, logger: silent, scheduler: this.scheduler });
    this.fanout.events$.subscribe((event) => this.called(() => this.#told(event)));
    this.fanout.frames$.subscribe(() => this.called(() => undefined));
  }

  async step(step: Act): Promise<void> {
    const { length } = this.#reactions;
    this.#do(step);
    await told();
    this.#expectSettled();
    if (step.type === 'commit' && this.#reactions.length === length) this.#expectBounded(step.scope);
  }

  /** Whether something that the library called acts. */
  get inside(): boolean {
    return this.#depth > 1;
  }

  async complete(): Promise<void> {
    this.#over = true;
    this.fanout.complete();
    await told();
  }

  /** Called by everything that the library calls. */
  called(check: () => void): void {
    try {
      check();
      this.#expectBalance();
    } catch (error) {
      this.#errors.push(error);
    }
    const next = this.#reactions[0];
    if (next === undefined || next.after-- > 0) return;
    this.#reactions.shift();
    try {
      this.#do(next.act);
    } catch (error) {
      this.#errors.push(error);
    }
  }

  /** What the Origin holds behind a commit: name to sequence. */
  catalogAt(sequence: number, scopeIndex: number): Map<string, number> {
    const held = new Map<string, number>();
    this.commits.slice(0, sequence).forEach((each, index) => {
      if (each.scope !== scopeIndex) return;
      held.delete(each.name);
      if (each.action === 'put') held.set(each.name, index + 1);
    });
    return held;
  }

  /** Lets everybody take everything, with no more commits, and compares. */
  async drain(): Promise<void> {
    this.#reactions.length = 0;
    const { waiting } = this.fanout.stats();
    const given = this.devices.map((device) => device.got.length);
    const expected = this.devices.map((device) => device.stillWaiting());
    for (let busy = true; busy;) {
      this.scheduler.flush();
      busy = false;
      for (const device of this.devices) busy = device.take(Infinity) || device.finish() || busy;
      await told();
    }
    this.#expectSettled();
    const more = this.devices.map((device, index) => device.got.length - (given[index] ?? 0));
    expected.forEach((each, index) => each !== undefined && assert.equal(more[index], each, '`waiting` was exact'));
    assert.equal(sum(more), waiting, '`waiting` of all was exact');
    for (const device of this.devices) device.expectConverged();
    for (const [index, each] of SCOPES.entries()) {
      const snapshot = [...this.catalog.snapshot(each)].map(({ msg, sequence }) => [msg.name, sequence]);
      assert.deepEqual(snapshot, [...this.catalogAt(Infinity, index)]);
    }
  }

  expectOver(): void {
    const { activeSessions, ending, waiting, inFlight } = this.fanout.stats();
    assert.deepEqual({ activeSessions, ending, waiting, inFlight }, { activeSessions: 0, ending: 0, waiting: 0, inFlight: 0 }); // prettier-ignore
  }

  #do(step: Act): void {
    if (this.#depth > 20 || (this.#over && (step.type === 'commit' || step.type === 'register'))) return;
    this.#depth++;
    if (step.type === 'commit') this.#commit(step);
    else if (step.type === 'register') this.#register(step);
    else if (step.type === 'turn') this.scheduler.flush();
    else for (const device of this.devices) if (device.id === step.id) this.#toDevice(device, step);
    this.#depth--;
  }

  #commit({ name, scope: index, action }: Act & { type: 'commit' }): void {
    this.commits.push({ name, scope: index, action });
    this.fanout.broadcast(definition(name, { action, scope: SCOPES[index] }));
  }

  #register({ id: sessionId, scope: index, ...options }: Act & { type: 'register' }): void {
    const replaced = this.devices.filter((device) => device.id === sessionId && device.leftAt === undefined);
    for (const device of replaced) device.left();
    const device = new Device(this, sessionId, index, { ...options, scope: SCOPES[index] }, this.#maxTombstones);
    this.devices.push(device);
    device.register();
  }

  #toDevice(device: Device, step: Act): void {
    if (step.type === 'finish') device.finish();
    if (step.type === 'receive') device.receive();
    if (step.type === 'pull') device.take(step.most);
    if (step.type === 'unsubscribe') device.unsubscribe();
    if (step.type !== 'unregister' || device.leftAt !== undefined) return;
    device.left();
    this.fanout.unregister(device.id);
  }

  #told(event: FanoutEvent): void {
    if (event.type !== 'caught-up') return;
    // Of two of one id the event is the older one's only if that has not ended; both cannot be wrong.
    const all = this.devices.filter((device) => device.id === event.sessionId && device.started);
    assert.ok(all.length > 0);
    if (all.length === 1) all[0]?.expectGivenUpTo(event.sequence);
  }

  #expectBalance(): void {
    const all = { waiting: 0, inFlight: 0 };
    for (const session of this.fanout.sessions()) {
      const { offered, delivered, dropped, superseded, waiting, inFlight } = session;
      for (const count of [delivered, dropped, superseded, waiting, inFlight]) assert.ok(count >= 0);
      assert.equal(offered, delivered + dropped + superseded + waiting + inFlight);
      all.waiting += waiting;
      all.inFlight += inFlight;
    }
    const { offered, delivered, dropped, superseded, discarded, waiting, inFlight, ending } = this.fanout.stats();
    assert.equal(offered, delivered + dropped + superseded + discarded + waiting + inFlight);
    assert.ok(waiting >= all.waiting && inFlight >= all.inFlight);
    if (ending === 0) assert.deepEqual([waiting, inFlight], [all.waiting, all.inFlight]);
    const now = { delivered, dropped, superseded, discarded, offered };
    for (const count of Object.keys(now) as (keyof typeof now)[]) assert.ok(now[count] >= this.#last[count], count);
    this.#last = now;
  }

  /** What holds when no call of the library is under way. */
  #expectSettled(): void {
    if (this.#errors.length > 0) throw this.#errors[0];
    this.#expectBalance();
    for (const device of this.devices) device.expectSettled();
    const { delivered, inFlight } = this.fanout.stats();
    const given = sum(this.devices.map(({ got, failedInFlight }) => got.length - failedInFlight));
    assert.equal(delivered + inFlight, given);
  }

  /** With nobody behind, a commit leaves what exists and at most `maxTombstones` deletes. */
  #expectBounded(index: number): void {
    const frames = [...this.catalog.framesAfter(0, SCOPES[index])];
    const tombstones = frames.filter(({ msg }) => msg.action === 'delete').length;
    const behind = [...this.fanout.sessions()].some(
      ({ waiting, scope }) => waiting > 0 && scope?.tenantId === SCOPES[index]?.tenantId,
    );
    if (!behind) assert.ok(tombstones <= this.#maxTombstones);
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** Whoever awaits `receive()` learns of it in a microtask. */
async function told(): Promise<void> {
  for (let i = 0; i < 4; i++) await Promise.resolve();
}
