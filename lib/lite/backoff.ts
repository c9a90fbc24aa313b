/** The most to wait for the next attempt after so many `failures` in a row, ms: it doubles with every one. */
export function longestWait(failures: number, initialDelay: number, maxDelay: number): number {
  return Math.min(maxDelay, initialDelay * 2 ** (failures - 1));
}

/**
 * The wait for that attempt, ms: anywhere up to the longest (full jitter), so that devices that were cut off together do not
 * come back together.
 */
export function fullJitter(failures: number, initialDelay: number, maxDelay: number): number {
  return Math.random() * longestWait(failures, initialDelay, maxDelay);
}
