import { afterAll, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { installCapture } from 'ddl-fanout/postgres';
import { line, Listener, listening, type TestSession } from '../../helpers/postgresDatabase.js';
import { PostgresServer, postgresServer, type ServerDatabase } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';

// A server's start takes seconds on a busy machine.
jest.setTimeout(60_000);

const fn = (name: string): string => `CREATE OR REPLACE FUNCTION ${name} RETURNS int LANGUAGE sql AS 'SELECT 1';`;

describeWith(postgresServer, 'several sessions of a PostgreSQL server', () => {
  let server: PostgresServer;
  let database: ServerDatabase;
  let listener: Listener;
  let one: TestSession;
  let two: TestSession;

  beforeAll(async () => {
    server = await PostgresServer.start({ fsync: 'off', max_prepared_transactions: '5' });
    database = await server.open();
    listener = await listening(database);
    one = await database.session();
    two = await database.session();
  });
  afterAll(async () => {
    listener.stop();
    await one.close();
    await two.close();
    await database.close();
    await server.stop();
  });
  beforeEach(async () => {
    await database.sql('DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS s2 CASCADE; CREATE SCHEMA s');
    await listener.settled();
    listener.messages.length = 0;
  });

  const told = async (): Promise<string[]> => {
    await listener.settled();
    return listener.messages.map(line);
  };

  it('are told in the order of their commits, not of their statements', async () => {
    await one.sql(`BEGIN; ${fn('s.a()')}`);
    await two.sql(`BEGIN; ${fn('s.b()')}`);
    await two.sql('COMMIT');
    await listener.settled();
    await one.sql('COMMIT');
    expect(await told()).toEqual(['put function s.b()', 'put function s.a()']);
  });

  it('do not wait for one another before they commit', async () => {
    await one.sql(`BEGIN; CREATE TABLE s.a (i int); CREATE TABLE s.b (i int); COMMIT`);
    await one.sql('BEGIN; ALTER TABLE s.a ADD COLUMN j int');
    await two.sql('BEGIN; ALTER TABLE s.b ADD COLUMN j int');
    const waits = one.sql('ALTER TABLE s.b ADD COLUMN k int');
    await two.sql('COMMIT');
    await waits;
    await one.sql('COMMIT');
    expect(await told()).toEqual([]);
  });

  it.each([
    ['the rename commits first', ['two', 'one']],
    ['the rename commits last', ['one', 'two']],
  ] as const)(
    'converge when one creates a function on a type that the other renames, and %s',
    async (_title, order) => {
      await database.sql(`CREATE TYPE s.mood AS ENUM ('a'); ${fn('s.old(s.mood)')}`);
      await listener.settled();
      listener.messages.length = 0;
      const sessions = { one, two };
      await one.sql(`BEGIN; ${fn('s.f(s.mood)')}`);
      await two.sql('BEGIN; ALTER TYPE s.mood RENAME TO temper');
      for (const session of order) await sessions[session].sql('COMMIT');
      const lines = await told();
      expect(lines.filter((text) => text.includes('s.old'))).toEqual([
        ...['delete function s.old(s.mood)', 'put function s.old(s.temper)'],
      ]);
      expect(lines.filter((text) => text.includes('s.f(s.mood)')).at(-1)).toBe('delete function s.f(s.mood)');
      expect(lines).toContain('put function s.f(s.temper)');
    },
  );

  it('are refused at COMMIT when they are REPEATABLE READ and another one’s DDL committed meanwhile', async () => {
    await one.sql(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1`);
    await two.sql(fn('s.b()'));
    await one.sql(fn('s.a()'));
    await expect(one.sql('COMMIT')).rejects.toMatchObject({ code: '40001' });
    expect(await told()).toEqual(['put function s.b()']);
  });

  it('can prepare a transaction with DDL, which is told when it is committed, in its place', async () => {
    await one.sql(`BEGIN; ${fn('s.a()')} PREPARE TRANSACTION 'x'`);
    await one.sql(`BEGIN; ${fn('s.never()')} ROLLBACK`);
    const waits = two.sql(fn('s.b()'));
    await database.sql(`COMMIT PREPARED 'x'`);
    await waits;
    expect(await told()).toEqual(['put function s.a()', 'put function s.b()']);
  });

  it('are told nothing of a prepared transaction that is rolled back', async () => {
    await one.sql(`BEGIN; ${fn('s.a()')} PREPARE TRANSACTION 'x'`);
    await database.sql(`ROLLBACK PREPARED 'x'`);
    await database.sql(fn('s.b()'));
    expect(await told()).toEqual(['put function s.b()']);
  });

  it('lose nothing that was under way, or prepared, while a capture was installed', async () => {
    const schema = 'late';
    await one.sql(`BEGIN; ${fn('s.early()')}`);
    await two.sql(`BEGIN; ${fn('s.prepared()')} PREPARE TRANSACTION 'x'`);
    const installed = installCapture(database.client, { schema });
    await two.sql('SELECT pg_sleep(0.1)');
    await two.sql(`COMMIT PREPARED 'x'`);
    await one.sql('SELECT pg_sleep(0.1); COMMIT');
    await installed;
    const late = new Listener(database, { schema });
    await late.settled();
    expect(late.messages.map(line).sort()).toEqual(['put function s.early()', 'put function s.prepared()']);
    late.stop();
  });

  it('lose nothing that was under way when an installation was cut off and made again', async () => {
    const schema = 'second';
    await one.sql(`BEGIN; ${fn('s.early()')}`);
    const cutOff = expect(installCapture(database.client, { schema })).rejects.toThrow();
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE query LIKE '%prepared_xacts%' AND pid <> pg_backend_pid() AND datname = current_database()`;
    while ((await database.sql(cut)).length === 0);
    await cutOff;
    const installed = installCapture(database.client, { schema });
    await two.sql('SELECT pg_sleep(0.1)');
    await one.sql('COMMIT');
    await installed;
    const second = new Listener(database, { schema });
    await second.settled();
    expect(second.messages.map(line)).toEqual(['put function s.early()']);
    second.stop();
  });

  it('wait for no reader', async () => {
    await one.sql(`BEGIN; SELECT * FROM ddl_fanout.change; SELECT * FROM ddl_fanout.definition`);
    await two.sql(fn('s.a()'));
    await one.sql('COMMIT');
    expect(await told()).toEqual(['put function s.a()']);
  });
});
