import { describe, expect, it } from '@jest/globals';
import { NEVER, Observable } from 'rxjs';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import { emptyNursery } from '../helpers/collectGarbage.js';
import { silent } from '../helpers/fanout.js';
import type { Subscriber } from 'rxjs';
import type { FanoutOptions } from 'ddl-fanout';

// Bytes of heap, which no machine changes as it changes times.

const SESSIONS = 2_000;
/** Less than a word for each session: whatever is made is made once for all. */
const FOR_ALL = 8 * SESSIONS;
/** The facts of one: three fields and their header. */
const LOG_LINE = 6 * 8;
const ROUNDS = 8;
const msg = definition('f()');
const names = Array.from({ length: SESSIONS }, (_, i) => `session-${i}`);

/** What `work` allocates: the least of some rounds, since the engine's own work comes on top of others. */
function allocatedBy(work: () => void, prepare: () => void = () => undefined): number {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    prepare();
    emptyNursery();
    const before = process.memoryUsage().heapUsed;
    work();
    least = Math.min(least, process.memoryUsage().heapUsed - before);
  }
  return least;
}

function fanoutTo(deliver: () => Observable<never> | undefined, options: FanoutOptions = {}): DefinitionSyncFanout {
  const fanout = new DefinitionSyncFanout({ logger: silent, ...options });
  for (const name of names) fanout.register(name, deliver).subscribe();
  return fanout;
}

describe('the memory that is allocated', () => {
  it('by a broadcast does not grow with the sessions that are ready', () => {
    const fanout = fanoutTo(() => undefined);
    expect(allocatedBy(() => fanout.broadcast(msg))).toBeLessThan(FOR_ALL);
  });

  it('by a broadcast does not grow with the sessions for which the frame waits', () => {
    const fanout = fanoutTo(() => NEVER);
    fanout.broadcast(msg);
    expect(allocatedBy(() => fanout.broadcast(msg))).toBeLessThan(FOR_ALL);
    expect(fanout.stats().waiting).toBe(ROUNDS * SESSIONS);
  });

  it('by a broadcast does not grow with the sessions that are full', () => {
    const fanout = fanoutTo(() => NEVER, { capacity: 0 });
    fanout.broadcast(msg);
    expect(allocatedBy(() => fanout.broadcast(msg))).toBeLessThan(FOR_ALL);
    expect(fanout.framesDropped).toBe(ROUNDS * SESSIONS);
  });

  it('by completing what is in flight does not grow with the deliveries', () => {
    const inFlight: Subscriber<never>[] = [];
    const delivery = new Observable<never>((subscriber) => void inFlight.push(subscriber));
    const fanout = fanoutTo(() => delivery);
    const complete = (): void => {
      // By `forEach`: until it is compiled a loop allocates a result of the iterator for each.
      inFlight.forEach((subscriber) => subscriber.complete());
      inFlight.length = 0;
    };
    expect(allocatedBy(complete, () => fanout.broadcast(msg))).toBeLessThan(FOR_ALL);
    expect(fanout.stats()).toMatchObject({ delivered: ROUNDS * SESSIONS, inFlight: 0 });
  });

  it('by the end of all is what the log lines take, and no more', () => {
    const rounds = Array.from({ length: ROUNDS + 1 }, () => fanoutTo(() => undefined));
    // The first has the functions compiled.
    rounds.pop()?.complete();
    const bytes = allocatedBy(() => rounds.pop()?.complete());
    expect(bytes / SESSIONS).toBeLessThan(2 * LOG_LINE);
    expect(rounds).toEqual([]);
  });

  it('by a broadcast does not grow with the receivers, nor by taking from them', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const receivers = names.map((name) => fanout.receiver(name));
    let taken = 0;
    const work = (): void => {
      fanout.broadcast(msg);
      receivers.forEach((receiver) => (taken += receiver.tryReceive() === undefined ? 0 : 1));
    };
    expect(allocatedBy(work)).toBeLessThan(FOR_ALL);
    expect(taken).toBe(ROUNDS * SESSIONS);
  });
});
