import { describe, expect, it } from '@jest/globals';
import type { Observable } from 'rxjs';
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
  const listener = { completed: () => undefined, failed: () => undefined };
  const registration = new Registration('lite', settings, { subject: 'me' }, outbox, listener);
  fanout.events$.subscribe(({ type }) => {
    if (type === 'caught-up') registration.caughtUp();
    else if (type === 'registered') registration.registered();
  });
  return { fanout, registration };
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
});
