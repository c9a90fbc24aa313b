import type { Contender, Fanned } from '../contenders/contender.js';
import type { Runner } from './interleave.js';
import { message } from './message.js';

/** Operations that a round has at least, so that the clock's grain does not show. */
const OPERATIONS = 100_000;

export interface FannedRunnerOptions {
  readonly sessions: number;
  /** Frames that are broadcast before the sessions drain; default 1. */
  readonly burst?: number | undefined;
  /** What each operation adds one to; default `frames`. */
  readonly counts?: 'frames' | 'dropped' | undefined;
}

/** Broadcasts and, where frames wait, drains; an operation is one frame for one session. Checks that all arrived. */
export function fannedRunner(name: string, fanned: Fanned, options: FannedRunnerOptions): Runner {
  const { sessions, burst = 1, counts = 'frames' } = options;
  const msg = message();
  const operations = sessions * burst;
  let before = 0;
  const check = (): number => {
    const done = fanned.tally[counts] - before;
    if (done !== operations) throw new Error(`${name} handled ${done} frames of ${operations}`);
    return operations;
  };
  return {
    name,
    cycles: Math.max(1, Math.round(OPERATIONS / operations)),
    prepare() {
      if (counts === 'frames') fanned.occupy?.();
      before = fanned.tally[counts];
    },
    run() {
      for (let i = 0; i < burst; i++) fanned.broadcast(msg);
      const draining = fanned.drain?.();
      return draining === undefined ? check() : draining.then(check);
    },
    close: () => fanned.close?.(),
  };
}

/** One runner for each contender that has this mode. */
export function fannedRunners(
  contenders: readonly Contender[],
  mode: 'live' | 'queued' | 'full',
  options: FannedRunnerOptions,
): Runner[] {
  return contenders.flatMap((contender) => {
    const make = contender[mode];
    if (make === undefined) return [];
    const fanned = make(options.sessions);
    if (mode !== 'full') return [fannedRunner(contender.name, fanned, options)];
    return [fannedRunner(contender.name, { ...fanned, drain: undefined }, { ...options, counts: 'dropped' })];
  });
}
