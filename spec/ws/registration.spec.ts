import { describe, expect, it } from '@jest/globals';
import { NEVER, Subject, type Observable } from 'rxjs';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { Registration } from '../../lib/ws/registration.js';
import { broadcast, silent } from '../helpers/fanout.js';
import { settle } from '../helpers/promises.js';
import type { Outbox } from '../../lib/ws/outbox.js';
import type { ServerSettings } from '../../lib/ws/serverOptions.js';

/** A registration of the id `lite` in a fan-out of three definitions, told of what the fan-out tells as a server tells it. */
function world(deliver: () => Observable<never> | undefined) {
  const fanout = new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', logger: silent });
  broadcast(fanout, 'a', 'b', 'c');
  const settings = { fanout, session: {}, replay: 'with-deletes', hasCatalog: true } as unknown as ServerSettings;
  const outbox = { deliver, whenReady: (callback: () => void) => callback() } as unknown as Outbox;
  const told: string[] = [];
  const listener = { completed: () => told.push('completed'), failed: () => told.push('failed') };
  const registration = new Registration('lite', settings, { subject: 'me' }, outbox, listener);
  fanout.events$.subscribe(({ type }) => {
    if (type === 'caught-up') registration.caughtUp();
    else if (type === 'registered') registration.registered();
  });
  return { fanout, registration, told };
}

describe('Registration', () => {
  // It used to be registered anew, and nobody was left to end that.
  it.each(['finish', 'end'] as const)('does not come back when whoever is told of a resync calls `%s`', async (way) => {
    const { fanout, registration } = world(() => undefined);
    fanout.events$.subscribe(({ type }) => {
      if (type === 'ended') registration[way]();
    });
    registration.begin();
    registration.resync();
    await settle();
    expect([fanout.activeSessions, fanout.sessionsRegistered]).toEqual([0, 1]);
  });

  // The device used to be answered within the replay, and to delete what had not come.
  it('goes on with its replay when the owner takes its place, whose replay has an end of its own', async () => {
    const { fanout, registration } = world(() => NEVER);
    registration.begin();
    fanout.register('lite', () => undefined, { replay: true }).subscribe();
    await settle();
    expect([fanout.session('lite')?.state, registration.replaying]).toEqual(['live', true]);
  });

  it('goes on with its replay when it has taken the place of another, that still has to end its own', async () => {
    const taken = new Subject<never>();
    const { fanout, registration } = world(() => NEVER);
    fanout.register('lite', () => taken, { replay: true }).subscribe();
    registration.begin();
    taken.complete();
    await settle();
    expect([fanout.stats().ending, registration.replaying]).toEqual([0, true]);
  });

  it('ends its replay also when it is finishing', async () => {
    const taken = new Subject<never>();
    const { registration, told } = world(() => taken);
    registration.begin();
    registration.finish();
    expect(registration.replaying).toBe(true);
    taken.complete();
    await settle();
    expect([registration.replaying, told]).toEqual([false, ['completed']]);
  });
});
