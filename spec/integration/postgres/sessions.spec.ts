import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { fromPg, installCapture, removeCapture } from 'ddl-fanout/postgres';
import { line, Listener, listening, type TestSession } from '../../helpers/postgresDatabase.js';
import { PostgresServer, postgresServer, type ServerDatabase } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';

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
    await database.sql('CREATE ROLE other');
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
    await one.sql('ROLLBACK');
    await two.sql('ROLLBACK');
    await database.sql('DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS s2 CASCADE; CREATE SCHEMA s');
    await listener.settled();
    listener.messages.length = 0;
  });

  const told = async (): Promise<string[]> => {
    await listener.settled();
    return listener.messages.map(line);
  };

  /**
   * Commits the statements, unless they have to wait for another session. From 15.20 on PostgreSQL locks the schema and the types
   * that a function is made with; earlier it did not.
   */
  const waits = async (session: TestSession, statements: string): Promise<boolean> => {
    try {
      await session.sql(`BEGIN; SET LOCAL lock_timeout = '1s'; ${statements} COMMIT`);
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: '55P03' });
      await session.sql('ROLLBACK');
      return true;
    }
  };

  /** The capture tells this, and nothing else; it is removed then. */
  const expectTold = async (schema: string, lines: readonly string[]): Promise<void> => {
    const listener = new Listener(database, { schema });
    await listener.settled();
    expect(listener.messages.map(line)).toEqual(lines);
    listener.stop();
    await removeCapture(database.client, { schema });
  };

  /** Resolves when the installation has looked a few times, in vain, whether others have ended. */
  const untilItWaits = async (): Promise<void> => {
    const looks = new Set<string>();
    while (looks.size < 3) {
      const found = await database.sql(`SELECT query_start::text AS look FROM pg_stat_activity
        WHERE query ~ '^SELECT (l.virtualxid|transaction::text) AS name' AND datname = current_database()`);
      for (const { look } of found) looks.add(String(look));
    }
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

  describe('with definitions that mention two tables', () => {
    beforeEach(async () => {
      await database.sql(`CREATE TABLE s.a (i int); CREATE TABLE s.b (i int);
        CREATE FUNCTION s.both() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM s.a JOIN s.b USING (i); END;
        CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER trg BEFORE INSERT ON s.a FOR EACH ROW WHEN (NEW.i > 1) EXECUTE FUNCTION s.run();
        CREATE TRIGGER trg BEFORE INSERT ON s.b FOR EACH ROW WHEN (NEW.i > 1) EXECUTE FUNCTION s.run();`);
      await told();
      listener.messages.length = 0;
      for (const session of [one, two]) await session.sql(`SET lock_timeout = '2s'`);
    });
    afterEach(async () => {
      for (const session of [one, two]) await session.sql('ROLLBACK; RESET lock_timeout');
    });

    it.each(['ALTER COLUMN i SET DEFAULT 1', 'ADD PRIMARY KEY (i)'])(
      'alter one each, by %s, and do not wait for one another',
      async (change) => {
        await one.sql(`BEGIN; ALTER TABLE s.a ${change}`);
        await two.sql(`BEGIN; ALTER TABLE s.b ${change}; COMMIT`);
        await one.sql('COMMIT');
        expect(await told()).toEqual([]);
      },
    );

    it('do not wait either once a column was added that no text shows', async () => {
      await one.sql('ALTER TABLE s.a ADD COLUMN j int');
      await one.sql('BEGIN; ALTER TABLE s.a ALTER COLUMN i SET DEFAULT 1');
      await two.sql('ALTER TABLE s.b ALTER COLUMN i SET DEFAULT 1');
      await one.sql('COMMIT');
      expect(await told()).toEqual([]);
    });

    it('alter them in any order while a capture that is up to date is installed again, which does not wait', async () => {
      await one.sql('BEGIN; ALTER TABLE s.b ADD COLUMN j int');
      await installCapture(database.client);
      await one.sql('ALTER TABLE s.a ADD COLUMN j int; COMMIT');
      await installCapture(database.client);
      expect(await told()).toEqual([]);
    });
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

  it.each(['RENAME TO u', 'SET SCHEMA s2'])(
    'tell of a function that takes the rows of a table that was altered by %s before it was made',
    async (change) => {
      await database.sql('CREATE SCHEMA s2; CREATE TABLE s.t (a int)');
      await one.sql('BEGIN; SAVEPOINT a');
      await one.sql(`ALTER TABLE s.t ${change}; RELEASE a`);
      // Where PostgreSQL locks what a function takes it is not made.
      const made = two.sql(`SET lock_timeout = '1s'; ${fn('s.f(s.t)')} RESET lock_timeout`);
      const isMade = await made.then(
        () => true,
        () => false,
      );
      await one.sql('COMMIT');
      const now = change.startsWith('RENAME') ? 's.u' : 's2.t';
      expect((await told()).filter((text) => text.includes('s.f'))).toEqual(
        isMade ? ['put function s.f(s.t)', 'delete function s.f(s.t)', `put function s.f(${now})`] : [],
      );
    },
  );

  it('tell that a function is gone when one commits the drop of its type after another made it', async () => {
    await database.sql(`CREATE TYPE s.mood AS ENUM ('a')`);
    await one.sql('BEGIN; DROP TYPE s.mood CASCADE');
    if (await waits(two, fn('s.f(s.mood)'))) {
      await one.sql('COMMIT');
      await expect(two.sql(fn('s.f(s.mood)'))).rejects.toMatchObject({ code: '42704' });
      expect(await told()).toEqual([]);
      return;
    }
    await told();
    await one.sql('COMMIT');
    expect(await told()).toEqual(['put function s.f(s.mood)', 'delete function s.f(s.mood)']);
    // What has no text cannot be dropped while an event trigger is asked to name it.
    await database.sql(`DELETE FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = 's.f'::regproc;
      DELETE FROM pg_proc WHERE oid = 's.f'::regproc`);
  });

  it('drop tables without waiting for those who make definitions', async () => {
    await database.sql('CREATE TABLE s.t (a int PRIMARY KEY, b text)');
    await one.sql(`BEGIN; ${fn('s.f()')} SET CONSTRAINTS ALL IMMEDIATE`);
    await two.sql(`BEGIN; SET LOCAL lock_timeout = '1s'; DROP TABLE s.t; COMMIT`);
    await one.sql('COMMIT');
    expect(await told()).toEqual(['put function s.f()']);
  });

  it('commit under SET CONSTRAINTS ALL IMMEDIATE though their names are another one’s by now', async () => {
    await database.sql(`CREATE SCHEMA c; ${fn('c.g()')} ${fn('c.h()')}`);
    await listener.settled();
    listener.messages.length = 0;
    await one.sql(`BEGIN; ${fn('s.g()')} ${fn('s.h()')}`);
    if (await waits(two, 'ALTER SCHEMA s RENAME TO old; ALTER SCHEMA c RENAME TO s;')) {
      await one.sql('SET CONSTRAINTS ALL IMMEDIATE; COMMIT');
      expect(await told()).toEqual(['put function s.g()', 'put function s.h()']);
      await database.sql('DROP SCHEMA c CASCADE');
      return;
    }
    await one.sql('SET CONSTRAINTS ALL IMMEDIATE; COMMIT');
    const held = new Map<string, string>();
    for (const text of await told()) held.set(text.split(' ').slice(1).join(' '), text.split(' ')[0] ?? '');
    expect(Object.fromEntries(held)).toEqual({
      ...{ 'function c.g()': 'delete', 'function c.h()': 'delete', 'function s.g()': 'put', 'function s.h()': 'put' },
      ...{ 'function old.g()': 'put', 'function old.h()': 'put' },
    });
    await database.sql('DROP SCHEMA old CASCADE');
  });

  it('are refused at COMMIT when they are REPEATABLE READ and another one’s DDL committed meanwhile', async () => {
    await one.sql(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1`);
    await two.sql(fn('s.b()'));
    await one.sql(fn('s.a()'));
    await expect(one.sql('COMMIT')).rejects.toMatchObject({ code: '40001' });
    expect(await told()).toEqual(['put function s.b()']);
  });

  it.each([
    ['DROP FUNCTION s.f()', 'GRANT EXECUTE ON FUNCTION s.f() TO other', 'delete function s.f()'],
    ['ALTER FUNCTION s.f() RENAME TO g', 'REVOKE EXECUTE ON FUNCTION s.f() FROM PUBLIC', 'put function s.g()'],
    ['ALTER SCHEMA s RENAME TO s2', 'GRANT USAGE ON SCHEMA s TO other', 'put trigger trg on s2.t'],
    ['ALTER TABLE s.t RENAME TO u', 'ALTER TABLE s.t ADD COLUMN b int', 'put trigger trg on s.u'],
    ['ALTER TABLE s.t OWNER TO other', 'GRANT SELECT ON s.t TO other', 'put trigger trg on s.t'],
  ])(
    'are refused when they are REPEATABLE READ and %s after another one’s %s, and told when tried again',
    async (...row) => {
      const [statement, meanwhile, last] = row;
      await database.sql(`${fn('s.f()')} CREATE TABLE s.t (a int);
      CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run()`);
      await told();
      listener.messages.length = 0;
      await one.sql(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1`);
      await two.sql(meanwhile);
      await expect(one.sql(statement)).rejects.toMatchObject({ code: '40001' });
      await one.sql(`ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; ${statement}; COMMIT`);
      expect((await told()).at(-1)).toBe(last);
    },
  );

  it('are refused each time when they are REPEATABLE READ, whichever version of a row comes first', async () => {
    for (let i = 0; i < 30; i++) {
      await database.sql(`DROP SCHEMA s CASCADE; CREATE SCHEMA s; CREATE TABLE s.t (a int);
        CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run()`);
      await one.sql('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
      await two.sql('GRANT SELECT ON s.t TO other');
      await expect(one.sql('ALTER TABLE s.t RENAME TO u')).rejects.toMatchObject({ code: '40001' });
      await one.sql('ROLLBACK');
    }
  });

  it('are not refused for a row that was locked and not changed', async () => {
    await database.sql(fn('s.f()'));
    for (const catalog of [`pg_namespace WHERE nspname = 's'`, `pg_proc WHERE proname = 'f'`])
      await two.sql(`BEGIN; SELECT FROM ${catalog} FOR UPDATE; COMMIT`);
    await one.sql(
      'BEGIN ISOLATION LEVEL REPEATABLE READ; ALTER FUNCTION s.f() COST 5; ALTER FUNCTION s.f() COST 6; COMMIT',
    );
    expect(await told()).toEqual(['put function s.f()', 'put function s.f()', 'put function s.f()']);
  });

  it('are refused at COMMIT when they are REPEATABLE READ and a capture was installed meanwhile', async () => {
    const schema = 'meanwhile';
    await one.sql(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1`);
    const installed = installCapture(database.client, { schema });
    // Its schema is seen a moment before its event triggers are; once it goes on to wait for others, both are.
    const waiting = `SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%virtualxid%'`;
    while ((await database.sql(waiting)).length === 0);
    await expect(one.sql(`${fn('s.f()')} COMMIT`)).rejects.toMatchObject({ code: '40001' });
    await one.sql('ROLLBACK');
    await installed;
    await removeCapture(database.client, { schema });
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

  it('lose nothing that was prepared while an installation waited', async () => {
    const schema = 'prepared';
    await one.sql(`BEGIN; ${fn('s.early()')}`);
    const installed = installCapture(database.client, { schema });
    await untilItWaits();
    await one.sql(`PREPARE TRANSACTION 'x'`);
    await untilItWaits();
    await database.sql(`COMMIT PREPARED 'x'`);
    await installed;
    await expectTold(schema, ['put function s.early()']);
  });

  it('lose nothing of a session that nobody can watch', async () => {
    const schema = 'unseen';
    await two.sql('SET track_activities = off');
    await two.sql(`BEGIN; ${fn('s.unseen()')}`);
    const installed = installCapture(database.client, { schema });
    await untilItWaits();
    await two.sql('COMMIT; RESET track_activities');
    await installed;
    await expectTold(schema, ['put function s.unseen()']);
  });

  it('look for names where they did when a capture is installed in a transaction of theirs', async () => {
    const client = new pg.Client({ connectionString: server.url(database.name) });
    await client.connect();
    await client.query('BEGIN');
    await installCapture(fromPg(client));
    await client.query(fn('mine()'));
    await client.query('COMMIT');
    await client.end();
    expect(await told()).toEqual(['put function public.mine()']);
    await database.sql('DROP FUNCTION public.mine()');
  });

  it('lose nothing that began before a capture was installed, and had not written', async () => {
    const schema = 'quiet';
    await database.sql(
      `CREATE TABLE s.t (a int); CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
    );
    await one.sql(`BEGIN; LOCK TABLE s.t IN SHARE MODE`);
    const waits = two.sql('CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run()');
    const installed = installCapture(database.client, { schema });
    await untilItWaits();
    await one.sql('COMMIT');
    await waits;
    await installed;
    await expectTold(schema, ['put function s.run()', 'put trigger trg on s.t']);
  });

  it('go on while a capture that is up to date is installed again beside them', async () => {
    await database.sql(`CREATE TABLE s.t (a int);
      CREATE FUNCTION s.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM s.t; END`);
    // As beside what an older version has told; the text is asked for then.
    await database.sql('UPDATE ddl_fanout.definition SET fingerprint = NULL');
    await one.sql('BEGIN; ALTER TABLE s.t ADD COLUMN b int');
    const installed = installCapture(database.client);
    while ((await database.sql('SELECT FROM pg_locks WHERE NOT granted')).length === 0);
    await two.sql(fn('s.beside()'));
    await one.sql('COMMIT');
    await installed;
    expect(await told()).toEqual(['put function s.f()', 'put function s.beside()']);
  });

  it('lose nothing that was under way when an installation was cut off and made again', async () => {
    const schema = 'second';
    await one.sql(`BEGIN; ${fn('s.early()')}`);
    const cutOff = expect(installCapture(database.client, { schema })).rejects.toThrow();
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE query LIKE '%virtualxid%' AND pid <> pg_backend_pid() AND datname = current_database()`;
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
