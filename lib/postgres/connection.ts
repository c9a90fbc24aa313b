import { Observable } from 'rxjs';
import { badOption } from '../options.js';
import type { PostgresConnection, PostgresLike } from './postgresLike.js';

/** @throws {FanoutError} BAD_OPTION unless it is one: a driver's own pool or client has to go through `fromPg` first */
export function checkClient(client: PostgresLike): void {
  const given: unknown = client;
  const isObject = typeof given === 'object' && given !== null;
  // A Pool and a Client of `pg`: both have a `connect` of another kind.
  const isDriversOwn = isObject && ('totalCount' in given || 'connectionParameters' in given);
  if (isObject && !isDriversOwn && 'connect' in given && typeof given.connect === 'function') return;
  throw badOption('client', 'what fromPg(pool) or fromPglite(db) makes, or another PostgresLike', client);
}

/** Subscribing connects, unsubscribing closes; errors when there is no connection to be had, or when it is lost. */
export function connection(client: PostgresLike): Observable<PostgresConnection> {
  return new Observable((subscriber) => {
    const fail = (error: unknown): void => {
      subscriber.error(error);
    };
    client
      .connect()
      .then((made) => {
        // Unsubscribed meanwhile: `add` then closes at once.
        subscriber.add(() => void made.close());
        if (subscriber.closed) return;
        made.onLost(fail);
        subscriber.next(made);
      })
      .catch(fail);
  });
}

/** Emits once when it listens, and then for each notification. */
export function wakeUps(made: PostgresConnection, channel: string): Observable<void> {
  return new Observable((subscriber) => {
    const wake = (): void => {
      subscriber.next();
    };
    made.listen(channel, wake).then(wake, (error: unknown) => {
      subscriber.error(error);
    });
  });
}
