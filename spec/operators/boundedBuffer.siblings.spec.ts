import { describe, expect, it } from '@jest/globals';
import { boundedBuffer } from 'ddl-fanout';
import fc from 'fast-check';
import { concatMap, exhaustMap, finalize, Observable, of, Subject } from 'rxjs';
import type { OperatorFunction, Subscriber } from 'rxjs';

type Effect = 'nothing' | 'push' | 'complete' | 'error' | 'unsubscribe' | 'finish';

/** What one delivery does. `begins`: effects while it is being subscribed, each behind a value of its own. */
type Inner =
  | { readonly kind: 'throws'; readonly before: Effect }
  | { readonly kind: 'ends at once'; readonly begins: readonly Effect[]; readonly end: 'complete' | 'error' }
  | { readonly kind: 'is steered'; readonly begins: readonly Effect[]; readonly teardown: Effect };

interface Script {
  /** Values that the source emits while it is being subscribed to. */
  readonly sync: number;
  readonly inners: readonly Inner[];
  readonly steps: readonly (Effect | 'next' | 'fail')[];
  /** What the consumer does on each value, in turn, and at the end. */
  readonly consumer: readonly Effect[];
  readonly last: Effect;
}

const NOTHING: Inner = { kind: 'ends at once', begins: [], end: 'complete' };

type Flatten = (project: (value: number, index: number) => Observable<string>) => OperatorFunction<number, string>;

const effect = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Effect>('nothing') },
  { weight: 4, arbitrary: fc.constant<Effect>('push') },
  { weight: 1, arbitrary: fc.constantFrom<Effect[]>('complete', 'error', 'unsubscribe', 'finish') },
);
const begins = fc.array(effect, { maxLength: 2 });

/**
 * B2's exception: what a delivery that completes synchronously does behind its completion (a teardown with effects, or
 * anything else before `subscribe` has returned) comes before the next begins. So such a delivery does nothing there,
 * and is not steered to an end while it is being subscribed to.
 */
function innerOf(teardown: fc.Arbitrary<Effect>): fc.Arbitrary<Inner> {
  const end = fc.oneof(
    { weight: 6, arbitrary: fc.constant('complete' as const) },
    { weight: 1, arbitrary: fc.constant('error' as const) },
  );
  return fc.oneof(
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('throws' as const), before: effect }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('ends at once' as const), begins, end }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('is steered' as const), begins, teardown }) },
  );
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('push' as const) },
  { weight: 4, arbitrary: fc.constant('finish' as const) },
  { weight: 2, arbitrary: fc.constant('next' as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('complete' as const, 'error' as const, 'unsubscribe' as const, 'fail' as const),
  },
);

function scriptOf(teardown: fc.Arbitrary<Effect>): fc.Arbitrary<Script> {
  return fc.record({
    sync: fc.nat({ max: 4 }),
    inners: fc.array(innerOf(teardown), { minLength: 1, maxLength: 6 }),
    steps: fc.array(step, { maxLength: 20, size: 'max' }),
    consumer: fc.array(effect, { minLength: 1, maxLength: 6 }),
    last: effect,
  });
}

/** Plays the script against one operator, and returns all that could be seen from outside, in order. */
function play({ sync, inners, steps, consumer, last }: Script, flatten: Flatten): string[] {
  const log: string[] = [];
  const stop = new Subject<void>();
  let source: Subscriber<number> | undefined = undefined as Subscriber<number> | undefined;
  let live: Subscriber<string> | undefined = undefined as Subscriber<string> | undefined;
  let pushed = 0;
  let received = 0;

  const act = (what: Effect | 'next' | 'fail'): void => {
    if (what !== 'nothing') log.push(`(${what}`);
    if (what === 'push' && pushed < 30) source?.next(pushed++);
    if (what === 'complete') source?.complete();
    if (what === 'error') source?.error(new Error('source'));
    if (what === 'unsubscribe') subscription.unsubscribe();
    if (what === 'next') live?.next('more');
    if (what === 'finish') live?.complete();
    if (what === 'fail') live?.error(new Error('inner'));
    if (what !== 'nothing') log.push(`${what})`);
  };

  const project = (value: number, index: number): Observable<string> => {
    log.push(`deliver ${value} ${index}`);
    const made = inners[value % inners.length] ?? NOTHING;
    if (made.kind === 'throws') {
      act(made.before);
      throw new Error(`deliver ${value}`);
    }
    return new Observable((subscriber) => {
      log.push(`subscribe ${value}`);
      for (const what of made.begins) {
        subscriber.next(`${value}`);
        act(what === 'finish' ? 'push' : what);
      }
      if (made.kind === 'is steered') {
        live = subscriber;
        return () => {
          log.push(`teardown ${value}`);
          act(made.teardown);
        };
      }
      if (made.end === 'complete') subscriber.complete();
      else subscriber.error(new Error('inner'));
      return undefined;
    });
  };

  const values = new Observable<number>((subscriber) => {
    source = subscriber;
    for (let i = 0; i < sync; i++) act('push');
    return () => log.push('teardown source');
  });

  const subscription = stop.subscribe();
  subscription.add(
    values.pipe(flatten(project)).subscribe({
      next: (value) => {
        log.push(`value ${value}`);
        act(consumer[received++ % consumer.length] ?? 'nothing');
      },
      error: (error: unknown) => {
        log.push(`error ${String(error)}`);
        act(last);
      },
      complete: () => {
        log.push('complete');
        act(last);
      },
    }),
  );
  for (const what of steps) act(what);
  return log;
}

/** Plays many scripts against both, and compares. */
function expectSiblings(capacity: number, sibling: Flatten, teardown: fc.Arbitrary<Effect>): void {
  fc.assert(
    fc.property(scriptOf(teardown), (script) => {
      const ours = play(script, (project) => boundedBuffer(project, { capacity }));
      expect(ours).toEqual(play(script, sibling));
    }),
    { numRuns: 1_000 },
  );
}

describe('boundedBuffer at its limits', () => {
  it('is exhaustMap at capacity 0, down to the order of completion and teardown', () => {
    expectSiblings(0, (project) => exhaustMap(project), effect);
  });

  // It used to drop the value: its place was freed only when `subscribe` had returned.
  it('takes at capacity 0 what arrives while an inner that has completed is torn down, as exhaustMap does', () => {
    const playedBy = (
      take: (deliver: (value: number) => Observable<number>) => OperatorFunction<number, number>,
    ): number[] => {
      const source = new Subject<number>();
      const emitted: number[] = [];
      const again = (value: number) => () => {
        if (value < 3) source.next(value + 1);
      };
      source.pipe(take((value) => of(value).pipe(finalize(again(value))))).subscribe((value) => emitted.push(value));
      source.next(1);
      return emitted;
    };
    expect(playedBy((deliver) => exhaustMap(deliver))).toEqual([1, 2, 3]);
    expect(playedBy((deliver) => boundedBuffer(deliver, { capacity: 0 }))).toEqual([1, 2, 3]);
  });

  it('is concatMap at capacity Infinity, down to the order of completion and teardown', () => {
    // concatMap goes on delivering when a teardown ends the result; B5 forbids that, and the next case shows it.
    const harmless = effect.filter((what) => what !== 'error' && what !== 'unsubscribe');
    expectSiblings(Infinity, (project) => concatMap(project), harmless);
  });

  it.each<[string, number, (deliver: (value: number) => Observable<number>) => OperatorFunction<number, number>]>([
    ['exhaustMap', 0, (deliver) => exhaustMap(deliver)],
    ['concatMap', Infinity, (deliver) => concatMap(deliver)],
  ])('completes with the last delivery of all, before what that started with is torn down, as %s does', (...row) => {
    const [, capacity, sibling] = row;
    const play = (take: (deliver: (value: number) => Observable<number>) => OperatorFunction<number, number>) => {
      const log: string[] = [];
      const source = new Subject<number>();
      const first = new Subject<number>();
      const torn = (value: number) => finalize<number>(() => log.push(`torn ${value}`));
      const deliver = (value: number): Observable<number> => {
        if (value === 1) return first.pipe(torn(1));
        if (value === 3) source.complete();
        return of(value).pipe(torn(value));
      };
      source.pipe(take(deliver)).subscribe({ next: (v) => log.push(`${v}`), complete: () => log.push('complete') });
      source.next(1);
      source.next(2);
      first.complete();
      source.next(3);
      return log;
    };
    const theirs = play(sibling);
    expect(theirs.slice(-2)).toEqual(['complete', 'torn 3']);
    expect(play((deliver) => boundedBuffer(deliver, { capacity }))).toEqual(theirs);
  });

  it.each<[string, number, (deliver: (value: number) => Observable<number>) => OperatorFunction<number, number>]>([
    ['exhaustMap', 0, (deliver) => exhaustMap(deliver)],
    ['concatMap', Infinity, (deliver) => concatMap(deliver)],
  ])('tears down what was there before the last delivery completed in the order of %s', (_name, capacity, sibling) => {
    const play = (take: (deliver: (value: number) => Observable<number>) => OperatorFunction<number, number>) => {
      const log: string[] = [];
      const source = new Subject<number>();
      const first = new Subject<number>();
      const last = new Observable<number>((subscriber) => {
        subscriber.add(() => log.push('torn'));
        source.complete();
        subscriber.next(1);
        subscriber.complete();
        log.push('returned');
      });
      const deliver = (value: number) => (value === 1 ? first : last);
      source.pipe(take(deliver)).subscribe({ next: (v) => log.push(`${v}`), complete: () => log.push('complete') });
      source.next(1);
      if (capacity > 0) source.next(2);
      first.complete();
      if (capacity === 0) source.next(2);
      return log;
    };
    expect(play((deliver) => boundedBuffer(deliver, { capacity }))).toEqual(play(sibling));
  });

  it.each<Effect>(['error', 'unsubscribe'])(
    'delivers no more when the teardown of a delivery ends the result by %s',
    (teardown) => {
      const inners: Inner[] = [{ kind: 'is steered', begins: ['push'], teardown }];
      const script: Script = { sync: 1, inners, steps: ['finish'], consumer: ['nothing'], last: 'nothing' };
      const delivered = (flatten: Flatten) => play(script, flatten).filter((line) => line.startsWith('deliver'));
      expect(delivered((project) => boundedBuffer(project, { capacity: Infinity }))).toEqual(['deliver 0 0']);
      expect(delivered((project) => concatMap(project))).toEqual(['deliver 0 0', 'deliver 1 1']);
    },
  );
});
