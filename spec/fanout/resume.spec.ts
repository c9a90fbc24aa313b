import { describe, expect, it } from '@jest/globals';
import { DefinitionCatalog, DefinitionSyncFanout, FanoutError, type SessionOptions } from 'ddl-fanout';
import fc from 'fast-check';
import { ByHand, commit, fold, short } from '../helpers/byHand.js';
import { eventsOf, expectBalance, silent } from '../helpers/fanout.js';

const resumed = (after: number): SessionOptions => ({ replay: 'with-deletes', after });
const badAfter = expect.objectContaining({
  code: 'BAD_OPTION',
  message: expect.stringMatching(/^after must be .*, got/),
});

function filled(maxTombstones: number, ...changes: string[]): DefinitionSyncFanout {
  const catalog = new DefinitionCatalog({ maxTombstones });
  const fanout = new DefinitionSyncFanout({ catalog, logger: silent, overflow: 'catch-up' });
  commit(fanout, ...changes);
  return fanout;
}

describe('a session that resumes', () => {
  it('is given what came after its sequence, deletes too, then what commits', () => {
    const fanout = filled(1024, '+a', '+b', '+c', '-a', '+b');
    const events = eventsOf(fanout);
    const device = new ByHand();
    fanout.register('s', device.deliver, resumed(3)).subscribe();
    expect(fanout.session('s')).toMatchObject({ state: 'catching-up', offered: 2, waiting: 1, inFlight: 1 });
    commit(fanout, '+d');
    device.finish();
    expect(device.got).toEqual(['-a@4', '+b@5', '+d@6']);
    expect(events).toEqual(['registered s', 'caught-up s 6']);
    expectBalance(fanout);
  });

  it('has nothing to read when it has read all', () => {
    const fanout = filled(1024, '+a', '-a');
    const events = eventsOf(fanout);
    const receiver = fanout.receiver('s', resumed(2));
    expect(events).toEqual(['registered s', 'caught-up s 2']);
    commit(fanout, '+b');
    expect(receiver.waiting).toBe(1);
  });

  it('fails, and is given nothing, when the catalog has forgotten a delete since then', async () => {
    const fanout = filled(0, '+a', '+b', '-a');
    const events = eventsOf(fanout);
    fanout.events$.subscribe(({ type }) => type === 'registered' && commit(fanout, '+b'));
    const got: string[] = [];
    const errors: unknown[] = [];
    fanout
      .register('s', (frame) => void got.push(short(frame)), resumed(2))
      .subscribe({ error: (error: unknown) => errors.push(error) });
    expect([got, errors]).toEqual([[], [badAfter]]);
    expect((errors[0] as Error).message).toBe(
      'after must be of 3 (since then no delete is forgotten) to 3 (the newest), got 2',
    );
    expect(errors[0]).toBeInstanceOf(FanoutError);
    expect(events).toEqual(['registered s', 'ended s failed 1']);
    await expect(fanout.receiver('r', resumed(2)).receive()).rejects.toEqual(badAfter);
    expect(fanout.activeSessions).toBe(0);
    expectBalance(fanout);
  });

  it('fails when there was no such sequence yet', async () => {
    const receiver = filled(1024, '+a').receiver('s', resumed(2));
    await expect(receiver.receive()).rejects.toEqual(badAfter);
  });

  it('fails for what was forgotten between the call and the subscription, and not for what is forgotten later', () => {
    const fanout = filled(1, '+a', '+b', '+c');
    const errors: unknown[] = [];
    const device = new ByHand();
    const late$ = fanout.register('late', () => undefined, resumed(3));
    fanout.register('stalls', device.deliver, resumed(3)).subscribe();
    commit(fanout, '+x', '-a', '-b', '-c');
    late$.subscribe({ error: (error: unknown) => errors.push(error) });
    expect(errors).toEqual([]);
    device.finish();
    expect(device.got).toEqual(['+x@4', '-a@5', '-b@6', '-c@7']);
    commit(fanout, '+y');
    late$.subscribe({ error: (error: unknown) => errors.push(error) });
    expect(errors).toEqual([badAfter]);
  });

  it('replaces a session of its id before that is told, so that nothing is lost between the two', () => {
    const fanout = filled(0, '+a', '+b', '+c');
    const [before, after] = [new ByHand(), new ByHand()];
    fanout.register('s', before.deliver, { replay: true, capacity: 0 }).subscribe();
    before.finish(2);
    commit(fanout, '-a', '-b');
    fanout.register('s', after.deliver, resumed(3)).subscribe();
    after.finish();
    expect(after.got).toEqual(['-a@4', '-b@5']);
  });

  it.each([-1, 1.5, NaN, '1' as never, null as never])('throws BAD_OPTION at the call for %p', (after) => {
    const fanout = filled(0);
    expect(() => fanout.register('s', () => undefined, resumed(after))).toThrow(badAfter);
    expect(() => fanout.receiver('s', resumed(after))).toThrow(badAfter);
  });

  it.each([true, false, undefined])('needs deletes with it: is refused with replay %p', (replay) => {
    expect(() => filled(0).receiver('s', { replay, after: 1 })).toThrow("after 1 needs replay: 'with-deletes'");
    expect(filled(0).receiver('s', { replay, after: 0 }).closed).toBe(false);
  });

  it('ends with what the Origin holds, wherever it can resume, or fails', () => {
    const change = fc
      .tuple(fc.constantFrom('+', '-'), fc.constantFrom('a', 'b', 'c', 'd'))
      .map((parts) => parts.join(''));
    const changes = fc.array(change, { maxLength: 20 });
    fc.assert(
      fc.property(changes, changes, fc.nat({ max: 3 }), fc.nat({ max: 20 }), (past, later, maxTombstones, after) => {
        const fanout = filled(maxTombstones);
        const told: string[] = [];
        fanout.frames$.subscribe((frame) => told.push(short(frame)));
        commit(fanout, ...past);
        const device = new ByHand();
        const errors: unknown[] = [];
        fanout
          .register('s', device.deliver, resumed(after))
          .subscribe({ error: (error: unknown) => errors.push(error) });
        commit(fanout, ...later);
        device.finish();
        expectBalance(fanout);
        if (after > past.length) expect(errors).toEqual([badAfter]);
        if (errors.length > 0) expect(device.got).toEqual([]);
        else expect(fold([...told.slice(0, after), ...device.got])).toEqual(fold(told));
      }),
    );
  });

  it('is refused nowhere as long as no delete is forgotten, and waits for what it has not read alone', () => {
    const fanout = filled(Infinity, ...Array.from({ length: 100 }, (_, i) => `${i % 3 === 2 ? '-' : '+'}d${i % 7}`));
    for (let after = 1; after <= 100; after++) {
      expect(fanout.receiver('s', resumed(after)).waiting).toBe(Math.min(7, 100 - after));
    }
  });
});
