import assert from 'node:assert/strict';
import type { DefinitionFrame, DefinitionReceiver, SessionOptions } from 'ddl-fanout';
import { EMPTY, Observable, Subject, type Subscriber } from 'rxjs';
import type { World } from './world.js';

export interface DeviceOptions extends SessionOptions {
  /** `at once`: takes all synchronously; `by hand`: each until `finish()`; `pulled`: a receiver. */
  readonly pace: 'at once' | 'by hand' | 'pulled';
}

/** One session, and everything it was given. */
export class Device {
  readonly got: DefinitionFrame[] = [];
  /** The newest frame that had been dispatched, or was under way, when it registered. */
  registeredAt = 0;
  /** The newest frame that had been dispatched, or was under way, when it began to leave. */
  leftAt: number | undefined = undefined;
  /** It let go of what waited: unsubscribed or failed. */
  discarded = false;
  failedInFlight = 0;
  started = false;
  #replayed = 0;
  #receiver: DefinitionReceiver | undefined = undefined;
  #awaited = 0;
  #inFlight: Subject<never> | undefined = undefined;
  #delivering = false;
  #taking = false;
  #leftInside = false;
  #output: Subscriber<never> | undefined = undefined;

  constructor(
    private readonly world: World,
    readonly id: string,
    readonly scope: number,
    private readonly options: DeviceOptions,
    private readonly maxTombstones: number,
  ) {}

  register(): void {
    const { world, id, options } = this;
    const { pace, ...session } = options;
    this.registeredAt = world.fanout.stats().broadcast;
    const { length } = [...world.catalog.framesAfter(0, options.scope)];
    const live = [...world.catalog.snapshot(options.scope)].length;
    this.#replayed = options.replay === true ? live : options.replay === 'with-deletes' ? length : 0;
    this.started = true;
    if (pace === 'pulled') {
      this.#receiver = world.fanout.receiver(id, session);
      if (this.discarded) void this.#receiver.return();
      return;
    }
    const session$ = world.fanout.register(id, (frame) => this.#deliver(frame), session);
    const stoppable$ = new Observable<never>((output) => {
      this.#output = output;
      return session$.subscribe(output);
    });
    stoppable$.subscribe({
      complete: () => this.#end(),
      error: () => {
        this.#discard();
        this.#end();
      },
    });
  }

  /** Completes the delivery in flight; returns whether there was one. */
  finish(): boolean {
    const inFlight = this.#inFlight;
    this.#inFlight = undefined;
    // Unsubscribed: the session has failed, and this device is about to be told.
    if (inFlight?.observed === false) this.failedInFlight = 1;
    inFlight?.complete();
    return inFlight !== undefined;
  }

  /** Takes up to `most` frames that wait; returns whether there was one. */
  take(most: number): boolean {
    let taken = 0;
    // A call inside another (told on `events$`) would return a later frame before that one returns its own.
    while (taken < most && this.#awaited === 0 && !this.#taking) {
      const { length } = this.world.commits;
      const could = this.#receiver?.waiting ?? 0;
      this.#taking = true;
      const frame = this.#receiver?.tryReceive();
      this.#taking = false;
      const same = length === this.world.commits.length;
      if (same) assert.equal(frame !== undefined, could > 0, '`waiting` says what tryReceive() gives');
      if (frame === undefined) break;
      this.got.push(frame);
      taken++;
    }
    return taken > 0;
  }

  receive(): void {
    if (this.#receiver === undefined || this.#taking) return;
    this.#awaited++;
    const done = (frame?: DefinitionFrame): void => {
      this.#awaited--;
      if (frame !== undefined) this.got.push(frame);
    };
    this.#taking = true;
    const received = this.#receiver.receive();
    this.#taking = false;
    received.then(done, () => done());
  }

  unsubscribe(): void {
    if (!this.started) return;
    this.#discard();
    this.left();
    this.#output?.unsubscribe();
    void this.#receiver?.return();
  }

  left(): void {
    if (this.leftAt !== undefined) return;
    this.leftAt = this.world.fanout.stats().broadcast;
    this.#leftInside = this.world.inside;
  }

  /** Frames that it will yet be given if nothing commits any more; `undefined`: nobody tells of a session that leaves. */
  stillWaiting(): number | undefined {
    if (this.discarded) return 0;
    if (this.#receiver !== undefined) return this.#receiver.waiting;
    return this.leftAt === undefined ? this.world.fanout.session(this.id)?.waiting : undefined;
  }

  expectSettled(): void {
    const sequences = this.got.map(({ sequence }) => sequence);
    sequences.forEach((sequence, index) => assert.ok(sequence > (sequences[index - 1] ?? 0), 'sequences rise'));
    for (const { sequence, msg } of this.got) {
      const { name, action, scope } = this.world.commits[sequence - 1] ?? {};
      assert.deepEqual([msg.name, msg.action, this.scope], [name, action, scope]);
    }
    if (this.options.replay === false) assert.ok((sequences[0] ?? Infinity) > this.registeredAt);
    const stats = this.leftAt === undefined && !this.discarded ? this.world.fanout.session(this.id) : undefined;
    if (stats === undefined) return;
    const { length } = this.world.commits.slice(this.registeredAt).filter(({ scope }) => scope === this.scope);
    assert.equal(stats.offered, this.#replayed + length, 'every frame of its scope was offered once');
    if (this.#awaited === 0) assert.equal(stats.delivered + stats.inFlight, this.got.length);
    if (this.options.overflow === 'catch-up') assert.equal(stats.dropped, 0);
  }

  expectGivenUpTo(sequence: number): void {
    if (!this.#complete() || this.#receiver !== undefined) return;
    const held = this.#fold(this.got.filter((frame) => frame.sequence <= sequence));
    assert.deepEqual(sorted(held), sorted(this.world.catalogAt(sequence, this.scope)), 'caught up');
  }

  /** Holds what the Origin holds, or held when this device began to leave. */
  expectConverged(): void {
    if (this.discarded || !this.#complete()) return;
    if (this.options.overflow !== 'catch-up') return;
    const held = sorted(this.#fold(this.got));
    const until = this.leftAt ?? Infinity;
    const expected = sorted(this.world.catalogAt(until, this.scope));
    // One that leaves during a broadcast may have been before it.
    const before = sorted(this.world.catalogAt(until - 1, this.scope));
    if (this.#leftInside && JSON.stringify(held) === JSON.stringify(before)) return;
    assert.deepEqual(held, expected);
  }

  /** Whether what it was given tells the whole catalog. */
  #complete(): boolean {
    return this.options.replay !== false || this.registeredAt === 0;
  }

  #deliver(frame: DefinitionFrame): Observable<never> | undefined {
    this.got.push(frame);
    const { discarded } = this;
    this.#delivering = true;
    this.world.called(() => assert.equal(discarded, false, 'nothing behind the end'));
    this.#delivering = false;
    if (this.options.pace === 'at once') return frame.sequence % 2 === 0 ? EMPTY : undefined;
    if (!this.discarded) this.#inFlight = new Subject();
    return this.#inFlight;
  }

  #end(): void {
    this.left();
    this.world.called(() => undefined);
  }

  #discard(): void {
    if (this.discarded) return;
    this.discarded = true;
    if (this.#delivering || this.#inFlight !== undefined) this.failedInFlight = 1;
    this.#inFlight = undefined;
  }

  /** A device that replays with deletes comes with everything that ever was, as long as no delete was forgotten. */
  #fold(frames: readonly DefinitionFrame[]): Map<string, number> {
    const held = new Map<string, number>();
    if (this.options.replay === 'with-deletes' && this.maxTombstones === Infinity) {
      this.world.commits.slice(0, this.registeredAt).forEach(({ name, scope }) => {
        if (scope === this.scope) held.set(name, 0);
      });
    }
    for (const { msg, sequence } of frames) {
      if (msg.action === 'delete') held.delete(msg.name);
      else held.set(msg.name, sequence);
    }
    return held;
  }
}

function sorted(held: Map<string, number>): [string, number][] {
  return [...held].sort(([a], [b]) => (a < b ? -1 : 1));
}
