import { randomBytes } from 'node:crypto';
import { fromPg } from 'ddl-fanout/postgres';
import pg from 'pg';
import type { Database, Execute } from './database.js';
import { Complaint } from './options.js';

/**
 * A database of its own on the server at `url`, dropped at its end with the roles that were created meanwhile; nothing
 * else of the server is touched.
 * @throws {Complaint} when there is no server, or when it lets nobody create a database
 */
export async function scratchDatabase(url: string): Promise<Database> {
  const name = `ddl_fanout_example_${randomBytes(4).toString('hex')}`;
  await onServer(url, (client) => client.query(`create database ${name}`)).catch((error: unknown) => {
    throw new Complaint(`cannot create a database on the server: ${messageOf(error)}`);
  });
  const scratch = new URL(url);
  scratch.pathname = name;
  const pool = new pg.Pool({ connectionString: scratch.href, max: 8 });
  pool.on('error', () => undefined); // whoever needs a connection finds out
  const drop = (roles: readonly string[]) =>
    onServer(url, async (client) => {
      await client.query(`drop database if exists ${name} with (force)`);
      for (const role of roles) await client.query(`drop role if exists ${role}`);
    });
  const statements = await pool.connect().catch(async (error: unknown) => {
    await drop([]);
    throw new Complaint(`cannot connect to the database that was created: ${messageOf(error)}`);
  });
  statements.on('error', () => undefined);
  const roles: string[] = [];
  const execute: Execute = async (sql) => {
    const results: pg.QueryResult<Record<string, unknown>> | pg.QueryResult<Record<string, unknown>>[] =
      await statements.query(sql);
    const [, role] = /^create\s+(?:role|user|group)\s+("(?:[^"]|"")+"|[\w$]+)/i.exec(sql) ?? [];
    if (role !== undefined) roles.push(role);
    return Array.isArray(results) ? results : [results];
  };
  return {
    client: fromPg(pool),
    execute,
    async transaction(work, end) {
      await execute('begin');
      try {
        const result = await work(execute);
        await execute(end);
        return result;
      } catch (error) {
        await execute('rollback');
        throw error;
      }
    },
    async close() {
      statements.release();
      await pool.end();
      await drop(roles);
    },
  };
}

async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end();
  }
}

/** Of several addresses that were tried, Node tells in an error without a message. */
const messageOf = (error: unknown): string =>
  error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : (error as Error).message;
