import { describe, expect, it } from '@jest/globals';
import { DefinitionCatalog, type DefinitionFrame, type DefinitionReceiver, DefinitionSyncFanout } from 'ddl-fanout';
import { definition, marbles } from 'ddl-fanout/testing';
import { asyncScheduler, concatMap, map, Observable, of, take, takeUntil, timer } from 'rxjs';
import { ByHand, commit, fold, short, takeAll } from '../helpers/byHand.js';
import { eventsOf, expectBalance, silent } from '../helpers/fanout.js';

function filled(...changes: string[]): DefinitionSyncFanout {
  const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
  commit(fanout, ...changes);
  return fanout;
}

function keep(got: string[]) {
  return (frame: DefinitionFrame): void => void got.push(short(frame));
}

describe('replay', () => {
  it('gives the live definitions in order, then what commits, at the pace of `deliver`', () => {
    marbles(({ hot, expectObservable }) => {
      const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent, scheduler: asyncScheduler });
      const source = hot('  abab--c------d|');
      const subscription = '----^----------------';
      // Two frames of time for each: `a` and `b` of the catalog, then what came meanwhile.
      const expected = '    ------a-b-c----(d|)';
      source.pipe(map((name) => definition(name))).subscribe(fanout);
      const send = (frame: DefinitionFrame) => timer(2).pipe(map(() => frame.msg.name));
      const session$ = timer(0).pipe(concatMap(() => fanout.register('s', send, { replay: true })));
      expectObservable(session$, subscription).toBe(expected);
    });
  });

  it('has no gap and no repeat at the seam when every delivery commits', () => {
    const fanout = filled('+a', '+b');
    const got: string[] = [];
    const deliver = (frame: DefinitionFrame): void => {
      got.push(short(frame));
      if (got.length < 8) commit(fanout, `+n${got.length}`);
      expectBalance(fanout);
    };
    fanout.register('s', deliver, { replay: true }).subscribe();
    expect(got).toEqual(['+a@1', '+b@2', '+n1@3', '+n2@4', '+n3@5', '+n4@6', '+n5@7', '+n6@8', '+n7@9']);
    expect(fanout.session('s')).toMatchObject({ state: 'live', offered: 9, delivered: 9, superseded: 0 });
  });

  it('gives the later frame only of a definition that changes before its turn, and counts it as superseded', () => {
    const fanout = filled('+a', '+b', '+c');
    const device = new ByHand();
    fanout.register('s', device.deliver, { replay: true }).subscribe();
    commit(fanout, '+b', '-c');
    expect(fanout.session('s')).toMatchObject({ offered: 5, waiting: 1, superseded: 3, inFlight: 1 });
    device.finish();
    expect(device.got).toEqual(['+a@1', '+b@4']);
  });

  it('tells a delete of what it has given, and not of what it has not', () => {
    const fanout = filled('+a', '+b');
    const device = new ByHand();
    fanout.register('s', device.deliver, { replay: true }).subscribe();
    commit(fanout, '-a', '-b');
    expect(device.finish()).toEqual(['-a@3']);
  });

  it('drops nothing of 10,000 definitions at capacity 1, nor at 0, whatever the strategy', () => {
    const fanout = filled(...Array.from({ length: 10_000 }, (_, i) => `+d${i}`));
    const devices = (['drop-incoming', 'drop-oldest', 'error', 'catch-up'] as const).flatMap((overflow) =>
      [0, 1].map((capacity) => {
        const device = new ByHand();
        fanout.register(`${overflow} ${capacity}`, device.deliver, { replay: true, capacity, overflow }).subscribe();
        return device;
      }),
    );
    const drain = (): void => devices.forEach((device) => void device.finish());
    return new Promise<void>((resolve) => {
      fanout.events$.subscribe(() => {
        if ([...fanout.sessions()].every(({ state }) => state === 'live')) resolve();
      });
      const more = (): void => {
        drain();
        if ([...fanout.sessions()].some(({ state }) => state !== 'live')) setImmediate(more);
      };
      more();
    }).then(() => {
      for (const device of devices) expect(device.got).toHaveLength(10_000);
      expect(fanout.framesDropped).toBe(0);
      expect(fanout.activeSessions).toBe(8);
    });
  });

  it('offers all live definitions of its scope at the registration, and none of another', () => {
    const fanout = filled('+a', '+b', '-b');
    fanout.broadcast(definition('x', { scope: { tenantId: 1n, databaseId: 1n } }));
    const events = eventsOf(fanout);
    fanout.register('s', new ByHand().deliver, { replay: true }).subscribe();
    expect(fanout.session('s')).toMatchObject({ offered: 1, waiting: 0, inFlight: 1, state: 'catching-up' });
    expect(events).toEqual(['registered s']);
    const scoped: string[] = [];
    fanout.register('t', keep(scoped), { replay: true, scope: { tenantId: 1n, databaseId: 1n } }).subscribe();
    expect(scoped).toEqual(['+x@4']);
    expect(events).toEqual(['registered s', 'registered t', 'caught-up t 4']);
  });

  it('is live at once, and says so, when there is nothing to replay', () => {
    const fanout = filled();
    const events = eventsOf(fanout);
    const states: unknown[] = [];
    fanout.events$.subscribe(({ type }) => states.push(type, fanout.session('s')?.state));
    fanout.register('s', () => undefined, { replay: true }).subscribe();
    expect(events).toEqual(['registered s', 'caught-up s 0']);
    expect(states).toEqual(['registered', 'catching-up', 'caught-up', 'live']);
    fanout.receiver('r', { replay: true });
    expect(fanout.session('r')?.state).toBe('live');
  });

  it('gives the very frames that live sessions got', () => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent });
    const [live, replayed]: DefinitionFrame[][] = [[], []];
    fanout.register('live', (frame) => void live?.push(frame)).subscribe();
    commit(fanout, '+a', '+b', '+a');
    fanout.register('late', (frame) => void replayed?.push(frame), { replay: true }).subscribe();
    expect(replayed?.[0]).toBe(live?.[1]);
    expect(replayed?.[1]).toBe(live?.[2]);
    expect(fanout.stats().broadcast).toBe(3);
  });

  it('gives a session that registers during a broadcast the frame under way from the catalog, once', () => {
    const fanout = filled('+a');
    const got: Record<string, string[]> = { replayed: [], plain: [] };
    let once = true;
    fanout
      .register('first', () => {
        if (!once) return;
        once = false;
        fanout.register('replayed', keep(got['replayed'] ?? []), { replay: true }).subscribe();
        fanout.register('plain', keep(got['plain'] ?? [])).subscribe();
        commit(fanout, '+c');
      })
      .subscribe();
    commit(fanout, '+b');
    expect(got).toEqual({ replayed: ['+a@1', '+b@2', '+c@3'], plain: ['+c@3'] });
  });

  it('gives a frame once to a session whose delivery is completed by another one during its broadcast', () => {
    const fanout = filled('+a', '+b');
    const device = new ByHand();
    // Was given the frame by the log, was live then, and was offered it again.
    fanout.register('live', () => void device.finish()).subscribe();
    fanout.register('s', device.deliver, { replay: true }).subscribe();
    commit(fanout, '+c', '+d');
    expectBalance(fanout);
    device.finish();
    expect(device.got).toEqual(['+a@1', '+b@2', '+c@3', '+d@4']);
    expect(fanout.session('s')).toMatchObject({ offered: 4, delivered: 4 });
  });

  it('is not disturbed by its own delivery that replaces it', () => {
    const fanout = filled('+a', '+b', '+c');
    const [old, young]: string[][] = [[], []];
    fanout
      .register(
        's',
        (frame) => {
          old?.push(short(frame));
          if (old?.length === 1) fanout.register('s', keep(young ?? []), { replay: true }).subscribe();
          if (old?.length === 1) commit(fanout, '+d');
        },
        { replay: true },
      )
      .subscribe();
    expect(old).toEqual(['+a@1', '+b@2', '+c@3']);
    expect(young).toEqual(['+a@1', '+b@2', '+c@3', '+d@4']);
    expect(fanout.stats()).toMatchObject({ activeSessions: 1, ending: 0, waiting: 0 });
  });

  it('ends by what it emits itself, gives nothing more, and discards the rest', () => {
    const fanout = filled('+a', '+b', '+c');
    const got: string[] = [];
    const deliver = (frame: DefinitionFrame) => {
      got.push(short(frame));
      return [frame.sequence];
    };
    fanout.register('s', deliver, { replay: true }).pipe(take(1)).subscribe();
    expect(got).toEqual(['+a@1']);
    expect(fanout.stats()).toMatchObject({ offered: 3, discarded: 3, waiting: 0, activeSessions: 0 });
  });

  it('unsubscribed while it is being registered, is not called any more', () => {
    const fanout = filled();
    const got: string[] = [];
    const deliver = (frame: DefinitionFrame) => {
      got.push(short(frame));
      return [frame.sequence];
    };
    // The teardown was in place only when the registration had returned.
    fanout.events$.subscribe(({ type }) => {
      if (type === 'registered') commit(fanout, '+a', '+b');
    });
    fanout.register('s', deliver).pipe(take(1)).subscribe();
    expect(got).toEqual(['+a@1']);
    expect(fanout.activeSessions).toBe(0);
    expectBalance(fanout);
  });

  it('does not register who is unsubscribed before it begins', () => {
    const fanout = filled('+a');
    const session$ = fanout.register('s', () => undefined, { replay: true });
    session$.pipe(takeUntil(of(0))).subscribe();
    const closed = new Observable((output) => {
      output.unsubscribe();
      return session$.subscribe(output);
    });
    closed.subscribe();
    expect(fanout.sessionsRegistered).toBe(0);
  });
});

describe('replay for a receiver', () => {
  it('says how much waits, gives it when asked, and is live at the head', async () => {
    const fanout = filled('+a', '+b', '-b', '+c');
    const receiver = fanout.receiver('r', { replay: true, capacity: 0 });
    expect(receiver.waiting).toBe(2);
    expect(fanout.session('r')).toMatchObject({ state: 'catching-up', waiting: 2, inFlight: 0 });
    commit(fanout, '+d');
    expect(receiver.waiting).toBe(3);
    expect(await receiver.receive()).toMatchObject({ sequence: 1 });
    expect(takeAll(receiver)).toEqual(['+c@4', '+d@5']);
    expect(fanout.session('r')).toMatchObject({ state: 'live', delivered: 3, offered: 3 });
  });

  it('closed in the middle, gives the catalog as it was', () => {
    const fanout = filled('+a', '+b', '+c');
    const receiver = fanout.receiver('r', { replay: true });
    receiver.close();
    commit(fanout, '-b', '+c', '+d');
    expect(receiver.closed).toBe(true);
    expect(receiver.waiting).toBe(3);
    expect(takeAll(receiver)).toEqual(['+a@1', '+b@2', '+c@3']);
    expectBalance(fanout);
  });

  it('counts what a delivery inside a broadcast took before its turn', () => {
    const fanout = filled('+a');
    const got: string[] = [];
    let receiver = fanout.receiver('r', { replay: true });
    fanout.register('live', () => void got.push(...takeAll(receiver))).subscribe();
    receiver = fanout.receiver('r', { replay: true });
    commit(fanout, '+b', '+c');
    expect([...got, ...takeAll(receiver)]).toEqual(['+a@1', '+b@2', '+c@3']);
    expectBalance(fanout);
  });
});

describe("replay: 'with-deletes'", () => {
  it('replays the deletes that are kept, in order; `true` does not', () => {
    const fanout = filled('+a', '+b', '-a', '+c', '-x');
    const [plain, all]: string[][] = [[], []];
    fanout.register('plain', keep(plain ?? []), { replay: true }).subscribe();
    fanout.register('all', keep(all ?? []), { replay: 'with-deletes' }).subscribe();
    expect(plain).toEqual(['+b@2', '+c@4']);
    expect(all).toEqual(['+b@2', '-a@3', '+c@4', '-x@5']);
    expect(fanout.session('all')).toMatchObject({ offered: 4, delivered: 4 });
  });

  it('replays those that `maxTombstones` has left', () => {
    const catalog = new DefinitionCatalog({ maxTombstones: 1 });
    const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
    commit(fanout, '+a', '+b', '-a', '-b');
    expect(takeAll(fanout.receiver('r', { replay: 'with-deletes' }))).toEqual(['-b@4']);
  });

  it('keeps what it promised, however long the session takes and however low the limit', () => {
    const catalog = new DefinitionCatalog({ maxTombstones: 2 });
    const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
    commit(fanout, '+a', '+b', '-a', '-b');
    const receiver = fanout.receiver('r', { replay: 'with-deletes' });
    for (let i = 0; i < 20; i++) commit(fanout, `+t${i}`, `-t${i}`);
    expect(receiver.waiting).toBe(2);
    expect(takeAll(receiver)).toEqual(['-a@3', '-b@4']);
    commit(fanout, '+z');
    expect([...catalog.framesAfter(0)].map(short)).toEqual(['-t18@42', '-t19@44', '+z@45']);
  });

  it('tells the device of a drop that it missed, also when the definition comes and goes again during the replay', () => {
    const fanout = filled('+a', '+x', '-x');
    const device = new ByHand();
    fanout.register('s', device.deliver, { replay: 'with-deletes' }).subscribe();
    // The delete that the device needs makes way for the put, and that for another delete.
    commit(fanout, '+x', '-x');
    device.finish();
    const held = fold(['+x@0', ...device.got]);
    expect(device.got).toEqual(['+a@1', '-x@5']);
    expect(held).toEqual(['a@1']);
  });

  it('tells a session that registers behind the last one of its scope, from `frames$`, of the delete under way', () => {
    const catalog = new DefinitionCatalog({ maxTombstones: 0 });
    const fanout = new DefinitionSyncFanout({ catalog, logger: silent });
    commit(fanout, '+x');
    // The delete was pruned for want of sessions, and the receiver waited for it for ever.
    const receivers: DefinitionReceiver[] = [];
    fanout.frames$.subscribe(() => receivers.push(fanout.receiver(`r${receivers.length}`, { replay: 'with-deletes' })));
    commit(fanout, '-x');
    expect(fanout.session('r0')).toMatchObject({ waiting: 1, state: 'catching-up' });
    expect(receivers.map(takeAll)).toEqual([['-x@2']]);
    expectBalance(fanout);
  });
});
