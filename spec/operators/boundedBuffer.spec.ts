import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { boundedBuffer, type BoundedBufferOptions, FanoutError } from 'ddl-fanout';
import { failingDelivery, marbles, slowDelivery, stalledDelivery } from 'ddl-fanout/testing';
import { concat, defer, EMPTY, from, NEVER, Observable, of, range, Subject, take, throwError } from 'rxjs';
import type { ObservableInput } from 'rxjs';
import { unhandledIn } from '../helpers/fanout.js';

/** What zx returns is one. */
class Tagged<T> extends Promise<T> {
  override get [Symbol.toStringTag](): string {
    return 'Tagged';
  }
}

type Strategy = NonNullable<BoundedBufferOptions<unknown>['overflow']>;

/** The code of one of the library's errors, or the text of any other. */
function codeOf(error: unknown): string {
  return error instanceof FanoutError ? error.code : String(error);
}

/** What overflows when `count` values come and none is ever delivered, and the error if there is one. */
function flood(count: number, options: { capacity: number; overflow: Strategy }): (number | string)[] {
  const victims: (number | string)[] = [];
  range(0, count)
    .pipe(boundedBuffer<number>(stalledDelivery(), { ...options, onOverflow: (victim) => victims.push(victim) }))
    .subscribe({ error: (error: unknown) => victims.push(codeOf(error)) });
  return victims;
}

/** A source that is pushed by hand, a delivery that is finished by hand, and what was delivered, dropped and told. */
function byHand(options: BoundedBufferOptions<string> = {}) {
  const source = new Subject<string>();
  const log: string[] = [];
  const inners: Subject<string>[] = [];
  const deliver = (value: string) => {
    log.push(value);
    const inner = new Subject<string>();
    inners.push(inner);
    return inner;
  };
  const subscription = source.pipe(boundedBuffer(deliver, options)).subscribe({
    next: (value) => log.push(`next ${value}`),
    error: (error: unknown) => log.push(codeOf(error)),
    complete: () => log.push('|'),
  });
  const push = (...values: string[]) => values.forEach((value) => source.next(value));
  return { source, push, log, inners, subscription, finish: () => inners.at(-1)?.complete() };
}

describe('boundedBuffer', () => {
  it('delivers one at a time, lets `capacity` wait, and drops beyond that', () => {
    const dropped: string[] = [];
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('  -abc-----d----|');
      const sourceSubs = '  ^-------------!';
      const expected = '    -a---b---d----|';
      const send = (x: string) => cold('x---|', { x });
      const result = source.pipe(boundedBuffer(send, { capacity: 1, onOverflow: (value) => dropped.push(value) }));
      expectObservable(result).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(sourceSubs);
    });
    expect(dropped).toEqual(['c']);
  });

  describe('order, and one in flight (B1)', () => {
    it('delivers in arrival order, and subscribes to one delivery at most', () => {
      marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
        const source = hot('  abc--------d--|');
        const inner = cold('  --x|           ');
        const innerSubs = [
          '                   ^--!           ',
          '                   ---^--!        ',
          '                   ------^--!     ',
          '                   -----------^--!',
        ];
        const expected = '    --x--x--x----x|';
        expectObservable(source.pipe(boundedBuffer(() => inner))).toBe(expected);
        expectSubscriptions(inner.subscriptions).toBe(innerSubs);
      });
    });

    it('counts deliveries in `index`, not arrivals', () => {
      const calls: string[] = [];
      const source = new Subject<string>();
      const inner = new Subject<never>();
      const deliver = (value: string, index: number) => {
        calls.push(`${index} ${value}`);
        return index === 0 ? inner : undefined;
      };
      source.pipe(boundedBuffer(deliver, { capacity: 1 })).subscribe();
      for (const value of ['a', 'b', 'lost']) source.next(value);
      inner.complete();
      source.next('c');
      expect(calls).toEqual(['0 a', '1 b', '2 c']);
    });
  });

  describe('what a delivery is (B2)', () => {
    it('is done at once when `deliver` returns nothing', () => {
      const seen: string[] = [];
      marbles(({ hot, expectObservable }) => {
        const source = hot('  -(abc)-d-|');
        const expected = '    ---------|';
        const result = source.pipe(boundedBuffer((value) => void seen.push(value), { capacity: 0 }));
        expectObservable(result).toBe(expected);
      });
      expect(seen).toEqual(['a', 'b', 'c', 'd']);
    });

    it('lasts until the inner completes, and emits all that it emits', () => {
      marbles(({ hot, cold, expectObservable }) => {
        const source = hot('  a-b------|');
        const inner = cold('  -x-(x|)   ');
        const expected = '    -x-xx-x--|';
        expectObservable(source.pipe(boundedBuffer(() => inner))).toBe(expected);
      });
    });

    it('takes an inner that completes without a value for delivered', () => {
      marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
        const source = hot('  ab----c|   ');
        const inner = cold('  --|        ');
        const innerSubs = [
          '                   ^-!        ',
          '                   --^-!      ',
          '                   ------^-!  ',
        ];
        const expected = '    --------|  ';
        expectObservable(source.pipe(boundedBuffer(() => inner))).toBe(expected);
        expectSubscriptions(inner.subscriptions).toBe(innerSubs);
      });
    });

    it('never ends when an inner never does', () => {
      marbles(({ hot, expectObservable, expectSubscriptions }) => {
        const source = hot('  ab-|   ');
        const subs = '        ^--!   ';
        const expected = '    -------';
        expectObservable(source.pipe(boundedBuffer(stalledDelivery()))).toBe(expected);
        expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    it.each<[string, () => ObservableInput<number>]>([
      ['an Observable', () => of(1, 2)],
      ['an array', () => [1, 2]],
      ['an iterable', () => new Set([1, 2])],
    ])('emits what %s emits', (_, deliver) => {
      const seen: (number | string)[] = [];
      of('a', 'b')
        .pipe(boundedBuffer(deliver))
        .subscribe({ next: (value) => seen.push(value), complete: () => seen.push('|') });
      expect(seen).toEqual([1, 2, 1, 2, '|']);
    });

    it.each<[string, (value: number) => ObservableInput<number>]>([
      ['a promise', (value) => Promise.resolve(value)],
      ['an async function', async (value) => Promise.resolve(value)],
      ['an async iterable', async function* (value) { yield Promise.resolve(value); }], // prettier-ignore
    ])('emits what %s gives, one after the other', async (_, deliver) => {
      const seen: number[] = [];
      await new Promise<void>((complete) => {
        of(1, 2, 3)
          .pipe(boundedBuffer(deliver))
          .subscribe({ next: (value) => seen.push(value), complete });
      });
      expect(seen).toEqual([1, 2, 3]);
    });

    it.each([null, 5, {}, Symbol('s')])('errors with a TypeError when `deliver` returns %p', (result) => {
      const errors: unknown[] = [];
      of('a')
        .pipe(boundedBuffer(() => result as never))
        .subscribe({ error: (error: unknown) => errors.push(error) });
      expect(errors).toEqual([expect.any(TypeError)]);
    });

    it.each([
      [1, '1'],
      [false, 'false'],
      [null, 'null'],
    ])('says that it was `deliver` that returned %p', (result, shown) => {
      let message = '';
      of('a')
        .pipe(boundedBuffer(() => result as never))
        .subscribe({ error: (error: unknown) => (message = (error as Error).message) });
      expect(message).toBe(`deliver must return nothing or an ObservableInput, got ${shown}`);
    });

    it('has returned from `subscribe` before the next begins, when it completes synchronously', () => {
      const log: string[] = [];
      const deliver = (value: string) =>
        new Observable<never>((inner) => {
          log.push(`subscribe ${value}`);
          inner.complete();
          log.push(`return ${value}`);
        });
      const source = new Subject<string>();
      source.pipe(boundedBuffer(deliver)).subscribe();
      source.pipe(take(1)).subscribe(() => source.next('b'));
      source.next('a');
      expect(log).toEqual(['subscribe a', 'return a', 'subscribe b', 'return b']);
    });
  });

  describe('capacity (B3)', () => {
    it.each([0, 1, 2, 3, 5, 8, 100])('lets exactly %p values wait, the one in flight not counted', (capacity) => {
      const first = capacity + 1;
      expect(flood(capacity + 3, { capacity, overflow: 'drop-incoming' })).toEqual([first, first + 1]);
      expect(flood(capacity + 1, { capacity, overflow: 'error' })).toEqual([]);
      expect(flood(capacity + 2, { capacity, overflow: 'error' })).toEqual([first, 'BUFFER_OVERFLOW']);
    });

    it('is 256 by default', () => {
      const { push, log, finish } = byHand();
      push(...Array.from({ length: 300 }, (_, i) => String(i)));
      for (let i = 0; i < 300; i++) finish();
      expect(log).toHaveLength(1 + 256);
      expect(log.at(-1)).toBe('256');
    });

    it('has a place again as soon as one is delivered', () => {
      const { push, log, finish } = byHand({ capacity: 2, onOverflow: (value) => log.push(`lost ${value}`) });
      push('a', 'b', 'c', 'd');
      finish();
      push('e', 'f');
      finish();
      finish();
      push('g', 'h', 'i');
      expect(log).toEqual(['a', 'lost d', 'b', 'lost f', 'c', 'e', 'lost i']);
    });

    it('is unlimited at Infinity', () => {
      expect(flood(10_000, { capacity: Infinity, overflow: 'error' })).toEqual([]);
    });

    it.each([-1, 1.5, NaN, -Infinity, '1', null, 1n])('refuses %p at call time', (capacity) => {
      const call = () => boundedBuffer(stalledDelivery(), { capacity: capacity as number });
      expect(call).toThrow(FanoutError);
      expect(call).toThrow(/^capacity must be a whole number of 0 or more, or Infinity, got /);
    });

    it('refuses other bad options at call time, and takes undefined', () => {
      expect(() => boundedBuffer('send' as never)).toThrow('deliver must be a function, got "send"');
      expect(() => boundedBuffer(stalledDelivery(), { overflow: 'drop-latest' as never })).toThrow(
        'overflow must be one of "drop-incoming", "drop-oldest", "error", got "drop-latest"',
      );
      expect(() => boundedBuffer(stalledDelivery(), { overflow: 'catch-up' as never })).toThrow(FanoutError);
      expect(() => boundedBuffer(stalledDelivery(), { onOverflow: 1 as never })).toThrow(
        'onOverflow must be a function',
      );
      const nothing = { capacity: undefined, overflow: undefined, onOverflow: undefined };
      expect(() => boundedBuffer(stalledDelivery(), nothing)).not.toThrow();
    });
  });

  describe('overflow (B4)', () => {
    it('drops the arriving value, by default', () => {
      marbles(({ hot, cold, expectObservable }) => {
        const source = hot('  abcd------e----|');
        const expected = '    a---b-----e----|';
        const send = (x: string) => cold('x---|', { x });
        expectObservable(source.pipe(boundedBuffer(send, { capacity: 1 }))).toBe(expected);
      });
    });

    it('drops the one that has waited longest, under drop-oldest', () => {
      const dropped: string[] = [];
      marbles(({ hot, cold, expectObservable }) => {
        const source = hot('  abcde----------|   ');
        const expected = '    a-----d-----e-----|';
        const send = (x: string) => cold('x-----|', { x });
        const options = { capacity: 2, overflow: 'drop-oldest', onOverflow: (x: string) => dropped.push(x) } as const;
        expectObservable(source.pipe(boundedBuffer(send, options))).toBe(expected);
      });
      expect(dropped).toEqual(['b', 'c']);
    });

    it('errors and unsubscribes from the source and from what is in flight, under error', () => {
      const dropped: string[] = [];
      marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
        const source = hot('  abc--d|');
        const sourceSubs = '  ^-!    ';
        const inner = cold('  x---|  ');
        const innerSubs = '   ^-!    ';
        const expected = '    x-#    ';
        const options = { capacity: 1, overflow: 'error', onOverflow: (x: string) => dropped.push(x) } as const;
        const error = new FanoutError(
          'BUFFER_OVERFLOW',
          'at most 1 values (the capacity) can wait, and one more arrived',
        );
        expectObservable(source.pipe(boundedBuffer(() => inner, options))).toBe(expected, undefined, error);
        expectSubscriptions(source.subscriptions).toBe(sourceSubs);
        expectSubscriptions(inner.subscriptions).toBe(innerSubs);
      });
      expect(dropped).toEqual(['c']);
    });

    it('tells `onOverflow` the victim and the running total, before the error', () => {
      const log: string[] = [];
      const onOverflow = (victim: number, total: number) => log.push(`${victim} is ${total}`);
      range(0, 5)
        .pipe(boundedBuffer(stalledDelivery(), { capacity: 1, onOverflow }))
        .subscribe();
      range(0, 5)
        .pipe(boundedBuffer(stalledDelivery(), { capacity: 1, overflow: 'error', onOverflow }))
        .subscribe({ error: () => log.push('error') });
      expect(log).toEqual(['2 is 1', '3 is 2', '4 is 3', '2 is 1', 'error']);
    });

    it.each<Strategy>(['drop-incoming', 'drop-oldest'])(
      'always drops the arriving value at capacity 0, under %s',
      (overflow) => {
        expect(flood(4, { capacity: 0, overflow })).toEqual([1, 2, 3]);
      },
    );

    it('errors at the second value at capacity 0, under error', () => {
      expect(flood(4, { capacity: 0, overflow: 'error' })).toEqual([1, 'BUFFER_OVERFLOW']);
    });

    it('drops undefined and null as any other value', () => {
      const dropped: unknown[] = [];
      of(undefined, null, undefined, null, 0)
        .pipe(
          boundedBuffer(stalledDelivery(), {
            capacity: 1,
            overflow: 'drop-oldest',
            onOverflow: (v) => dropped.push(v),
          }),
        )
        .subscribe();
      expect(dropped).toEqual([null, undefined, null]);
    });

    it('keeps the last of many, and counts the others, under drop-oldest', () => {
      const kept: number[] = [];
      const totals: number[] = [];
      const gate = new Subject<never>();
      const deliver = (value: number, index: number) => {
        kept.push(value);
        return index === 0 ? gate : undefined;
      };
      range(0, 501)
        .pipe(
          boundedBuffer(deliver, {
            capacity: 3,
            overflow: 'drop-oldest',
            onOverflow: (_, total) => totals.push(total),
          }),
        )
        .subscribe();
      gate.complete();
      expect(kept).toEqual([0, 498, 499, 500]);
      expect(totals).toHaveLength(497);
      expect(totals.at(-1)).toBe(497);
    });

    it.each<[Strategy, string[]]>([
      ['drop-incoming', ['1', '2', '3', '6']],
      ['drop-oldest', ['1', '4', '5', '6']],
    ])('keeps two of five while one is in flight, and takes the next, under %s', (overflow, expected) => {
      const { push, log, finish } = byHand({ capacity: 2, overflow });
      push('1', '2', '3', '4', '5');
      finish();
      finish();
      push('6');
      finish();
      expect(log).toEqual(expected);
    });
  });

  describe('a place that is freed while its delivery is being started (B2, B4)', () => {
    it.each<Strategy>(['drop-incoming', 'drop-oldest'])(
      'takes one value at capacity 0, and %s drops the next',
      (overflow) => {
        const source = new Subject<string>();
        const given: string[] = [];
        const dropped: string[] = [];
        const deliver = (value: string): Observable<never> => {
          given.push(value);
          return new Observable((subscriber) => {
            subscriber.complete();
            if (value === 'a') for (const next of ['b', 'c']) source.next(next);
          });
        };
        const onOverflow = (value: string): void => void dropped.push(value);
        source.pipe(boundedBuffer(deliver, { capacity: 0, overflow, onOverflow })).subscribe();
        source.next('a');
        expect([given, dropped]).toEqual([['a', 'b'], ['c']]);
      },
    );
  });

  describe('the end (B5)', () => {
    it('delivers what waits when the source completes, then completes', () => {
      marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
        const source = hot('  abc|         ');
        const sourceSubs = '  ^--!         ';
        const expected = '    a---b---c---|';
        const send = (x: string) => cold('x---|', { x });
        expectObservable(source.pipe(boundedBuffer(send))).toBe(expected);
        expectSubscriptions(source.subscriptions).toBe(sourceSubs);
      });
    });

    it('passes an error of the source on at once, and lets all go', () => {
      const delivered: string[] = [];
      marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
        const source = hot('  abc#   ');
        const inner = cold('  x-----|');
        const innerSubs = '   ^--!   ';
        const expected = '    x--#   ';
        const send = (value: string) => {
          delivered.push(value);
          return inner;
        };
        expectObservable(source.pipe(boundedBuffer(send))).toBe(expected);
        expectSubscriptions(inner.subscriptions).toBe(innerSubs);
      });
      expect(delivered).toEqual(['a']);
    });

    it('lets all go when its consumer unsubscribes', () => {
      const delivered: string[] = [];
      marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
        const source = hot('  abc------|');
        const subs = '        ^--!      ';
        const inner = cold('  x-----|   ');
        const expected = '    x---      ';
        const send = (value: string) => {
          delivered.push(value);
          return inner;
        };
        expectObservable(source.pipe(boundedBuffer(send)), subs).toBe(expected);
        expectSubscriptions(source.subscriptions).toBe(subs);
        expectSubscriptions(inner.subscriptions).toBe(subs);
      });
      expect(delivered).toEqual(['a']);
    });

    it('passes never and empty through', () => {
      marbles(({ expectObservable }) => {
        expectObservable(NEVER.pipe(boundedBuffer(stalledDelivery()))).toBe('-');
        expectObservable(EMPTY.pipe(boundedBuffer(stalledDelivery()))).toBe('|');
        const error = new Error('lost');
        expectObservable(throwError(() => error).pipe(boundedBuffer(stalledDelivery()))).toBe('#', undefined, error);
      });
    });

    it('subscribes to nothing when `deliver` itself unsubscribes', () => {
      const calls: string[] = [];
      const source = new Subject<string>();
      const deliver = (value: string) => {
        calls.push(value);
        subscription.unsubscribe();
        source.next('re-entrant');
        return defer(() => {
          calls.push('subscribed');
          return EMPTY;
        });
      };
      const subscription = source.pipe(boundedBuffer(deliver)).subscribe();
      source.next('a');
      source.next('b');
      expect(calls).toEqual(['a']);
    });

    it.each<[string, () => Promise<never>]>([
      ['the promise', () => Promise.reject(new Error('closed'))],
      ['the promise of a library with a tag of its own', () => Tagged.reject(new Error('closed'))],
      ['the promise of another realm', runInNewContext('() => Promise.reject(new Error("closed"))') as never],
    ])('ends no process when `deliver` unsubscribes, and %s that it returned rejects', async (_, write) => {
      // It closes its own connection, and then fails to write to it.
      const rejections: unknown[] = [];
      const listener = (reason: unknown) => rejections.push(reason);
      process.on('unhandledRejection', listener);
      const source = new Subject<string>();
      const deliver = () => {
        subscription.unsubscribe();
        return write();
      };
      const subscription = source.pipe(boundedBuffer(deliver)).subscribe();
      source.next('a');
      await new Promise((resolve) => setImmediate(resolve));
      process.off('unhandledRejection', listener);
      expect(rejections).toEqual([]);
    });

    it('drains no further when a delivery unsubscribes in the middle', () => {
      const { push, log, inners, subscription } = byHand();
      push('a', 'b', 'c');
      inners[0]?.subscribe({ complete: () => subscription.unsubscribe() });
      inners[0]?.complete();
      expect(log).toEqual(['a', 'b']);
      expect(inners[1]?.observed).toBe(false);
    });

    it('completes behind a value that `deliver` is busy with when the source completes inside it', () => {
      const log: string[] = [];
      const source = new Subject<string>();
      const deliver = (value: string) => {
        log.push(value);
        if (value === 'a') {
          source.next('b');
          source.complete();
        }
      };
      source.pipe(boundedBuffer(deliver)).subscribe({ complete: () => log.push('|') });
      source.next('a');
      expect(log).toEqual(['a', 'b', '|']);
    });

    it('stops a synchronous source, and a synchronous delivery, when its consumer has enough', () => {
      const asked: number[] = [];
      const count = (value: number) => defer(() => of(asked.push(value)));
      const endless = (function* () {
        for (let i = 0; ; i++) yield i;
      })();
      const inners = (value: number) => concat(count(value), count(value + 0.5));
      from(endless).pipe(boundedBuffer(inners), take(3)).subscribe();
      expect(asked).toEqual([0, 0.5, 1]);
    });

    it('ignores values that come after the end', () => {
      const { push, source, log } = byHand();
      push('a');
      source.error(new Error('lost'));
      push('b');
      expect(log).toEqual(['a', 'Error: lost']);
    });
  });

  describe('callbacks that throw (B6)', () => {
    it('errors when `deliver` throws, and unsubscribes from the source', () => {
      marbles(({ hot, expectObservable, expectSubscriptions }) => {
        const source = hot('  a-b-c|');
        const subs = '        ^-!   ';
        const expected = '    --#   ';
        const error = new Error('reset');
        const send = (value: string) => {
          if (value === 'b') throw error;
        };
        expectObservable(source.pipe(boundedBuffer(send))).toBe(expected, undefined, error);
        expectSubscriptions(source.subscriptions).toBe(subs);
      });
    });

    it('errors when a delivery errors, and lets go of what waits', () => {
      marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
        const source = hot('  abc---|');
        const subs = '        ^---!  ';
        const inner = cold('  x---#  ');
        const expected = '    x---#  ';
        expectObservable(source.pipe(boundedBuffer(() => inner))).toBe(expected);
        expectSubscriptions(source.subscriptions).toBe(subs);
        expectSubscriptions(inner.subscriptions).toBe(subs);
      });
    });

    it('errors when a value that waited is the one that fails', () => {
      const errors: unknown[] = [];
      of(1, 2, 3)
        .pipe(boundedBuffer(failingDelivery(2)))
        .subscribe({ error: (error: unknown) => errors.push(error) });
      expect(errors).toEqual([new Error('delivery 3 failed')]);
    });

    it('touches no other subscription', () => {
      const source = new Subject<string>();
      const seen: string[] = [];
      source.pipe(boundedBuffer(failingDelivery())).subscribe({ error: () => seen.push('failed') });
      source.pipe(boundedBuffer((value) => void seen.push(value))).subscribe();
      source.next('a');
      source.next('b');
      expect(seen).toEqual(['failed', 'a', 'b']);
    });

    it.each<Strategy>(['drop-incoming', 'drop-oldest'])(
      'reports what `onOverflow` throws and goes on, under %s',
      (overflow) => {
        const delivered: string[] = [];
        const unhandled = unhandledIn(({ hot }) => {
          const deliver = (value: string) => {
            delivered.push(value);
            return slowDelivery(5)(value);
          };
          const onOverflow = (victim: string) => {
            throw new Error(victim);
          };
          hot('abcd')
            .pipe(boundedBuffer(deliver, { capacity: 2, overflow, onOverflow }))
            .subscribe();
        });
        const victim = overflow === 'drop-oldest' ? 'b' : 'd';
        expect(unhandled).toEqual([new Error(victim)]);
        expect(delivered).toEqual(['a', 'b', 'c', 'd'].filter((value) => value !== victim));
      },
    );

    it('still errors with BUFFER_OVERFLOW when `onOverflow` throws, under error', () => {
      const codes: string[] = [];
      const onOverflow = () => {
        throw new Error('broken');
      };
      const unhandled = unhandledIn(() => {
        range(0, 5)
          .pipe(boundedBuffer(stalledDelivery(), { capacity: 1, overflow: 'error', onOverflow }))
          .subscribe({ error: (error: unknown) => codes.push(codeOf(error)) });
      });
      expect(codes).toEqual(['BUFFER_OVERFLOW']);
      expect(unhandled).toEqual([new Error('broken')]);
    });

    it('lets `onOverflow` unsubscribe, and raises no error then', () => {
      const { push, log, subscription, inners } = byHand({
        capacity: 1,
        overflow: 'error',
        onOverflow: () => subscription.unsubscribe(),
      });
      push('a', 'b', 'c', 'd');
      expect(log).toEqual(['a']);
      expect(inners[0]?.observed).toBe(false);
    });

    it('tells `onOverflow` nothing more once it has overflowed under error, whatever that sends', () => {
      const victims: string[] = [];
      const { push, log } = byHand({
        capacity: 0,
        overflow: 'error',
        onOverflow: (victim) => {
          victims.push(victim);
          push('more');
        },
      });
      push('a', 'b', 'c');
      expect(victims).toEqual(['b']);
      expect(log).toEqual(['a', 'BUFFER_OVERFLOW']);
    });

    it('lets `onOverflow` send values', () => {
      const { push, log, finish } = byHand({
        capacity: 1,
        overflow: 'drop-oldest',
        onOverflow: (victim) => victim === 'b' && push('again'),
      });
      push('a', 'b', 'c');
      finish();
      expect(log).toEqual(['a', 'again']);
    });
  });

  describe('re-entrancy and stack (B7)', () => {
    // An inner costs a hundred times what nothing costs; its stack would be full long before.
    const DELIVERIES: [number, string, () => ObservableInput<never> | undefined][] = [
      [1_000_000, 'that return nothing', () => undefined],
      [200_000, 'that complete synchronously', () => EMPTY],
    ];

    it('lets values that arrive during `deliver` wait their turn', () => {
      const log: string[] = [];
      const source = new Subject<number>();
      const deliver = (value: number) => {
        log.push(`begin ${value}`);
        if (value < 3) source.next(value + 1);
        log.push(`end ${value}`);
      };
      source.pipe(boundedBuffer(deliver)).subscribe();
      source.next(1);
      expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
    });

    it('lets values that arrive during an emission wait their turn', () => {
      const log: string[] = [];
      const source = new Subject<number>();
      source.pipe(boundedBuffer((value) => of(value, -value))).subscribe((value) => {
        log.push(`begin ${value}`);
        if (value > 0 && value < 3) source.next(value + 1);
        log.push(`end ${value}`);
      });
      source.next(1);
      const expected = [1, -1, 2, -2, 3, -3].flatMap((value) => [`begin ${value}`, `end ${value}`]);
      expect(log).toEqual(expected);
    });

    it('drops what arrives during `deliver` at capacity 0', () => {
      const seen: number[] = [];
      const source = new Subject<number>();
      const deliver = (value: number) => {
        seen.push(value);
        source.next(value + 1);
      };
      source.pipe(boundedBuffer(deliver, { capacity: 0 })).subscribe();
      source.next(1);
      source.next(10);
      expect(seen).toEqual([1, 10]);
    });

    it.each(DELIVERIES)('grows no stack in %i deliveries %s', (count, _, result) => {
      let delivered = 0;
      const deliver = () => {
        delivered++;
        return result();
      };
      range(0, count).pipe(boundedBuffer(deliver)).subscribe();
      expect(delivered).toBe(count);
    });

    it.each(DELIVERIES)('grows no stack in %i re-entrant deliveries %s', (count, _, result) => {
      let delivered = 0;
      const source = new Subject<number>();
      const deliver = (value: number) => {
        delivered++;
        if (value < count) source.next(value + 1);
        return result();
      };
      source.pipe(boundedBuffer(deliver, { capacity: 1 })).subscribe();
      source.next(1);
      expect(delivered).toBe(count);
    });

    it.each(DELIVERIES)('grows no stack when %i values wait for deliveries %s', (count, _, result) => {
      let delivered = 0;
      const gate = new Subject<never>();
      const deliver = (__: number, index: number) => {
        delivered++;
        return index === 0 ? gate : result();
      };
      range(0, count)
        .pipe(boundedBuffer(deliver, { capacity: Infinity }))
        .subscribe();
      gate.complete();
      expect(delivered).toBe(count);
    });
  });

  describe('state (B8)', () => {
    it('belongs to the subscription', () => {
      const victims: string[] = [];
      const buffered = boundedBuffer<string>(stalledDelivery(), {
        capacity: 1,
        onOverflow: (victim, total) => victims.push(`${victim} ${total}`),
      });
      const source = of('a', 'b', 'c').pipe(buffered);
      source.subscribe();
      source.subscribe();
      expect(victims).toEqual(['c 1', 'c 1']);
    });

    it('does nothing until it is subscribed to', () => {
      let subscribed = 0;
      const source = defer(() => of(++subscribed));
      const result = source.pipe(boundedBuffer(() => undefined));
      expect(subscribed).toBe(0);
      result.subscribe();
      expect(subscribed).toBe(1);
    });
  });

  describe('in a row', () => {
    it.each([1, 10, 256, 5, 128])(
      'lets a thousand values through a capacity of %p when all are taken at once',
      (capacity) => {
        const seen: number[] = [];
        range(0, 1_000)
          .pipe(boundedBuffer((value) => of(value), { capacity, overflow: 'error' }))
          .subscribe((value) => seen.push(value));
        expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
      },
    );

    it('keeps order and number through a chain of buffers', () => {
      const seen: number[] = [];
      const pass = (capacity: number) =>
        boundedBuffer((value: number) => of(value), { capacity, overflow: 'error' as const });
      range(0, 1_000)
        .pipe(pass(1), pass(10), pass(256), pass(1), pass(5), pass(128))
        .subscribe((value) => seen.push(value));
      expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    });

    it('accepts a hundred while nobody takes, and gives them in order', () => {
      const { push, log, finish } = byHand({ capacity: 99, overflow: 'error' });
      const values = Array.from({ length: 100 }, (_, i) => String(i));
      push(...values);
      for (let i = 0; i < 100; i++) finish();
      expect(log).toEqual(values);
    });
  });
});
