import { AssertionError } from 'node:assert';
import { describe, expect, it } from '@jest/globals';
import { map, timer } from 'rxjs';
import { marbles } from 'ddl-fanout/testing';

describe('marbles', () => {
  it('compares values deeply', () => {
    marbles(({ cold, expectObservable }) => {
      const source = cold('-a-b-|').pipe(map((name) => ({ name, bytes: Uint8Array.of(1, 2) })));
      const value = (name: string) => ({ name, bytes: Uint8Array.of(1, 2) });
      expectObservable(source).toBe('-a-b-|', { a: value('a'), b: value('b') });
    });
  });

  it('throws an AssertionError when a value, a frame or a subscription differs', () => {
    const differs = (marblesOf: string, bytes: number) => () => {
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold('-a|').pipe(map(() => Uint8Array.of(1)))).toBe(marblesOf, { a: Uint8Array.of(bytes) });
      });
    };
    expect(differs('-a|', 1)).not.toThrow();
    expect(differs('-a|', 2)).toThrow(AssertionError);
    expect(differs('--(a|)', 1)).toThrow(AssertionError);
    expect(() => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const source = cold('-a|');
        expectObservable(source).toBe('-a|');
        expectSubscriptions(source.subscriptions).toBe('^--!');
      });
    }).toThrow(AssertionError);
  });

  it('runs timers in virtual time', () => {
    marbles(({ expectObservable }) => {
      expectObservable(timer(3_600_000)).toBe('3600s (a|)', { a: 0 });
    });
  });

  it('refuses a body that is async, whose later expectations nobody would look at', async () => {
    const late: () => unknown = async () => {
      await Promise.resolve();
      throw new Error('nobody hears of this');
    };
    expect(() => {
      marbles(late);
    }).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    await Promise.resolve();
  });

  it('throws on what the body throws', () => {
    expect(() => {
      marbles(() => {
        throw new RangeError('mine');
      });
    }).toThrow(RangeError);
  });
});
