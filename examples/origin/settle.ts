import { setTimeout as sleep } from 'node:timers/promises';
import type { OriginNode } from './node.js';
import type { Origin } from './origin.js';
import { holdingsOf, type Participant } from './sessions.js';
import { inDatabase, same } from './truth.js';

/** How long nothing must have come, ms, before a device that lost frames is taken to have all that it gets. */
const QUIET = 500;

/**
 * Waits until every device holds what the database holds; where frames may be dropped, until those that do not have got
 * all that they get. At most `limit` ms, and no longer than until `stop`.
 */
export async function settle(origin: Origin, limit: number, stop: AbortSignal): Promise<void> {
  const { db, nodes, overflow, participants } = origin;
  const database = await inDatabase(db);
  const mayLose = overflow.startsWith('drop');
  const deadline = performance.now() + limit;
  let quietSince = performance.now();
  let before = -1;
  while (!stop.aborted && performance.now() < deadline) {
    const now = storedBy(participants);
    if (now !== before) quietSince = performance.now();
    before = now;
    if (nodes.every(isIdle)) {
      if (participants.every((participant) => same(holdingsOf(participant), database))) return;
      if (mayLose && performance.now() - quietSince > QUIET) return;
    }
    await sleep(20);
  }
}

const storedBy = (participants: readonly Participant[]): number =>
  participants.reduce((sum, { ages }) => sum + ages.length, 0);

function isIdle({ fanout }: OriginNode): boolean {
  const { waiting, inFlight } = fanout.stats();
  return waiting + inFlight === 0;
}
