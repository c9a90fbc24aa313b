import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom, ignoreElements, Subject, timer } from 'rxjs';
import { fromPg, installCapture, postgresDefinitions, type PostgresLike } from 'ddl-fanout/postgres';
import pg from 'pg';
import { line, Listener } from '../../helpers/postgresDatabase.js';
import { PostgresServer, postgresServer, type ServerDatabase } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';

const fn = (name: string): string => `CREATE OR REPLACE FUNCTION ${name}() RETURNS int LANGUAGE sql AS 'SELECT 1';`;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const patient = { logger: quiet, reconnect: { initialDelay: 10, maxDelay: 200 } };

describeWith(postgresServer, 'a reader of a PostgreSQL server', () => {
  let server: PostgresServer;
  let database: ServerDatabase;

  beforeAll(async () => {
    server = await PostgresServer.start({ fsync: 'on' });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    database = await server.open();
    await installCapture(database.client);
  });
  afterEach(() => database.close());

  it('is woken by a notification', async () => {
    const listener = new Listener(database, { pollInterval: 600_000 });
    await listener.settled();
    expect(await listener.after(fn('a'))).toEqual(['put function public.a()']);
    listener.stop();
  });

  it('reads on, without a gap or a repeat, when its connection is cut again and again', async () => {
    const listener = new Listener(database, patient);
    await listener.settled();
    listener.messages.length = 0;
    const names = Array.from({ length: 30 }, (_, i) => `f${i}`);
    for (const name of names) {
      await database.sql(fn(name));
      await database.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%ddl_fanout%' AND pid <> pg_backend_pid()`,
      );
    }
    await listener.settled();
    expect(listener.messages.map(line)).toEqual(names.map((name) => `put function public.${name}()`));
    listener.stop();
  });

  it('reads on when the server was restarted', async () => {
    const listener = new Listener(database, patient);
    await listener.settled();
    listener.messages.length = 0;
    await database.sql(fn('a'));
    await server.kill('SIGINT');
    await server.up();
    await database.reopen();
    await database.sql(fn('b'));
    await listener.settled();
    expect(listener.messages.map(line)).toEqual(['put function public.a()', 'put function public.b()']);
    listener.stop();
  });

  it('is told all of a migration that committed before the server was killed, and nothing of one that had not', async () => {
    const listener = new Listener(database, patient);
    await listener.settled();
    listener.messages.length = 0;
    await database.sql(`BEGIN; ${fn('a')} ${fn('b')} COMMIT`);
    await database.sql(`BEGIN; ${fn('half')} DROP FUNCTION a()`);
    await server.kill('SIGKILL');
    await server.up();
    await database.reopen();
    await database.sql(`BEGIN; ${fn('c')} DROP FUNCTION b(); COMMIT`);
    await listener.settled();
    expect(listener.messages.map(line)).toEqual([
      ...[
        'put function public.a()',
        'put function public.b()',
        'put function public.c()',
        'delete function public.b()',
      ],
    ]);
    listener.stop();
  });

  it('errors with READ_ONLY as soon as the server takes no writes', async () => {
    const reading = firstValueFrom(
      postgresDefinitions(database.client, { ...patient, pollInterval: 20 }).pipe(ignoreElements()),
    );
    const refused = expect(reading).rejects.toMatchObject({ name: 'CaptureError', code: 'READ_ONLY' });
    await database.sql(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
    await database.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await refused;
    const client = fromPg(server.pool(database.name));
    await expect(installCapture(client, { schema: 'another' })).rejects.toMatchObject({ code: 'READ_ONLY' });
  });

  it('errors with PRIVILEGE when the server lets it in no longer, and with the server’s own error when the database is gone', async () => {
    const stranger = fromPg(server.pool(database.name, 'nobody_at_all'));
    await expect(firstValueFrom(postgresDefinitions(stranger))).rejects.toMatchObject({ code: 'PRIVILEGE' });
    const nowhere = fromPg(server.pool('no_such_database'));
    await expect(firstValueFrom(postgresDefinitions(nowhere))).rejects.toMatchObject({ code: '3D000' });
  });

  it('errors with the server’s own error when its database is dropped while it reads', async () => {
    const doomed = await server.open();
    await installCapture(doomed.client);
    const whole = new Subject<void>();
    const isWhole = firstValueFrom(whole);
    const options = { ...patient, onCaughtUp: () => whole.next() };
    const reading = firstValueFrom(postgresDefinitions(doomed.client, options).pipe(ignoreElements()));
    const ended = expect(reading).rejects.toMatchObject({ code: '3D000' });
    await isWhole;
    await database.sql(`DROP DATABASE ${doomed.name} WITH (FORCE)`);
    await ended;
    await doomed.close();
  });

  it('is told all that exists, and what is gone, when another database takes the name of its own', async () => {
    const { name } = database;
    let connections = Promise.resolve();
    const client: PostgresLike = { connect: () => connections.then(() => database.client.connect()) };
    const listener = new Listener({ ...database, client }, patient);
    await listener.settled();
    const other = await server.open();
    await database.sql(`${fn('kept')} ${fn('other')}`);
    await listener.settled();
    let connect = (): void => undefined;
    connections = new Promise((resolve) => (connect = resolve));
    const others = (of: string): Promise<unknown> =>
      other.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${of}'`);
    const swap = async (statement: string): Promise<void> => {
      // Those that are told to go may take a moment.
      for (let tries = 0; ; tries++) {
        await others(name);
        try {
          await other.sql(statement);
          return;
        } catch (error) {
          if (tries > 100) throw error;
        }
      }
    };
    await swap(`CREATE DATABASE copy TEMPLATE ${name}`);
    await database.reopen();
    await database.sql(fn('lost'));
    connect();
    await listener.first((msg) => msg.name === 'public.lost()');
    connections = new Promise((resolve) => (connect = resolve));
    listener.messages.length = 0;
    await swap(`ALTER DATABASE ${name} RENAME TO old`);
    await other.sql(`ALTER DATABASE copy RENAME TO ${name}`);
    await database.reopen();
    // As many changes as the old one had: its numbers are the same.
    await database.sql(fn('later'));
    connect();
    await listener.settled();
    expect(listener.messages.map(line)).toEqual([
      ...['delete function public.lost()', 'put function public.kept()', 'put function public.other()'],
      'put function public.later()',
    ]);
    listener.stop();
    await other.close();
  });

  it('errors with CLOSED when the pool was ended', async () => {
    const pool = new pg.Pool({ connectionString: server.url(database.name) });
    await pool.end();
    await expect(firstValueFrom(postgresDefinitions(fromPg(pool)))).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(installCapture(fromPg(pool))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('gives its connection back to the server when it unsubscribes, at any moment', async () => {
    const count = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    for (const delay of [0, 1, 5, 20]) {
      const subscription = postgresDefinitions(database.client).subscribe();
      await firstValueFrom(timer(delay));
      subscription.unsubscribe();
    }
    const left = async () => (await database.sql(count))[0]?.['n'];
    for (let looks = 0; looks < 1_000 && (await left()) !== 0; looks++) await firstValueFrom(timer(20));
    expect(await left()).toBe(0);
  });

  describe('on a single Client', () => {
    it('reads like any other, shares the connection and leaves it in order', async () => {
      const client = new pg.Client({ connectionString: server.url(database.name) });
      await client.connect();
      await client.query(fn('a'));
      const source = fromPg(client);
      await installCapture(source);
      const [msg] = [await firstValueFrom(postgresDefinitions(source))];
      expect(line(msg)).toBe('put function public.a()');
      expect((await client.query('SELECT * FROM pg_listening_channels()')).rows).toEqual([]);
      await client.end();
      await expect(installCapture(source)).rejects.toMatchObject({ code: 'CLOSED' });
    });
  });
});
