/**
 * The wait before attempt number `failures` in a row, ms: anywhere between 0 and a ceiling that doubles with every failure
 * (full jitter), so that devices that were cut off together do not come back together.
 */
export function fullJitter(failures: number, initialDelay: number, maxDelay: number): number {
  return Math.random() * Math.min(maxDelay, initialDelay * 2 ** Math.min(failures - 1, 52));
}
