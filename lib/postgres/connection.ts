import { Observable } from 'rxjs';
import type { PostgresConnection, PostgresLike } from './postgresLike.js';

/** Subscribing connects, unsubscribing closes; errors when there is no connection to be had, or when it is lost. */
export function connection(client: PostgresLike): Observable<PostgresConnection> {
  return new Observable((subscriber) => {
    client.connect().then(
      (made) => {
        // Unsubscribed meanwhile: `add` then closes at once.
        subscriber.add(() => void made.close());
        if (subscriber.closed) return;
        made.onLost((error) => {
          subscriber.error(error);
        });
        subscriber.next(made);
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
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
