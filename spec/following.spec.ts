import { afterEach, describe, expect, it } from '@jest/globals';
import { boundedBuffer, DefinitionSyncFanout } from 'ddl-fanout';
import { concatMap, config, finalize, from, map, Observable, observable, of, Subject, Subscription } from 'rxjs';
import { broadcast, silent, unhandledIn } from './helpers/fanout.js';
import { alive } from './helpers/garbage.js';
import type { ObservableInput, Observer, OperatorFunction, Subscriber } from 'rxjs';

/** An Observable of another library: all that RxJS asks of it is this method. */
function foreign(subscribe: (observer: Observer<string>) => { unsubscribe(): void }): ObservableInput<string> {
  const input: object = { subscribe, [observable]: () => input };
  return input as ObservableInput<string>;
}

/** As RxJS 6 does: it calls the methods on an object that only inherits from what it was given. */
function wrapping(emit: (observer: Observer<string>) => void): ObservableInput<string> {
  return foreign((observer) => {
    emit(Object.create(observer) as Observer<string>);
    return { unsubscribe: () => undefined };
  });
}

/** As the Observable proposal for ECMAScript has it: an observer with a method `start` is given the subscription. */
function starting(emit: (observer: Observer<string>) => void): ObservableInput<string> {
  return foreign((observer) => {
    const subscription = { unsubscribe: () => undefined };
    (observer as { start?: (subscription: object) => void }).start?.(subscription);
    emit(observer);
    return subscription;
  });
}

function throwing(): void {
  throw new Error('in a teardown');
}

/** Plays `source$` through the operator; what came out, as text. */
function resultOf(capacity: number, deliver: (value: number) => ObservableInput<string>): string[] {
  const log: string[] = [];
  from([1, 2])
    .pipe(boundedBuffer(deliver, { capacity }))
    .subscribe({
      next: (value) => log.push(value),
      error: (error: unknown) => log.push(String(error)),
      complete: () => log.push('|'),
    });
  return log;
}

describe.each([0, Infinity])('a delivery with capacity %p', (capacity) => {
  it.each([
    ['wraps its observer', wrapping],
    ['calls `start` of its observer', starting],
  ])('may be an Observable of a library that %s', (_, make) => {
    const done = (value: number): ObservableInput<string> =>
      make((observer) => {
        observer.next(`${value}`);
        observer.complete();
      });
    expect(resultOf(capacity, done)).toEqual(['1', '2', '|']);
    const failing = (): ObservableInput<string> => make((observer) => observer.error('broken'));
    expect(resultOf(capacity, failing)).toEqual(['broken']);
  });

  it.each<[string, (delivery: Subject<string>) => void, string[]]>([
    ['emits', (delivery) => delivery.next('x'), ['a fails', 'b x']],
    ['completes', (delivery) => delivery.complete(), ['a |', 'b |']],
    ['fails', (delivery) => delivery.error(new Error('broken')), ['a fails', 'b fails']],
  ])('that %s reaches all who share it, whatever the consumer of one throws in its teardown', (_, act, expected) => {
    const errors = unhandledIn(() => {
      const delivery = new Subject<string>();
      const source = new Subject<number>();
      const log: string[] = [];
      const watch = (name: string): Partial<Observer<string>> => ({
        next: (value) => log.push(`${name} ${value}`),
        error: () => log.push(`${name} fails`),
        complete: () => log.push(`${name} |`),
      });
      const buffered = source.pipe(boundedBuffer(() => delivery, { capacity }));
      const failing = map((): string => {
        throw new Error('in a consumer');
      });
      buffered.pipe(failing, finalize(throwing)).subscribe(watch('a'));
      buffered.subscribe(watch('b'));
      source.next(1);
      source.complete();
      act(delivery);
      expect(log).toEqual(expected);
    });
    expect(errors).toHaveLength(1);
  });

  it('that is torn down with an error leaves alone all who share its source', () => {
    const errors = unhandledIn(() => {
      const done = new Subject<string>();
      const log: string[] = [];
      const source = new Subject<number>();
      const deliveries = [done.pipe(finalize(throwing)), done];
      for (const delivery of deliveries) {
        source.pipe(boundedBuffer(() => delivery, { capacity })).subscribe({ complete: () => log.push('|') });
      }
      source.next(1);
      source.complete();
      done.complete();
      expect(log).toEqual(['|', '|']);
    });
    expect(errors).toHaveLength(1);
  });
});

function inOrder<R>(deliver: () => ObservableInput<R>): OperatorFunction<number, R> {
  return concatMap(deliver);
}

function buffered<R>(deliver: () => ObservableInput<R>): OperatorFunction<number, R> {
  return boundedBuffer(deliver);
}

const LATE: readonly ((subscriber: Subscriber<string>) => void)[] = [
  (subscriber) => subscriber.next('late'),
  (subscriber) => subscriber.error(new Error('late')),
  (subscriber) => subscriber.complete(),
];

describe('what a delivery is given as its subscriber', () => {
  const { onStoppedNotification, onUnhandledError } = config;
  afterEach(() => {
    Object.assign(config, { onStoppedNotification, onUnhandledError });
  });

  it.each([true, false])(
    'is closed and deaf once it has completed, and lets later teardowns run at once (any before: %p)',
    (hasTeardown) => {
      let given: Subscriber<string> | undefined = undefined as Subscriber<string> | undefined;
      const log: string[] = [];
      const source = new Subject<number>();
      const delivery = new Observable<string>((subscriber) => {
        given = subscriber;
        if (hasTeardown) subscriber.add(() => log.push('teardown'));
      });
      source.pipe(boundedBuffer(() => delivery)).subscribe((value) => log.push(value));
      source.next(1);
      given?.next('a');
      expect(given?.closed).toBe(false);
      given?.complete();
      given?.next('late');
      given?.error(new Error('late'));
      given?.add(() => log.push('added late'));
      expect(given?.closed).toBe(true);
      expect(log).toEqual(hasTeardown ? ['a', 'teardown', 'added late'] : ['a', 'added late']);
    },
  );

  it.each<[string, (subscriber: Subscriber<string>, log: string[]) => void]>([
    [
      'in the order in which they were added',
      (subscriber, log) => ['a', 'b'].forEach((name) => subscriber.add(() => log.push(name))),
    ],
    [
      'but for what was taken back',
      (subscriber, log) => {
        const a = (): void => void log.push('a');
        subscriber.add(a);
        subscriber.add(() => log.push('b'));
        subscriber.remove(a);
      },
    ],
    [
      'but for a subscription that has ended',
      (subscriber, log) => {
        const ended = new Subscription(() => log.push('ended'));
        subscriber.add(ended);
        subscriber.add(() => log.push('b'));
        ended.unsubscribe();
      },
    ],
    ['also of nothing, and of itself', (subscriber) => [undefined, subscriber].forEach((none) => subscriber.add(none))],
    [
      'that throw, after which the others run',
      (subscriber, log) => {
        subscriber.add(throwing);
        subscriber.add(() => log.push('b'));
      },
    ],
  ])('runs its teardowns as RxJS does, %s', (_, add) => {
    const played = [inOrder, buffered].map((operator) => {
      const log: string[] = [];
      const delivery = new Observable<string>((subscriber) => {
        add(subscriber, log);
        return () => log.push('returned');
      });
      const errors = unhandledIn(() => {
        try {
          of(1)
            .pipe(operator(() => delivery))
            .subscribe()
            .unsubscribe();
        } catch (error) {
          log.push(String(error));
        }
      });
      return [...log, ...errors.map(String)];
    });
    expect(played[1]).toEqual(played[0]);
    expect(played[1]).toContain('returned');
  });

  it.each<[string, () => Promise<unknown>, boolean]>([
    ['is fulfilled', () => Promise.resolve('sent'), false],
    ['is fulfilled with nothing', async () => Promise.resolve(), false],
    ['rejects', () => Promise.reject(new Error('broken')), false],
    [
      'is an Observable too',
      () => Object.assign(Promise.resolve('sent'), { [observable]: () => of('observed') }),
      false,
    ],
    ['is an array too', () => Object.assign(Promise.resolve('sent'), { length: 1, 0: 'first' }), false],
    [
      'has a method `then` that fails after all',
      () => {
        const promise = Promise.resolve('sent');
        const then = async (fulfilled: (value: string) => void): Promise<never> => {
          fulfilled(await Promise.resolve('sent'));
          throw new Error('after all');
        };
        return Object.assign(promise, { then });
      },
      false,
    ],
    ['is fulfilled when nobody wants it any more', () => Promise.resolve('sent'), true],
    ['rejects when nobody wants it any more', () => Promise.reject(new Error('broken')), true],
  ])('is told of a promise as in RxJS: one that %s', async (_, promise, unsubscribes) => {
    const played: unknown[][] = [];
    for (const operator of [inOrder, buffered]) {
      const log: unknown[] = [];
      config.onStoppedNotification = ({ kind }) => log.push(`too late: ${kind}`);
      config.onUnhandledError = (error: unknown) => log.push(`unhandled: ${String(error)}`);
      const running = from([1, 2])
        .pipe(operator(promise))
        .subscribe({
          next: (value) => log.push(value),
          error: (error: unknown) => log.push(String(error)),
          complete: () => log.push('|'),
        });
      if (unsubscribes) running.unsubscribe();
      // What came too late is told from a timer that is set only when the promise has settled.
      for (let timer = 0; timer < 2; timer++) await new Promise((resolve) => setTimeout(resolve));
      played.push(log);
    }
    expect(played[1]).toEqual(played[0]);
  });

  it('keeps nothing of what was added and has ended', async () => {
    const added: WeakRef<Subscription>[] = [];
    const delivery = new Observable<string>((subscriber) => {
      for (let i = 0; i < 3; i++) {
        const subscription = new Subscription();
        subscriber.add(subscription);
        added.push(new WeakRef(subscription));
        subscription.unsubscribe();
      }
    });
    const running = of(1)
      .pipe(boundedBuffer(() => delivery))
      .subscribe();
    expect(await alive(added)).toBe(0);
    running.unsubscribe();
  });

  it('is let go of by the operator when it has ended', async () => {
    const given: WeakRef<Subscriber<string>>[] = [];
    const source = new Subject<number>();
    const delivery = new Observable<string>((subscriber) => {
      given.push(new WeakRef(subscriber));
      subscriber.complete();
    });
    const running = source.pipe(boundedBuffer(() => delivery)).subscribe();
    for (let i = 0; i < 3; i++) source.next(i);
    expect(given).toHaveLength(3);
    expect(await alive(given)).toBe(0);
    running.unsubscribe();
  });

  it('tells RxJS’s hook for stopped notifications of what came too late', async () => {
    const told: string[] = [];
    const hook = new Promise<void>((resolve) => {
      config.onStoppedNotification = ({ kind }) => {
        if (told.push(kind) === 3) resolve();
      };
    });
    const late = new Observable<string>((subscriber) => {
      subscriber.complete();
      for (const tell of LATE) tell(subscriber);
    });
    of(1)
      .pipe(boundedBuffer(() => late))
      .subscribe();
    await hook;
    expect(told).toEqual(['N', 'E', 'C']);
  });
});

describe('a session', () => {
  it('whose consumer throws in its teardown leaves alone the sessions that share its deliveries', () => {
    const errors = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const acknowledged = new Subject<string>();
      const got: string[] = [];
      fanout
        .register('a', () => acknowledged)
        .pipe(
          map(() => {
            throw new Error('in a consumer');
          }),
          finalize(() => {
            throw new Error('in a teardown');
          }),
        )
        .subscribe({ error: () => got.push('a fails') });
      fanout.register('b', () => acknowledged).subscribe((value) => got.push(`b ${value}`));
      broadcast(fanout, 'f');
      acknowledged.next('x');
      acknowledged.complete();
      expect(got).toEqual(['a fails', 'b x']);
      expect(fanout.stats()).toMatchObject({ activeSessions: 1, delivered: 1, discarded: 1, inFlight: 0 });
    });
    expect(errors).toHaveLength(1);
  });
});
