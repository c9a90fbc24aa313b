import { objectOption } from '../options.js';
import { firstValueFrom, timer } from 'rxjs';
import { CaptureError } from './captureError.js';
import { captureNames, type CaptureNames } from './captureNames.js';
import { captureVersion, completeScript, installScript, isCurrent, reconcileScript } from './captureScript.js';
import { checkClient } from './connection.js';
import { hasCapture } from './hasCapture.js';
import type { PostgresConnection, PostgresLike } from './postgresLike.js';
import { withConnection } from './withConnection.js';

export interface CaptureOptions {
  /** The schema that holds the capture; default `ddl_fanout`. Two captures of one database are independent. */
  readonly schema?: string | undefined;
}

/**
 * Makes the database tell its function, trigger and procedure DDL, or brings what does so up to date.
 *
 * - Idempotent: keeps all that was captured and every reader's position, replaces the code of an older version, tells
 *   what has changed without being seen. Calling it at each start of the Origin is right: code that is there is left alone.
 * - Replacing code takes locks that DDL beside it may deadlock with; PostgreSQL then fails either.
 * - One transaction; it needs a role that may create event triggers (a superuser, as a rule) and PostgreSQL 13 or later.
 * - Waits for transactions that change definitions at that moment and, the first time, for every transaction of this
 *   database that was open before, also one that only reads: no event trigger sees what those do. Cut off meanwhile, it
 *   waits again at the next call.
 * @throws {FanoutError} BAD_OPTION at call time
 * @throws {CaptureError} PRIVILEGE, VERSION, READ_ONLY, SCHEMA_IN_USE, CLOSED; nothing has changed then
 */
export function installCapture(client: PostgresLike, options: CaptureOptions = {}): Promise<void> {
  checkClient(client);
  const names = captureNames(objectOption('options', options).schema);
  return withConnection(client, 'installing the capture', async (connection) => {
    await checkServer(connection);
    for (let tries = 1; ; tries++) {
      try {
        await install(connection, names);
        return;
      } catch (error) {
        if (tries === MOST_TRIES || !IS_GONE.has((error as { code?: unknown }).code)) throw error;
      }
    }
  });
}

/** What PostgreSQL says of a schema, a table or a function that is not there: another one has removed the capture meanwhile. */
const IS_GONE: ReadonlySet<unknown> = new Set(['3F000', '42P01', '42883']);
/** A capture that is removed that often while it is installed is not to be there. */
const MOST_TRIES = 10;

async function install(connection: PostgresConnection, names: CaptureNames): Promise<void> {
  const script = (await hasItsCode(connection, names)) ? reconcileScript(names) : installScript(names);
  await connection.run(script);
  if (await isComplete(connection, names)) return;
  await untilOthersEnded(connection);
  await connection.run(completeScript(names));
}

async function checkServer(connection: PostgresConnection): Promise<void> {
  const [server] = await connection.query(`SELECT pg_catalog.current_setting('server_version_num') AS version`);
  if (Number(server?.['version']) < 130_000) {
    throw new CaptureError('VERSION', `PostgreSQL 13 or later is needed, this one says ${String(server?.['version'])}`);
  }
}

/** Whether there is a capture with the code of this version, and nothing to mend. */
async function hasItsCode(connection: PostgresConnection, names: CaptureNames): Promise<boolean> {
  if (!(await hasCapture(connection, names))) return false;
  const [capture] = await connection.query(`SELECT version::text AS version FROM ${names.schema}.capture`);
  const version = Number(capture?.['version']);
  if (version > captureVersion) {
    throw new CaptureError('VERSION', `the capture was made by a newer library (version ${version})`);
  }
  // None: a dump of the schema alone was restored.
  if (version !== captureVersion) return false;
  const [code] = await connection.query(isCurrent(names));
  return code?.['current'] === true;
}

/** False the first time, and again if that was cut off: the transactions it waited for may be under way still. */
async function isComplete(connection: PostgresConnection, names: CaptureNames): Promise<boolean> {
  const [capture] = await connection.query(`SELECT complete FROM ${names.schema}.capture`);
  return capture?.['complete'] === true;
}

/**
 * The transactions that sessions of this database have open. Those that have not written as well: a session that has run DDL before
 * looks for new event triggers only in its next transaction, and a statement that waits for a lock has looked already.
 */
const OPEN = `SELECT l.virtualxid AS name FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'virtualxid' AND l.granted AND l.mode = 'ExclusiveLock' AND a.datname = pg_catalog.current_database()
    AND a.backend_type IS DISTINCT FROM 'autovacuum worker' AND l.pid <> pg_catalog.pg_backend_pid()`;
/** Those that are prepared, under a name that they have from then on. */
const PREPARED = `SELECT transaction::text AS name FROM pg_catalog.pg_prepared_xacts
  WHERE database = pg_catalog.current_database()`;

/** Waits for the transactions that are open now; the prepared ones later, for any of these may be prepared meanwhile. */
async function untilOthersEnded(connection: PostgresConnection): Promise<void> {
  await untilEnded(connection, OPEN);
  await untilEnded(connection, PREPARED);
}

async function untilEnded(connection: PostgresConnection, query: string): Promise<void> {
  const names = async () => (await connection.query(query)).map((row) => String(row['name']));
  let left = await names();
  while (left.length > 0) {
    await firstValueFrom(timer(50));
    const now = new Set(await names());
    left = left.filter((name) => now.has(name));
  }
}
