import { describe, expect, it } from '@jest/globals';
import { type DefinitionFrame, DefinitionSyncFanout } from 'ddl-fanout';
import { map, Observable, of, Subject, take, type Observer, type Subscription } from 'rxjs';
import { broadcast, nameOf, silent, unhandledIn } from '../helpers/fanout.js';

/** What tells an observer of 'a' and 'b', and then ends. */
interface Telling {
  readonly results$: Observable<string>;
  readonly emit: (value: string) => void;
  readonly complete: () => void;
  readonly error: () => void;
}

const failure = new Error('reset');

/** A session; `error` makes its delivery fail. */
function session(): Telling {
  const fanout = new DefinitionSyncFanout({ logger: silent });
  const results$ = fanout.register('lite', (frame) => {
    if (nameOf(frame) === 'fail') throw failure;
    return of(nameOf(frame));
  });
  return {
    results$,
    emit: (value) => broadcast(fanout, value),
    complete: () => fanout.complete(),
    error: () => broadcast(fanout, 'fail'),
  };
}

/** What RxJS itself does. */
function subject(): Telling {
  const source = new Subject<string>();
  return {
    results$: new Observable((subscriber) => source.subscribe(subscriber)),
    emit: (value) => source.next(value),
    complete: () => source.complete(),
    error: () => source.error(failure),
  };
}

type Subscribe = (results$: Observable<string>, observer: Observer<string>) => Subscription;

/* eslint-disable @typescript-eslint/no-deprecated, rxjs-x/prefer-observer -- RxJS 7 takes these forms */
const FORMS: Record<string, Subscribe> = {
  'an observer': (results$, observer) => results$.subscribe(observer),
  'an error handler alone': (results$) => results$.subscribe({ error: () => undefined }),
  'next and error': (results$, { next, error }) => results$.subscribe({ next, error }),
  'three functions': (results$, { next, error, complete }) => results$.subscribe(next, error, complete),
  'no next': (results$, { error, complete }) => results$.subscribe(null, error, complete),
  'an observer that has a method `add`': (results$, observer) =>
    results$.subscribe({ ...observer, add: () => undefined } as Observer<string>),
  'a function that has a method `add`': (results$, { next, error, complete }) =>
    results$.subscribe(
      Object.assign((value: string) => next(value), { add: () => undefined }),
      error,
      complete,
    ),
  'what `isWanted && handler` may come to': (results$, { error }) =>
    results$.subscribe(false as never, error, 0 as never),
  'a Subject': (results$, observer) => {
    const between = new Subject<string>();
    between.subscribe(observer);
    return results$.subscribe(between);
  },
  'an operator': (results$, observer) => results$.pipe(map((value) => value)).subscribe(observer),
};
/* eslint-enable @typescript-eslint/no-deprecated, rxjs-x/prefer-observer */

/** When the observer throws or leaves. */
const ACTS = ['nothing', 'throws', 'leaves at a', 'leaves at the end'] as const;
const ENDS = ['completes', 'fails', 'is left'] as const;

/** All that the observer and the teardown are told, and what goes to RxJS's hook. */
function toldOf(telling: Telling, subscribe: Subscribe, act: (typeof ACTS)[number], end: (typeof ENDS)[number]) {
  const told: unknown[] = [];
  const reported = unhandledIn(() => {
    const tell = (what: string, leaves: boolean) => {
      told.push(what);
      if (leaves) subscription.unsubscribe();
      if (act === 'throws') throw new Error(`no ${what}`);
    };
    const atEnd = act === 'leaves at the end';
    const observer: Observer<string> = {
      next: (value) => tell(value, act === 'leaves at a'),
      error: (error) => tell(String(error), atEnd),
      complete: () => tell('|', atEnd),
    };
    const subscription = subscribe(telling.results$, observer);
    subscription.add(() => told.push('torn down'));
    telling.emit('a');
    telling.emit('b');
    if (end === 'is left') subscription.unsubscribe();
    else if (end === 'completes') telling.complete();
    else telling.error();
    told.push(subscription.closed);
  });
  return [...told, ...reported.map(String)];
}

describe('the observer of a session', () => {
  const cases = Object.entries(FORMS).flatMap(([form, subscribe]) =>
    ACTS.flatMap((act) => ENDS.map((end) => [form, act, end, subscribe] as const)),
  );

  it.each(cases)(
    'given as %s, which does %s, is told what RxJS tells it when the session %s',
    (...[, act, end, subscribe]) => {
      const told = toldOf(session(), subscribe, act, end);
      expect(told.length).toBeGreaterThan(1);
      expect(told).toEqual(toldOf(subject(), subscribe, act, end));
    },
  );

  it('can stop a replay from an operator before `subscribe` has returned', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    broadcast(fanout, 'a', 'b', 'c');
    const delivered: string[] = [];
    const deliver = (frame: DefinitionFrame) => {
      delivered.push(nameOf(frame));
      return of(frame);
    };
    const told = fanout.register('lite', deliver, { replay: true }).pipe(take(1), map(nameOf));
    const seen: string[] = [];
    told.subscribe((name) => seen.push(name));
    expect([seen, delivered, fanout.activeSessions]).toEqual([['a'], ['a'], 0]);
  });

  it('raises nothing without an error handler, whatever else it has', () => {
    const ignore = () => undefined;
    const collector = { next: ignore, add: ignore, remove: ignore, unsubscribe: ignore };
    const unhandled = unhandledIn(() => {
      const { results$, error } = session();
      results$.subscribe(collector);
      error();
    });
    expect(unhandled).toEqual([]);
  });

  it('is closed when others are told of its end, and its finalizers run after that', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const order: unknown[] = [];
    const subscription = fanout.register('lite', () => undefined).subscribe({ complete: () => order.push('|') });
    subscription.add(() => order.push('torn down'));
    fanout.events$.subscribe(({ type }) => order.push(type, subscription.closed));
    subscription.unsubscribe();
    expect(order).toEqual(['ended', true, 'torn down']);
  });

  it('is let go of when it has been told the end', () => {
    const { results$, complete } = session();
    let ends = 0;
    const subscription = results$.subscribe({ complete: () => ends++ });
    complete();
    subscription.unsubscribe();
    expect([ends, subscription.closed]).toEqual([1, true]);
  });
});
