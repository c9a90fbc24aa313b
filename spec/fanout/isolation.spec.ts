import { describe, expect, it } from '@jest/globals';
import { DefinitionCatalog, DefinitionSyncFanout } from 'ddl-fanout';
import { definition, marbles, slowDelivery, stalledDelivery, recordingLogger } from 'ddl-fanout/testing';
import { asyncScheduler, finalize, map, NEVER, Observable, of, Subject, throwError, timer } from 'rxjs';
import type { ObservableInput, Subscriber } from 'rxjs';
import { broadcast, eventsOf, imbalances, keeper, nameOf, silent, unhandledIn } from '../helpers/fanout.js';

const reset = new Error('reset');
const fail = (): never => {
  throw reset;
};

/** Deliveries that fail at once, each in its own way. */
const FAILURES: [string, () => ObservableInput<never>][] = [
  ['throws', fail],
  ['returns an Observable that errors', () => throwError(() => reset)],
  ['returns an Observable that throws', () => new Observable(fail)],
  ['returns what is no ObservableInput', () => 5 as never],
  ['returns null', () => null as never],
  ['returns an iterable that throws', () => ({ [Symbol.iterator]: fail })],
];

describe('isolation (F6)', () => {
  it.each(FAILURES)('keeps a session that %s from all others, and from the caller', (_, deliver) => {
    const logger = recordingLogger();
    const unhandled = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger });
      const events = eventsOf(fanout);
      const [before, behind] = [keeper(), keeper()];
      fanout.register('before', before.deliver).subscribe();
      const errors: unknown[] = [];
      fanout.register('bad', deliver).subscribe({ error: (error: unknown) => errors.push(error) });
      fanout.register('behind', behind.deliver).subscribe();
      expect(() => broadcast(fanout, '1', '2')).not.toThrow();
      expect([before.names, behind.names]).toEqual([['1', '2'], ['1', '2']]); // prettier-ignore
      expect(errors).toHaveLength(1);
      expect(events.at(-1)).toBe('ended bad failed 1');
      expect(fanout.activeSessions).toBe(2);
    });
    expect(unhandled).toEqual([]);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        message: 'session failed',
        context: { sessionId: 'bad', discarded: 1, error: expect.any(Error) as unknown },
      },
    ]);
  });

  it('passes the very error on, to the Observable, the log and `events$`', () => {
    const logger = recordingLogger();
    const fanout = new DefinitionSyncFanout({ logger });
    const told: unknown[] = [];
    fanout.events$.subscribe((event) => event.type === 'ended' && told.push(event.error));
    fanout.register('bad', fail).subscribe({ error: (error: unknown) => told.push(error) });
    broadcast(fanout, '1');
    expect(told).toEqual([reset, reset]);
    expect(logger.lines.at(-1)?.context).toMatchObject({ error: reset });
  });

  it('has neither a slow nor a stalled session delay others', () => {
    marbles(({ hot, expectObservable }) => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const source = hot('  -abc-|', { a: definition('a'), b: definition('b'), c: definition('c') });
      const expected = '    -abc-|';
      fanout.register('stalled', stalledDelivery()).subscribe();
      fanout.register('slow', slowDelivery(1_000)).subscribe();
      expectObservable(fanout.register('quick', (frame) => of(nameOf(frame)))).toBe(expected);
      source.subscribe(fanout);
    });
  });

  it('raises no unhandled error for a session that nobody handles the errors of', () => {
    let events: string[] = [];
    const unhandled = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      events = eventsOf(fanout);
      fanout.register('bare', fail).subscribe();
      fanout.register('next only', fail).subscribe(() => undefined);
      fanout.register('observer', fail).subscribe({ next: () => undefined });
      fanout.register('late', () => timer(1).pipe(map(fail))).subscribe();
      broadcast(fanout, '1');
      fanout.register('ended', () => undefined).subscribe();
      asyncScheduler.schedule(() => {
        fanout.error(reset);
        fanout.register('over', () => undefined).subscribe();
      }, 2);
    });
    expect(events.filter((event) => event.includes(' failed '))).toEqual([
      ...['ended bare failed 1', 'ended next only failed 1', 'ended observer failed 1'],
      ...['ended late failed 1', 'ended ended failed 0'],
    ]);
    expect(unhandled).toEqual([]);
  });

  describe('observers of `frames$` and `events$` that throw past their error handlers', () => {
    const [wrong, worse] = [new Error('wrong'), new Error('worse')];
    /** Throws, and once more as it is torn down: what RxJS can tell nobody, it throws at whoever emits. */
    const throwing = <T>(source$: Observable<T>): void => {
      source$.pipe(map(fail), finalize(() => { throw worse; })).subscribe({ error: () => undefined }); // prettier-ignore
    };

    it.each(['complete', 'error'] as const)('keep neither the end from others, nor a catalog, at %s()', (end) => {
      const told: string[] = [];
      const catalog = new DefinitionCatalog();
      const unhandled = unhandledIn(() => {
        const fanout = new DefinitionSyncFanout({ logger: silent, catalog });
        fanout.events$.subscribe({ complete: () => told.push('all over') });
        fanout.frames$.subscribe({ error: () => undefined }).add(() => {
          throw worse;
        });
        fanout
          .register('a', () => undefined)
          .subscribe({ complete: () => told.push('done'), error: () => told.push('done') });
        fanout[end](wrong);
      });
      expect(told).toEqual(['done', 'all over']);
      expect(unhandled).toEqual([expect.objectContaining({ errors: [worse] })]);
      expect(() => new DefinitionSyncFanout({ catalog })).not.toThrow();
    });

    it('take no frame and no word from anybody else', () => {
      const good = keeper();
      const unhandled = unhandledIn(() => {
        const fanout = new DefinitionSyncFanout({ logger: silent });
        const errors: unknown[] = [];
        fanout.register('bad', fail).subscribe({ error: (error: unknown) => errors.push(error) });
        fanout
          .register('good', (frame) => {
            good.deliver(frame);
            if (frame.sequence === 1) broadcast(fanout, '2');
          })
          .subscribe();
        throwing(fanout.events$);
        throwing(fanout.frames$);
        broadcast(fanout, '1');
        expect(good.names).toEqual(['1', '2']);
        expect(errors).toEqual([reset]);
        expect(imbalances(fanout)).toEqual([]);
      });
      expect(unhandled).toHaveLength(2);
    });
  });

  it('leaves the errors behind a further operator to its caller, as RxJS does', () => {
    const unhandled = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      fanout
        .register('bad', fail)
        .pipe(map(() => 'never'))
        .subscribe();
      broadcast(fanout, '1');
    });
    expect(unhandled).toEqual([reset]);
  });

  it('keeps what a consumer throws from all others', () => {
    const { names, deliver } = keeper();
    const unhandled = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      fanout.register('bad', (frame) => of(frame)).subscribe(fail);
      fanout.events$.subscribe(fail);
      fanout.frames$.subscribe(fail);
      fanout.register('good', deliver).subscribe();
      broadcast(fanout, '1', '2');
    });
    expect(names).toEqual(['1', '2']);
    expect(new Set(unhandled)).toEqual(new Set([reset]));
  });

  it.each<[string, (fanout: DefinitionSyncFanout) => void]>([
    ['it fails', () => undefined],
    ['it is unregistered', (fanout) => fanout.unregister('bad')],
    ['the fan-out completes', (fanout) => fanout.complete()],
  ])('keeps what a consumer throws in its teardown from all others, when %s', (_, end) => {
    // The frame did not reach the sessions behind the one whose teardown threw.
    const { names, deliver } = keeper();
    const unhandled = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const bad = () => {
        end(fanout);
        if (fanout.session('bad')) fail();
      };
      fanout
        .register('bad', bad)
        .pipe(finalize(fail))
        .subscribe({ error: () => undefined });
      fanout.register('good', deliver).subscribe();
      broadcast(fanout, '1');
      expect(fanout.session('bad')).toBeUndefined();
      fanout.complete();
      expect(fanout.stats()).toMatchObject({ activeSessions: 0, ending: 0 });
    });
    expect(names).toEqual(['1']);
    expect(unhandled).toHaveLength(1);
  });

  it('ends every session at once though the teardown of a delivery throws', () => {
    // The sessions behind the one whose delivery threw in its teardown never heard of the error.
    const unhandled = unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const events = eventsOf(fanout);
      fanout.register('bad', () => new Observable<never>(() => fail)).subscribe();
      fanout.register('good', () => NEVER).subscribe();
      broadcast(fanout, '1');
      fanout.error(reset);
      expect(events.slice(2)).toEqual(['ended bad failed 1', 'ended good failed 1', '|']);
    });
    expect(unhandled).toHaveLength(1);
  });

  it('tells of a session whose delivery errors and then throws in its teardown', () => {
    unhandledIn(() => {
      const fanout = new DefinitionSyncFanout({ logger: silent });
      const events = eventsOf(fanout);
      let device: Subscriber<never> | undefined = undefined as Subscriber<never> | undefined;
      const deliver = () =>
        new Observable<never>((subscriber) => {
          device = subscriber;
          return fail;
        });
      const errors: unknown[] = [];
      fanout.register('bad', deliver).subscribe({ error: (error: unknown) => errors.push(error) });
      broadcast(fanout, '1');
      device?.error(reset);
      expect(errors).toEqual([reset]);
      expect(events.at(-1)).toBe('ended bad failed 1');
    });
  });

  it('keeps what the logger throws out of streams', () => {
    const names: string[] = [];
    const unhandled = unhandledIn(() => {
      const logger = { debug: fail, info: fail, warn: fail, error: fail };
      const fanout = new DefinitionSyncFanout({ logger });
      fanout.register('good', (frame) => void names.push(nameOf(frame))).subscribe();
      fanout.register('bad', fail).subscribe();
      broadcast(fanout, '1');
      fanout.complete();
    });
    expect(names).toEqual(['1']);
    expect(unhandled).toEqual(Array(4).fill(reset));
  });

  it('unsubscribes a delivery that is in flight when the session is, before it is told of', () => {
    const order: string[] = [];
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const deliver = () => new Observable<never>(() => () => order.push('torn down'));
    const subscription = fanout.register('a', deliver).subscribe();
    fanout.events$.subscribe((event) => order.push(event.type));
    broadcast(fanout, '1');
    subscription.unsubscribe();
    expect(order).toEqual(['torn down', 'ended']);
  });

  it('is not disturbed by what comes after the end of a delivery', () => {
    const fanout = new DefinitionSyncFanout({ logger: silent });
    const device = new Subject<string>();
    const seen: string[] = [];
    const subscription = fanout.register('a', () => device).subscribe((value) => seen.push(value));
    broadcast(fanout, '1');
    device.next('x');
    subscription.unsubscribe();
    device.next('y');
    device.error(reset);
    expect(seen).toEqual(['x']);
    expect(fanout.stats()).toMatchObject({ delivered: 0, discarded: 1, inFlight: 0 });
  });
});
