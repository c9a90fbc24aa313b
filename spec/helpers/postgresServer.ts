import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import pg from 'pg';
import { fromPg } from 'ddl-fanout/postgres';
import type { TestDatabase, TestSession } from './postgresDatabase.js';
import { findUser, type PostgresPrograms, postgresServer } from './postgresPrograms.js';

export { postgresServer };

/** A database of a server, which has any number of sessions. */
export interface ServerDatabase extends TestDatabase {
  readonly name: string;
  readonly pool: pg.Pool;
  session(): Promise<TestSession>;
  /** A new session for `sql`, after the server was away. */
  reopen(): Promise<void>;
}

/** A PostgreSQL server in a folder of its own on a free port of 127.0.0.1. */
export class PostgresServer {
  private process: ChildProcess | undefined;
  private readonly pools: pg.Pool[] = [];
  private databases = 0;

  private constructor(
    private readonly programs: PostgresPrograms,
    private readonly folder: string,
    readonly port: number,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** @param settings of `postgresql.conf`; without any, nothing is synced to the disk */
  static async start(
    settings: Readonly<Record<string, string>> = { fsync: 'off' },
    programs = postgresServer,
  ): Promise<PostgresServer> {
    return PostgresServer.make(
      programs,
      'initdb',
      ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
      settings,
    );
  }

  /** A standby of this server, which follows it until `pg_promote()`. */
  standby(): Promise<PostgresServer> {
    const source = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'postgres', '-R', '-c', 'fast', '--no-sync'];
    return PostgresServer.make(this.programs, 'pg_basebackup', source, this.settings);
  }

  private static async make(
    programs: PostgresPrograms,
    program: string,
    options: readonly string[],
    settings: Readonly<Record<string, string>>,
  ): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'ddl-fanout-postgres-'));
    const user = findUser();
    if (user) chownSync(folder, user.uid, user.gid);
    const command = ['-D', join(folder, 'data'), ...options];
    execFileSync(join(programs.folder ?? '', program), command, { ...user, cwd: folder, stdio: 'ignore' });
    const server = new PostgresServer(programs, folder, await freePort(), settings);
    await server.up();
    return server;
  }

  url(database: string, user = 'postgres'): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** Starts it in its folder, again after `kill()`; resolves when it answers. */
  async up(): Promise<void> {
    const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...this.settings };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = ['-D', join(this.folder, 'data'), '-p', String(this.port), ...options];
    this.process = spawn(join(this.programs.folder ?? '', 'postgres'), command, {
      ...findUser(),
      cwd: this.folder,
      stdio: 'ignore',
    });
    for (let attempt = 0; ; attempt++) {
      const client = new pg.Client({ connectionString: this.url('postgres') });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        if (attempt > 600 || this.process.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Ends the server: SIGINT closes every connection first, SIGKILL leaves no time for anything. */
  async kill(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const server = this.process;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const over = new Promise((resolve) => server.once('exit', resolve));
    server.kill(signal);
    await over;
  }

  async stop(): Promise<void> {
    // Its end cuts every connection, so that no pool waits for a client that a failed spec has kept.
    await this.kill('SIGINT');
    for (const pool of this.pools) void pool.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  pool(database: string, user?: string): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.url(database, user), max: 20 });
    pool.on('error', () => undefined);
    this.pools.push(pool);
    return pool;
  }

  /** Runs one of its client's programs. @returns what it writes, or the path of the file of that name that it is written to */
  run(program: string, options: readonly string[], file?: string): string {
    const path = join(this.folder, file ?? '');
    const target = file === undefined ? [] : ['-f', path];
    const written = execFileSync(join(this.programs.folder ?? '', program), [...options, ...target], {
      encoding: 'utf8',
      stdio: 'pipe',
      maxBuffer: 2 ** 26,
    });
    return file === undefined ? written : path;
  }

  /** Writes a file beside its own. @returns its path */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** A new database in it. Its `close` ends the connections; the server's end takes the rest. */
  async open(encoding = 'UTF8'): Promise<ServerDatabase> {
    const name = `db${++this.databases}`;
    const client = new pg.Client({ connectionString: this.url('postgres') });
    await client.connect();
    await client.query(`CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0`);
    await client.end();
    const pool = this.pool(name);
    // One session for statements, so that SET and BEGIN last.
    let statements = await pool.connect();
    statements.on('error', () => undefined);
    return {
      name,
      pool,
      client: fromPg(pool),
      sql: async (text) => rowsOf(await statements.query(text)),
      reopen: async () => {
        statements.release(true);
        statements = await pool.connect();
        statements.on('error', () => undefined);
      },
      as: (role) => Promise.resolve(fromPg(this.pool(name, role))),
      session: async () => {
        const session = await pool.connect();
        session.on('error', () => undefined);
        return {
          sql: async (text) => rowsOf(await session.query(text)),
          close: () => {
            session.release(true);
            return Promise.resolve();
          },
        };
      },
      close: () => {
        statements.release(true);
        return Promise.resolve();
      },
    };
  }
}

/** `pg` gives an array of results for several statements. */
function rowsOf(result: pg.QueryResult | pg.QueryResult[]): readonly Readonly<Record<string, unknown>>[] {
  const last = Array.isArray(result) ? result.at(-1) : result;
  return (last?.rows ?? []) as Record<string, unknown>[];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => {
        resolve(port);
      });
    });
  });
}
