import { methodOption } from '../options.js';
import { CaptureError } from './captureError.js';
import type { PostgresConnection, PostgresLike, Row } from './postgresLike.js';

/** What of a `PGlite` is used; PGlite's worker and its other front ends have it too. */
export interface PgliteLike {
  readonly closed: boolean;
  query(sql: string, parameters?: unknown[]): Promise<{ rows: unknown[] }>;
  exec(script: string): Promise<unknown>;
  listen(channel: string, wake: (payload: string) => void): Promise<() => Promise<void>>;
}

/**
 * A PGlite as a `PostgresLike`. PGlite has one connection, so it is shared with the caller's own statements;
 * each statement waits its turn, and none runs inside the caller's `db.transaction(...)`.
 * @throws {FanoutError} BAD_OPTION unless it is one
 * @param db made and closed by the caller; once it is closed, what reads from it fails with `CLOSED`
 */
export function fromPglite(db: PgliteLike): PostgresLike {
  for (const method of ['query', 'exec', 'listen']) methodOption('db', db, method);
  return {
    connect() {
      if (db.closed) return Promise.reject(new CaptureError('CLOSED', 'the PGlite is closed'));
      return Promise.resolve(pgliteConnection(db));
    },
  };
}

function pgliteConnection(db: PgliteLike): PostgresConnection {
  let listening: Promise<() => Promise<void>> | undefined;
  return {
    async query(sql, parameters = []) {
      const { rows } = await db.query(sql, [...parameters]);
      return rows as Row[];
    },
    async run(script) {
      await db.exec(script);
    },
    async listen(channel, wake) {
      await (listening = db.listen(channel, wake));
    },
    onLost() {
      // It lives in this process: it can be closed, which the next statement finds out, but not lost.
    },
    async close() {
      const listened = listening;
      listening = undefined;
      // Not answered yet, perhaps: the session is the caller's, and would listen for good.
      const unlisten = await listened?.catch(() => undefined);
      if (!db.closed) await unlisten?.().catch(() => undefined);
    },
  };
}
