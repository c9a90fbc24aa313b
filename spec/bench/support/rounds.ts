import type { GroupOptions } from './figure.js';
import type { Rounds } from './interleave.js';

/** Rounds that suit the number of sessions: what is small is noisy, what is large takes long. */
export function roundsFor(size: number, { effort }: GroupOptions): Rounds {
  const rounds = size <= 1_000 ? 31 : size <= 10_000 ? 21 : 9;
  return { warmUp: size <= 1_000 ? 12 : 3, rounds: Math.max(3, Math.round(rounds * effort)) };
}
