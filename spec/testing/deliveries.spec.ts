import { describe, expect, it } from '@jest/globals';
import { failingDelivery, marbles, slowDelivery, stalledDelivery } from 'ddl-fanout/testing';

describe('deliveries', () => {
  it('the stalled one never ends', () => {
    marbles(({ expectObservable }) => {
      expectObservable(stalledDelivery()('a')).toBe('---');
    });
  });

  it('the slow one completes after its time', () => {
    marbles(({ expectObservable }) => {
      const deliver = slowDelivery(3);
      expectObservable(deliver('a')).toBe('---|');
      expectObservable(deliver('b')).toBe('---|');
    });
  });

  it('the failing one errors every delivery after the first few', () => {
    marbles(({ expectObservable }) => {
      const deliver = failingDelivery(2, new Error('reset'));
      expect([deliver('a'), deliver('b')]).toEqual([undefined, undefined]);
      for (const value of ['c', 'd']) {
        const result = deliver(value);
        if (result === undefined) throw new Error('delivered');
        expectObservable(result).toBe('#', undefined, new Error('reset'));
      }
    });
  });

  it('the failing one says which delivery failed', () => {
    marbles(({ expectObservable }) => {
      const deliver = failingDelivery(1);
      expect(deliver('a')).toBeUndefined();
      for (const number of [2, 3]) {
        const result = deliver('b');
        if (result === undefined) throw new Error('delivered');
        expectObservable(result).toBe('#', undefined, new Error(`delivery ${number} failed`));
      }
    });
  });

  it.each([
    ['duration', () => slowDelivery(-1)],
    ['duration', () => slowDelivery(NaN)],
    ['duration', () => slowDelivery(Infinity)],
    ['duration', () => slowDelivery('5' as unknown as number)],
    ['after', () => failingDelivery(0.5)],
  ])('throws BAD_OPTION for a bad %s', (option, make) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(option) as unknown }),
    );
  });
});
