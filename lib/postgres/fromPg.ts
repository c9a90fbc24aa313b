import { methodOption, objectOption } from '../options.js';
import { CaptureError } from './captureError.js';
import type { PostgresConnection, PostgresLike, Row } from './postgresLike.js';
import { isPassing } from './sqlState.js';

/** What of a `pg` client is used. */
export interface PgClientLike {
  query(sql: string, parameters?: unknown[]): Promise<{ rows: unknown[] }>;
  on(event: 'notification' | 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'notification' | 'end', listener: () => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** What of a `pg` `Pool` is used. */
export interface PgPoolLike {
  readonly totalCount: number;
  readonly ending: boolean;
  connect(taken: (error: Error | undefined, client?: PooledClient) => void): unknown;
}

type PooledClient = PgClientLike & { release(destroy?: boolean): void };

/**
 * A `pg` pool as a `PostgresLike`: each reader takes one client out of it for as long as it reads, because LISTEN
 * belongs to a connection, and takes another when that one is lost. `pg` itself is not imported.
 *
 * - A connected `pg` `Client` will do for `installCapture` and the like, and for one reader that need not survive a lost
 *   connection: a `Client` cannot connect twice. It should have no other use meanwhile.
 * @throws {FanoutError} BAD_OPTION unless it is a `Pool` or a `Client`
 * @param source made and ended by the caller, who also handles a pool's `error` event as `pg` asks for. Leave a client
 *   for each reader in the pool's `max`, and unsubscribe before `pool.end()`, which waits for clients that are out
 */
export function fromPg(source: PgPoolLike | PgClientLike): PostgresLike {
  objectOption('source', source);
  if ('totalCount' in source) {
    methodOption('source', source, 'connect');
    return fromPool(source);
  }
  for (const method of ['query', 'on']) methodOption('source', source, method);
  let ended = false;
  source.on('end', () => (ended = true));
  return {
    connect: () =>
      ended
        ? Promise.reject(new CaptureError('CLOSED', 'a pg Client that has ended cannot reconnect; pass a Pool'))
        : Promise.resolve(pgConnection(source, () => undefined)),
  };
}

function fromPool(pool: PgPoolLike): PostgresLike {
  return {
    connect() {
      if (pool.ending) return Promise.reject(new CaptureError('CLOSED', 'the pg Pool was ended'));
      // Not its promise: until that is looked at, a client that is lost again has no listener, and would end the process.
      return new Promise((resolve, reject) => {
        let mine: PooledClient | undefined;
        const taken = (error: Error | undefined, client?: PooledClient): void => {
          if (client === undefined) {
            if (error !== undefined) reject(error);
          } else if (mine === undefined) {
            mine = client;
            resolve(pgConnection(client, (spent) => client.release(spent)));
          }
        };
        // A pool of another make may answer by a promise instead, or as well.
        const promised = pool.connect(taken) as PromiseLike<PooledClient | undefined> | undefined;
        promised?.then((client) => taken(undefined, client), taken);
      });
    },
  };
}

/** @param release called once; `spent` when the connection listened or is lost, and so is of no use to others */
function pgConnection(client: PgClientLike, release: (spent: boolean) => void): PostgresConnection {
  let spent = false;
  let lost: { readonly error: unknown } | undefined;
  let closed = false;
  let channel: string | undefined;
  let onWake: (() => void) | undefined;
  let tellLost: ((error: unknown) => void) | undefined;
  const wake = (): void => onWake?.();
  const lose = (error: unknown): void => {
    const tell = tellLost;
    tellLost = undefined;
    spent = true;
    lost ??= { error };
    tell?.(error);
  };
  const end = (): void => {
    lose(new Error('the server ended the connection'));
  };
  const asking = oneAtATime(client);
  const ask: PgClientLike['query'] = (sql, parameters) =>
    asking(sql, parameters).catch((error: unknown) => {
      // The server that ends a connection may answer before it does: the next one to borrow the client would be cut off.
      spent ||= isPassing(error);
      throw error;
    });
  client.on('notification', wake);
  client.on('error', lose);
  client.on('end', end);
  return {
    query: async (sql, parameters = []) => (await ask(sql, [...parameters])).rows as Row[],
    run: async (script) => {
      await ask(script);
    },
    listen: async (name, wakeUp) => {
      onWake = wakeUp;
      channel = name;
      spent = true;
      await ask(`LISTEN ${name}`);
    },
    onLost: (tell) => {
      if (lost === undefined) tellLost = tell;
      else tell(lost.error);
    },
    close: async () => {
      if (closed) return;
      closed = true;
      onWake = tellLost = undefined;
      client.off('notification', wake);
      client.off('end', end);
      const pooled = 'release' in client;
      // A client that is lost or destroyed may still emit `error`, which without a listener would end the process.
      if (!lost && !(spent && pooled)) client.off('error', lose);
      release(spent);
      if (!pooled && channel !== undefined) await ask(`UNLISTEN ${channel}`).catch(() => undefined);
    },
  };
}

/** `pg` deprecates what it queues, and a look may come due, or the reader go, during another statement. */
function oneAtATime(client: PgClientLike): PgClientLike['query'] {
  let asking: Promise<unknown> | undefined;
  return (sql, parameters) => {
    const answer = asking ? asking.then(() => client.query(sql, parameters)) : client.query(sql, parameters);
    const answered = (): void => {
      if (asking === over) asking = undefined;
    };
    const over = answer.then(answered, answered);
    asking = over;
    return answer;
  };
}
