/** The most to wait before attempt number `failures` in a row, ms: it doubles with every failure. */
export function longestWait(failures: number, initialDelay: number, maxDelay: number): number {
  return Math.min(maxDelay, initialDelay * 2 ** Math.min(failures - 1, 52));
}

/**
 * The wait before that attempt, ms: anywhere up to the longest (full jitter), so that devices that were cut off together do not
 * come back together.
 */
export function fullJitter(failures: number, initialDelay: number, maxDelay: number): number {
  return Math.random() * longestWait(failures, initialDelay, maxDelay);
}
