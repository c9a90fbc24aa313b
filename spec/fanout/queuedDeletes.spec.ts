import { describe, expect, it } from '@jest/globals';
import { DefinitionSyncFanout, type DefinitionSyncMsg } from 'ddl-fanout';
import { Subject, VirtualTimeScheduler } from 'rxjs';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('a session that overflows with deletes in its queue', () => {
  it('is told the delete of a definition that it took from the queue after that was deleted', () => {
    const scheduler = new VirtualTimeScheduler();
    const fanout = new DefinitionSyncFanout({
      catalog: true,
      overflow: 'catch-up',
      capacity: 2,
      logger: quiet,
      scheduler,
    });
    const held = new Set<string>();
    let done = new Subject<never>();
    const deliver = ({ msg }: { msg: DefinitionSyncMsg }): Subject<never> => {
      if (msg.action === 'delete') held.delete(msg.name);
      else held.add(msg.name);
      return (done = new Subject<never>());
    };
    fanout.register('device', deliver).subscribe();
    const change = (name: string, action = 'put'): void => {
      fanout.broadcast({ definitionType: 'function', name, action, payload: new Uint8Array() });
    };

    change('x'); // in flight
    change('y');
    change('y', 'delete'); // both wait
    done.complete(); // y in flight, its delete waits
    change('z');
    change('w'); // overflow: the queue is let go
    while (fanout.session('device')?.inFlight === 1) {
      done.complete();
      scheduler.flush();
    }

    expect([...held]).toEqual(['x', 'z', 'w']);
    expect(fanout.session('device')).toMatchObject({ state: 'live', offered: 5, delivered: 5, superseded: 0 });
  });
});
