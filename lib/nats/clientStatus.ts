import type { NatsConnection } from '@nats-io/transport-node';
import { Subject } from 'rxjs';

const statuses = new WeakMap<NatsConnection, ClientStatus>();

/** What a client says of its connection. */
export class ClientStatus {
  /** Each time the client is connected again; completes when the client says no more. */
  readonly reconnects$ = new Subject<void>();
  /** What the server says it did not let the user do; completes when the client says no more. */
  readonly denials$ = new Subject<Error>();
  #gaveUp = false;

  private constructor(connection: NatsConnection) {
    const complete = (): void => {
      // Whoever asks later asks the client again.
      statuses.delete(connection);
      this.reconnects$.complete();
      this.denials$.complete();
    };
    this.#listen(connection).then(complete, complete);
  }

  /** One for all that share a connection, since the client keeps a queue for everyone who asks until that closes. */
  static of(connection: NatsConnection): ClientStatus {
    const status = statuses.get(connection) ?? new ClientStatus(connection);
    statuses.set(connection, status);
    return status;
  }

  /**
   * Whether the client closed itself because it lost its server: one that is told not to reconnect does so without an
   * error, as if its owner had closed it.
   */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  async #listen(connection: NatsConnection): Promise<void> {
    let justLost = false;
    for await (const status of connection.status()) {
      if (status.type === 'reconnect') this.reconnects$.next();
      if (status.type === 'error' && status.error.name === 'PermissionViolationError') this.denials$.next(status.error);
      if (status.type === 'disconnect') {
        // Only the client itself closes in the same turn; an owner who closes while it is away does so later.
        justLost = true;
        setImmediate(() => (justLost = false));
      }
      if (status.type === 'reconnecting') justLost = false;
      if (status.type === 'close') this.#gaveUp = justLost;
    }
  }
}
