import { DefinitionSyncFanout } from 'ddl-fanout';
import { Observable } from 'rxjs';
import { eachOf, Tally } from './contender.js';
import type { DefinitionFrame } from 'ddl-fanout';
import type { Subscriber } from 'rxjs';
import type { Contender, Fanned } from './contender.js';

const ignore = (): void => undefined;
/** Overflow is told to nobody: a line on the terminal is not what is timed. */
export const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** `register`, with a delivery function that is done at once, or in flight until `drain`. */
export const ours: Contender = {
  name: 'ddl-fanout',
  live: (sessions) => live(sessions, new DefinitionSyncFanout()),
  queued: (sessions) => busy(sessions, 256),
  full(sessions) {
    const fanned = busy(sessions, 0);
    fanned.occupy?.();
    return fanned;
  },
};

/** With a catalog, which remembers every second message as a delete that somebody may need. */
export const oursWithDeletes: Contender = {
  name: 'ddl-fanout with a catalog',
  live(sessions) {
    const fanned = live(sessions, new DefinitionSyncFanout({ catalog: true }));
    let deletes = false;
    return {
      ...fanned,
      broadcast(msg) {
        fanned.broadcast(deletes ? { ...msg, action: 'delete' } : msg);
        deletes = !deletes;
      },
    };
  },
};

/** `receiver`, from which waiting frames are taken. */
export const ourReceivers: Contender = {
  name: 'ddl-fanout receivers',
  queued(sessions) {
    const fanout = new DefinitionSyncFanout();
    const tally = new Tally();
    const receivers = eachOf(sessions, (i) => fanout.receiver(`session-${i}`));
    return {
      tally,
      broadcast: (msg) => fanout.broadcast(msg),
      drain() {
        for (const receiver of receivers) while (receiver.tryReceive() !== undefined) tally.frames++;
      },
      close: () => fanout.complete(),
    };
  },
};

function live(sessions: number, fanout: DefinitionSyncFanout): Fanned {
  const tally = new Tally();
  const subscriptions = eachOf(sessions, (i) =>
    fanout
      .register(`session-${i}`, () => {
        tally.frames++;
      })
      .subscribe(),
  );
  return {
    tally,
    broadcast: (msg) => fanout.broadcast(msg),
    close: () => subscriptions.forEach((subscription) => subscription.unsubscribe()),
  };
}

function busy(sessions: number, capacity: number): Fanned {
  const fanout = new DefinitionSyncFanout({ capacity, logger: silent });
  const tally = new Tally();
  const inFlight: Subscriber<never>[] = [];
  let open = true;
  const delivery = new Observable<never>((subscriber) => {
    inFlight.push(subscriber);
  });
  const deliver =
    () =>
    ({ bytes }: DefinitionFrame) => {
      if (!open) return delivery;
      if (bytes.length > 0) tally.frames++;
      return undefined;
    };
  const subscriptions = eachOf(sessions, (i) => fanout.register(`session-${i}`, deliver()).subscribe());
  return {
    tally: {
      get frames() {
        return tally.frames;
      },
      get dropped() {
        return fanout.framesDropped;
      },
    },
    broadcast: (msg) => fanout.broadcast(msg),
    occupy() {
      open = false;
      fanout.broadcast({ definitionType: 'function', name: 'first', action: 'delete', payload: new Uint8Array() });
    },
    drain() {
      open = true;
      for (const subscriber of inFlight.splice(0)) subscriber.complete();
    },
    close: () => subscriptions.forEach((subscription) => subscription.unsubscribe()),
  };
}
