import { describe, expect, it } from '@jest/globals';
import { fullJitter, longestWait } from '../../lib/lite/backoff.js';

describe('longestWait', () => {
  it('doubles with every failure up to `maxDelay`, and stays there however many come', () => {
    const waits = [1, 2, 3, 6, 7, 1_000, 10_000].map((failures) => longestWait(failures, 500, 30_000));
    expect(waits).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000]);
  });
});

describe('fullJitter', () => {
  it.each([1, 7, 10_000])('is a part of the longest wait (%i failures)', (failures) => {
    const wait = fullJitter(failures, 500, 30_000);
    expect(wait >= 0 && wait < longestWait(failures, 500, 30_000)).toBe(true);
  });
});
