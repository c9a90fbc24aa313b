import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  EMPTY,
  concatMap,
  first,
  firstValueFrom,
  lastValueFrom,
  NEVER,
  ReplaySubject,
  Subject,
  take,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import {
  forgetReader,
  installCapture,
  postgresDefinitions,
  type PostgresConnection,
  type PostgresDefinitionsOptions,
  type PostgresLike,
  removeCapture,
} from 'ddl-fanout/postgres';
import { recordingLogger } from 'ddl-fanout/testing';
import { captureNames } from '../../lib/postgres/captureNames.js';
import { installScript, isCurrent, removeScript } from '../../lib/postgres/captureScript.js';
import { line, Listener, listening, payloadOf, type TestDatabase } from '../helpers/postgresDatabase.js';

const fn = (name: string, value = 1): string =>
  `CREATE OR REPLACE FUNCTION ${name}() RETURNS int LANGUAGE sql AS 'SELECT ${value}';`;

/** A client whose readers are woken by `wake`, and that counts how often they prune the log. */
function wokenByHand(client: PostgresLike) {
  let wake = (): void => undefined;
  let prunings = 0;
  const connect = async (): Promise<PostgresConnection> => {
    const made = await client.connect();
    return {
      ...made,
      query: (sql, parameters) => {
        if (sql.startsWith('DELETE')) prunings++;
        return made.query(sql, parameters);
      },
      listen: (_channel, told) => {
        wake = told;
        return Promise.resolve();
      },
    };
  };
  return { client: { connect }, wake: () => wake(), prunings: () => prunings };
}

/** Resolves when it is so; rejects when it has not become so in a thousand looks. */
const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  await firstValueFrom(
    timer(0, 10).pipe(
      take(1_000),
      concatMap(async () => isSo()),
      first(Boolean),
    ),
  );
};

/** How many changes the log of a capture has. */
const countOf = async (database: TestDatabase, schema: string): Promise<number> =>
  Number((await database.sql(`SELECT count(*)::int AS n FROM ${schema}.change`))[0]?.['n']);

/** Installing, reading, coming back and removing, on any server. Every spec has its own capture, in a schema `c...`. */
export function captureConformance(open: () => Promise<TestDatabase>): void {
  describe('the capture', () => {
    let database: TestDatabase;
    let captures = 0;

    /** A capture of its own and the schema `s`, empty but for what `given` makes before it is installed. */
    const fresh = async (given = '') => {
      await database.sql(
        `DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS flush CASCADE; CREATE SCHEMA s; ${given}`,
      );
      const schema = `c${++captures}`;
      const listeners: Listener[] = [];
      const listen = (options: PostgresDefinitionsOptions = {}): Listener => {
        const listener = new Listener(database, { schema, ...options });
        listeners.push(listener);
        return listener;
      };
      await installCapture(database.client, { schema });
      return {
        schema,
        listen,
        end: async () => {
          for (const listener of listeners) listener.stop();
          await removeCapture(database.client, { schema });
        },
      };
    };

    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database.close());

    it('begins with a snapshot, functions before triggers, and goes on with what commits', async () => {
      const { listen, end } = await fresh(
        `CREATE TABLE s.t (a int); CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run();`,
      );
      await database.sql(
        `CREATE OR REPLACE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
      );
      const listener = listen();
      await listener.settled();
      await database.sql(fn('s.f'));
      await listener.settled();
      expect(listener.messages.map(line)).toEqual([
        ...['put function s.run()', 'put trigger trg on s.t', 'put function s.f()'],
      ]);
      expect(listener.messages.slice(0, 2).map(({ position }) => position)).toEqual([3n, 2n]);
      await end();
    });

    it('calls `onCaughtUp` once, behind all that was committed when it began', async () => {
      const { schema, listen, end } = await fresh(`${fn('s.f')} ${fn('s.g')}`);
      const told: string[] = [];
      const reading = new Promise<void>((resolve) => {
        const listener = listen({
          onCaughtUp: (position) => {
            told.push(...listener.messages.map(line), `caught up at ${position}`);
            resolve();
          },
        });
      });
      await reading;
      expect(told).toEqual(['put function s.f()', 'put function s.g()', 'caught up at 2']);
      const again = listen({
        reader: 'again',
        snapshot: false,
        onCaughtUp: (position) => told.push(`again ${position}`),
      });
      await again.settled();
      await again.after(fn('s.h'));
      // What the listener commits to be told may come before its reading begins.
      expect(told.slice(3)).toEqual([expect.stringMatching(/^again \d+$/)]);
      const wrong = postgresDefinitions(database.client, {
        schema,
        reader: 'wrong',
        onCaughtUp: () => {
          throw new Error('no');
        },
      });
      await expect(firstValueFrom(wrong.pipe(toArray()))).rejects.toThrow('no');
      await end();
    });

    it('tells nothing of what existed with `snapshot: false`', async () => {
      const { listen, end } = await fresh(fn('s.old'));
      const listener = listen({ snapshot: false });
      await listener.settled();
      expect(listener.messages).toEqual([]);
      expect(await listener.after(fn('s.f'))).toEqual(['put function s.f()']);
      await end();
    });

    it('numbers live changes without holes, in the order of their commits', async () => {
      const { listen, end } = await fresh();
      const listener = listen();
      const told = await listener.messagesAfter(
        `BEGIN; ${fn('s.lost')} ROLLBACK; ${fn('s.a')} ${fn('s.b')} DROP FUNCTION s.a()`,
      );
      const first = told[0]?.position ?? 0n;
      expect(told.map((msg) => [line(msg), (msg.position ?? 0n) - first])).toEqual([
        ['put function s.a()', 0n],
        ['put function s.b()', 1n],
        ['delete function s.a()', 2n],
      ]);
      await end();
    });

    it('lets definitions be made and dropped where a publication holds all tables', async () => {
      const { listen, end } = await fresh();
      const listener = listen();
      await database.sql('CREATE PUBLICATION everything FOR ALL TABLES');
      expect(await listener.after(`${fn('s.f')} ${fn('s.f')} DROP FUNCTION s.f()`)).toEqual([
        'put function s.f()',
        'put function s.f()',
        'delete function s.f()',
      ]);
      await database.sql('DROP PUBLICATION everything');
      await end();
    });

    it('takes a name that is longer than what an index takes', async () => {
      const { listen, end } = await fresh();
      const listener = listen();
      const types = Array.from({ length: 100 }, (_, i) =>
        createHash('sha256').update(`${i}`).digest('base64').slice(0, 40),
      );
      await database.sql(types.map((type) => `CREATE TYPE s."${type}" AS (a int);`).join('\n'));
      const name = `s.f(${types.map((type) => `s."${type}"`).join(',')})`;
      const text = `FUNCTION ${name} RETURNS int LANGUAGE sql AS 'SELECT 1';`;
      const told = await listener.messagesAfter(`CREATE ${text} CREATE OR REPLACE ${text} DROP FUNCTION ${name}`);
      expect(told.map((msg) => msg.action)).toEqual(['put', 'put', 'delete']);
      expect(new Set(told.map((msg) => msg.name))).toEqual(new Set([name]));
      await end();
    });

    it('puts the scope on every message, deletes too', async () => {
      const { listen, end } = await fresh(fn('s.f'));
      const scope = { tenantId: 1n, databaseId: 2n };
      const listener = listen({ scope });
      await listener.settled();
      await database.sql('DROP FUNCTION s.f()');
      await listener.settled();
      expect(listener.messages.map((msg) => [msg.action, msg.scope])).toEqual([
        ['put', scope],
        ['delete', scope],
      ]);
      await end();
    });

    it('gives a reader that comes back without a snapshot exactly what it missed', async () => {
      const { listen, end } = await fresh(fn('s.old'));
      const before = listen({ snapshot: false });
      await before.settled();
      before.stop();
      await database.sql(`${fn('s.f')} ${fn('s.f', 2)} DROP FUNCTION s.old()`);
      const after = listen({ snapshot: false });
      await after.settled();
      expect(before.messages).toEqual([]);
      expect(after.messages.map(line)).toEqual(['put function s.f()', 'put function s.f()', 'delete function s.old()']);
      await end();
    });

    it('gives a reader that comes back with a snapshot the deletes it missed, then what exists', async () => {
      const { listen, end } = await fresh(`${fn('s.old')} ${fn('s.again')} ${fn('s.kept')}`);
      const before = listen();
      await before.settled();
      before.stop();
      await database.sql(
        `DROP FUNCTION s.old(); DROP FUNCTION s.again(); ${fn('s.again', 2)} ${fn('s.brief')} DROP FUNCTION s.brief()`,
      );
      const after = listen();
      await after.settled();
      expect(after.messages.map(line)).toEqual([
        ...['delete function s.old()', 'delete function s.brief()', 'put function s.kept()', 'put function s.again()'],
      ]);
      await end();
    });

    it('tells the next reader of its name what was handed on but not delivered, deletes too', async () => {
      const { listen, end } = await fresh(`${fn('s.gone')} ${fn('s.kept')}`);
      const first = listen({ snapshot: false });
      await first.settled();
      first.stop();
      const started$ = new ReplaySubject<string>(1);
      const stuck = listen({
        snapshot: false,
        deliver: (msg) => {
          if (msg.name.startsWith('flush.')) return EMPTY;
          started$.next(line(msg));
          return NEVER;
        },
      });
      await database.sql(`DROP FUNCTION s.gone(); ${fn('s.f')}`);
      expect(await firstValueFrom(started$)).toBe('delete function s.gone()');
      stuck.stop();
      const delivered: string[] = [];
      const next = listen({
        deliver: (msg) => {
          if (!msg.name.startsWith('flush.')) delivered.push(line(msg));
          return Promise.resolve();
        },
      });
      await next.settled();
      expect(stuck.messages).toEqual([]);
      expect(delivered).toEqual(['delete function s.gone()', 'put function s.kept()', 'put function s.f()']);
      expect(next.messages.map(line)).toEqual(delivered);
      next.stop();
      const last = listen({ snapshot: false, deliver: () => undefined });
      await last.settled();
      expect(last.messages).toEqual([]);
      await end();
    });

    it('errors with what a delivery fails with, and notes nothing', async () => {
      const { schema, end } = await fresh();
      const fenced = new Error('a new leader took over');
      const options = { schema, reader: 'leader', deliver: () => throwError(() => fenced) };
      await database.sql(fn('s.f'));
      await expect(firstValueFrom(postgresDefinitions(database.client, options))).rejects.toBe(fenced);
      const again = postgresDefinitions(database.client, { schema, reader: 'leader' });
      expect(line(await firstValueFrom(again))).toBe('put function s.f()');
      await end();
    });

    it('prunes what every named reader has read, and keeps what one has not', async () => {
      const { schema, listen, end } = await fresh();
      const slow = listen({ reader: 'slow', snapshot: false });
      await slow.settled();
      slow.stop();
      const fast = listen({ reader: 'fast' });
      await database.sql(`${fn('s.f')} DROP FUNCTION s.f()`);
      await fast.settled();
      expect(await countOf(database, schema)).toBeGreaterThanOrEqual(2);
      const back = listen({ reader: 'slow', snapshot: false });
      await back.settled();
      expect(back.messages.map(line)).toEqual(['put function s.f()', 'delete function s.f()']);
      back.stop();
      await database.sql(fn('s.more'));
      const hasRead = `SELECT r.position = c.position AS all FROM ${schema}.reader r, ${schema}.capture c WHERE r.name = 'fast'`;
      await until(async () => (await database.sql(hasRead))[0]?.['all'] === true);
      fast.stop();
      expect(await countOf(database, schema)).toBeGreaterThan(0);
      expect(await forgetReader(database.client, 'slow', { schema })).toBe(true);
      expect(await countOf(database, schema)).toBe(0);
      expect(await forgetReader(database.client, 'slow', { schema })).toBe(false);
      await end();
    });

    it('prunes when it finds nothing new, or after 500 changes, not after each', async () => {
      const { schema, end } = await fresh();
      const byHand = wokenByHand(database.client);
      const told$ = new Subject<string>();
      const isWhole = new Subject<void>();
      const whole = firstValueFrom(isWhole);
      const reading = postgresDefinitions(byHand.client, {
        schema,
        pollInterval: 600_000,
        onCaughtUp: () => isWhole.next(),
      }).subscribe((msg) => told$.next(line(msg)));
      try {
        await whole;
        expect(byHand.prunings()).toBe(1);
        const told = async (text: string, last: string): Promise<void> => {
          const isTold = firstValueFrom(told$.pipe(first((each) => each === last)));
          await database.sql(text);
          byHand.wake();
          await isTold;
        };
        for (let i = 0; i < 3; i++) await told(fn(`s.f${i}`), `put function s.f${i}()`);
        expect(byHand.prunings()).toBe(1);
        byHand.wake();
        await until(() => byHand.prunings() === 2);
        const many = Array.from({ length: 600 }, (_, i) => fn(`s.g${i}`));
        await told(`BEGIN; ${many.join(' ')} COMMIT`, 'put function s.g599()');
        expect(byHand.prunings()).toBe(3);
        expect(await countOf(database, schema)).toBe(100);
      } finally {
        reading.unsubscribe();
      }
      await end();
    });

    it('prunes for one that leaves as soon as it has caught up, too', async () => {
      const { schema, end } = await fresh();
      for (const snapshot of [true, false]) {
        await database.sql(`${fn('s.f')} ${fn('s.f')} DROP FUNCTION s.f()`);
        await new Promise<void>((resolve) => {
          const reading = postgresDefinitions(database.client, {
            schema,
            snapshot,
            onCaughtUp: () => {
              queueMicrotask(() => reading.unsubscribe());
              resolve();
            },
          }).subscribe();
        });
        expect(await countOf(database, schema)).toBe(0);
      }
      await end();
    });

    it('tells two subscriptions of one name each change once', async () => {
      const { schema, listen, end } = await fresh(`${fn('s.a')} ${fn('s.b')}`);
      const log = recordingLogger();
      const begun$ = new Subject<string>();
      let gate = Promise.resolve();
      const deliver = ({ name }: DefinitionSyncMsg) => {
        begun$.next(name);
        return gate;
      };
      const [fast, slow] = [listen(), listen({ deliver, logger: log })];
      for (const listener of [fast, slow]) await listener.settled();
      let open = (): void => undefined;
      gate = new Promise((resolve) => (open = resolve));
      const begun = firstValueFrom(begun$.pipe(first((name) => name === 's.f0()')));
      await database.sql(fn('s.f0'));
      await begun;
      // No definition changes twice, so that the outcome of what the fast one prunes is each change.
      for (let i = 1; i < 30; i++) await database.sql(i === 15 ? 'DROP FUNCTION s.a()' : fn(`s.f${i}`));
      await fast.settled();
      await until(async () => (await countOf(database, schema)) === 0);
      open();
      await slow.settled();
      expect(log.lines[0]).toMatchObject({ level: 'warn', context: { reader: 'default' } });
      const puts = (from: number, to: number): string[] =>
        Array.from({ length: to - from }, (_, i) => `put function s.f${from + i}()`);
      for (const { messages } of [fast, slow]) {
        const told = messages.map(line);
        expect(told.slice(0, 2)).toEqual(['put function s.a()', 'put function s.b()']);
        expect(told.slice(2).toSorted()).toEqual([...puts(0, 15), 'delete function s.a()', ...puts(16, 30)].toSorted());
      }
      await end();
    });

    it('tells the outcome, and no more, of what another reader of its name has pruned', async () => {
      const { schema, listen, end } = await fresh(
        `CREATE TABLE s.t (a int); CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run();
         ${fn('s.same')} ${fn('s.changed')}`,
      );
      const logger = recordingLogger();
      const listener = listen({ logger });
      await listener.settled();
      listener.messages.length = 0;
      await database.sql(
        `BEGIN; DROP FUNCTION s.run() CASCADE; ${fn('s.changed', 2)} ${fn('s.changed', 3)} ${fn('s.made')} ${fn('s.brief')}
         DROP FUNCTION s.brief(); SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM ${schema}.change; COMMIT`,
      );
      await listener.settled();
      expect(listener.messages.map(line)).toEqual([
        ...['delete trigger trg on s.t', 'delete function s.run()'],
        ...['put function s.changed()', 'put function s.made()'],
      ]);
      expect(payloadOf(listener.messages[2])['body_sql']).toBe('SELECT 3');
      expect(logger.lines).toMatchObject([{ level: 'warn', context: { reader: 'default' } }]);
      await end();
    });

    it('tells everything again, and what is gone as gone, when it was removed and installed anew under a reader', async () => {
      const { schema, listen, end } = await fresh(`${fn('s.a')} ${fn('s.b')}`);
      // Nothing but the notification of what the new one finds wakes it.
      const listener = listen({ pollInterval: 600_000 });
      await listener.settled();
      listener.messages.length = 0;
      // At once: whatever wakes the reader meanwhile, it finds one.
      const names = captureNames(schema);
      await database.sql(`BEGIN; ${removeScript(names)} DROP FUNCTION s.a(); ${installScript(names)} COMMIT`);
      await installCapture(database.client, { schema });
      await listener.settled();
      expect(listener.messages.map(line)).toEqual(['delete function s.a()', 'put function s.b()']);
      expect((await database.sql(`SELECT name FROM ${schema}.reader`)).map(({ name }) => name)).toEqual(['default']);
      await end();
    });

    it('is installed any number of times, and keeps positions and readers', async () => {
      const { schema, listen, end } = await fresh(fn('s.f'));
      const listener = listen();
      await listener.settled();
      await installCapture(database.client, { schema });
      await Promise.all([installCapture(database.client, { schema }), installCapture(database.client, { schema })]);
      expect(await listener.after(fn('s.g'))).toEqual(['put function s.g()']);
      await end();
    });

    it('tells, when it is installed again, what no event trigger saw', async () => {
      const { schema, listen, end } = await fresh(
        `DROP ROLE IF EXISTS past; DROP ROLE IF EXISTS present; CREATE ROLE past; ${fn('s.f')} ALTER FUNCTION s.f() OWNER TO past; ${fn('s.old')}`,
      );
      const listener = listen({ logger: recordingLogger() });
      await listener.settled();
      listener.messages.length = 0;
      await database.sql(`ALTER ROLE past RENAME TO present; ALTER EVENT TRIGGER ${schema}_drop DISABLE;
        ALTER EVENT TRIGGER ${schema}_end DISABLE; DROP FUNCTION s.old(); ${fn('s.new')}`);
      await installCapture(database.client, { schema });
      await listener.settled();
      expect(listener.messages.map(line).sort()).toEqual([
        ...['delete function s.old()', 'put function s.f()', 'put function s.new()'],
      ]);
      expect(payloadOf(listener.messages.find((msg) => msg.name === 's.f()'))['owner']).toBe('present');
      await end();
    });

    it('finds its definitions by name after a restore has given them other oids', async () => {
      const { schema, listen, end } = await fresh(`${fn('s.a')} ${fn('s.b')} ${fn('s.c')}`);
      const listener = listen();
      await listener.settled();
      listener.messages.length = 0;
      await database.sql(
        `UPDATE ${schema}.definition SET objid = CASE name WHEN 's.a()' THEN 's.b()'::regprocedure ELSE 1 END`,
      );
      await installCapture(database.client, { schema });
      await listener.settled();
      expect(listener.messages).toEqual([]);
      expect(await listener.after('DROP FUNCTION s.a(); DROP FUNCTION s.b()')).toEqual([
        ...['delete function s.a()', 'delete function s.b()'],
      ]);
      await end();
    });

    it('tells nothing anew when it notes what was not noted, or of another database', async () => {
      const { schema, listen, end } = await fresh(
        `CREATE TABLE s.t (a int); CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION s.run();`,
      );
      const listener = listen();
      await listener.settled();
      listener.messages.length = 0;
      const noted = async () =>
        (await database.sql(`SELECT name, fingerprint FROM ${schema}.definition`)).find(
          ({ name }) => name === 'trg on s.t',
        );
      const before = await noted();
      expect(before).toMatchObject({ fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/) });
      await database.sql(`UPDATE ${schema}.definition SET fingerprint = NULL`);
      await installCapture(database.client, { schema });
      expect(await noted()).toEqual(before);
      await listener.settled();
      expect(listener.messages).toEqual([]);
      expect(await listener.after('ALTER TABLE s.t RENAME COLUMN a TO b')).toEqual(['put trigger trg on s.t']);
      await end();
    });

    it.each([
      ['ALTER FUNCTION s.a() COST 5', ['put function s.a()']],
      ['DROP FUNCTION s.a()', ['delete function s.a()']],
      ['ALTER FUNCTION s.b() RENAME TO d', ['delete function s.b()', 'put function s.d()']],
      ['CREATE OR REPLACE FUNCTION s.a() RETURNS int LANGUAGE sql AS $$SELECT 1$$', ['put function s.a()']],
      [
        'BEGIN; DROP FUNCTION s.a(); ALTER FUNCTION s.b() COST 5; COMMIT',
        ['delete function s.a()', 'put function s.b()'],
      ],
      ['ALTER TABLE s.t ADD COLUMN b int', []],
    ])(
      'takes oids of another database for no objects of its own when %s is run after a restore',
      async (run, lines) => {
        const { schema, listen, end } = await fresh(`${fn('s.a')} ${fn('s.b')} ${fn('s.c')} CREATE TABLE s.t (a int);
        CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run();`);
        const listener = listen();
        await listener.settled();
        await database.sql(`UPDATE ${schema}.definition d SET objid = CASE d.name WHEN 's.a()' THEN 's.b()'::regprocedure
        WHEN 's.b()' THEN 's.c()'::regprocedure WHEN 's.c()' THEN 's.a()'::regprocedure ELSE 1 END;
        UPDATE ${schema}.capture SET stamp = '1/2'`);
        listener.messages.length = 0;
        await database.sql(run);
        await listener.settled();
        expect(listener.messages.map(line)).toEqual(lines);
        listener.messages.length = 0;
        await installCapture(database.client, { schema });
        expect(await listener.after('DROP FUNCTION s.c()')).toEqual(['delete function s.c()']);
        await end();
      },
    );

    it('has one row, and goes on behind all numbers that a dump of the data alone has brought', async () => {
      const { schema, listen, end } = await fresh(`${fn('s.a')} ${fn('s.b')}`);
      const listener = listen();
      await listener.settled();
      listener.stop();
      const row = `INSERT INTO ${schema}.capture (version, position, complete) SELECT version, 900, complete FROM ${schema}.capture`;
      await expect(database.sql(row)).rejects.toMatchObject({ code: '23505' });
      await database.sql(`INSERT INTO ${schema}.change OVERRIDING SYSTEM VALUE VALUES
          (800, 900, 'function', 's.b()', 'put', 0, 1, '{}'), (801, 901, 'function', 's.z()', 'delete', 0, 1, '');
        INSERT INTO ${schema}.definition SELECT definition_type, name, classid, 1, payload, 890 FROM ${schema}.definition;
        SELECT setval('${schema}.change_id_seq', 800)`);
      await installCapture(database.client, { schema });
      expect(await database.sql(`SELECT name FROM ${schema}.definition GROUP BY 1 HAVING count(*) > 1`)).toEqual([]);
      const after = listen({ reader: 'after' });
      const told = await after.messagesAfter(`${fn('s.a')} DROP FUNCTION s.b()`);
      expect(told.map(line)).toEqual(['put function s.a()', 'delete function s.b()']);
      expect(told[0]?.position).toBeGreaterThan(901n);
      await end();
    });

    it('takes a capture that a dump has given two rows, and keeps the one that is further', async () => {
      const { schema, listen, end } = await fresh(fn('s.a'));
      await database.sql(`DROP INDEX ${schema}.capture_one_row;
        INSERT INTO ${schema}.capture (version, position, complete) SELECT version, 900, complete FROM ${schema}.capture`);
      await installCapture(database.client, { schema });
      expect(await database.sql(`SELECT position::int AS position FROM ${schema}.capture`)).toEqual([
        { position: 900 },
      ]);
      const listener = listen();
      expect(await listener.after(fn('s.b'))).toEqual(['put function s.b()']);
      await end();
    });

    it('tells what is gone since a dump, and not what has its oid now', async () => {
      const { schema, listen, end } = await fresh(`${fn('s.a')} ${fn('s.b')}`);
      const listener = listen();
      await listener.settled();
      // As if s.gone() had been there, and its oid were that of s.a() here.
      await database.sql(`INSERT INTO ${schema}.definition (definition_type, name, classid, objid, payload, position)
        SELECT definition_type, 's.gone()', classid, objid, payload, position FROM ${schema}.definition WHERE name = 's.a()';
        UPDATE ${schema}.capture SET stamp = '1/2'`);
      listener.messages.length = 0;
      await database.sql('BEGIN; ALTER FUNCTION s.b() COST 5; ALTER FUNCTION s.a() COST 5; COMMIT');
      await listener.settled();
      expect(listener.messages.map(line)).toEqual([
        'delete function s.gone()',
        'put function s.b()',
        'put function s.a()',
      ]);
      await end();
    });

    it('upgrades an older version in place', async () => {
      const { schema, listen, end } = await fresh(fn('s.f'));
      const before = listen();
      await before.settled();
      before.stop();
      await database.sql(`UPDATE ${schema}.capture SET version = 0; DROP EVENT TRIGGER ${schema}_end; DROP EVENT TRIGGER ${schema}_drop;
        CREATE FUNCTION ${schema}.of_old_times() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP INDEX ${schema}.definition_name;
        CREATE OR REPLACE FUNCTION ${schema}.on_drop() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'`);
      const old = firstValueFrom(postgresDefinitions(database.client, { schema }));
      await expect(old).rejects.toMatchObject({ name: 'CaptureError', code: 'VERSION' });
      await installCapture(database.client, { schema });
      const after = listen({ snapshot: false });
      expect(await after.after('DROP FUNCTION s.f()')).toEqual(['delete function s.f()']);
      await end();
    });

    it('leaves its code alone at the next start, unless something of it was switched off', async () => {
      const { schema, listen, end } = await fresh(fn('s.f'));
      const code = () =>
        database.sql(`SELECT oid FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace ORDER BY 1`);
      const before = await code();
      await installCapture(database.client, { schema });
      expect(await code()).toEqual(before);
      const listener = listen({ logger: recordingLogger() });
      await listener.settled();
      for (const damage of [
        `ALTER EVENT TRIGGER ${schema}_drop DISABLE`,
        `DROP EVENT TRIGGER ${schema}_drop`,
        `ALTER TABLE ${schema}.due DISABLE TRIGGER on_commit`,
        `CREATE OR REPLACE FUNCTION ${schema}.on_touch(objects ${schema}.touched[], again ${schema}.touched[]) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'`,
        `DROP FUNCTION ${schema}.on_touch(${schema}.touched[], ${schema}.touched[])`,
        `DROP FUNCTION ${schema}.reconcile()`,
        `DROP INDEX ${schema}.change_under_way`,
        `GRANT ALL ON SCHEMA ${schema} TO PUBLIC`,
        `GRANT ALL ON ALL FUNCTIONS IN SCHEMA ${schema} TO PUBLIC`,
      ]) {
        await database.sql(`ALTER EVENT TRIGGER ${schema}_end DISABLE; ALTER EVENT TRIGGER ${schema}_drop DISABLE;`);
        await database.sql(damage);
        await database.sql(`ALTER EVENT TRIGGER ${schema}_end ENABLE ALWAYS`);
        if (!damage.includes('EVENT')) await database.sql(`ALTER EVENT TRIGGER ${schema}_drop ENABLE ALWAYS`);
        expect(await database.sql(isCurrent(captureNames(schema)))).toEqual([{ current: false }]);
        await installCapture(database.client, { schema });
        expect(await listener.after(fn('s.g'))).toEqual(['put function s.g()']);
        expect(await listener.after('DROP FUNCTION s.g()')).toEqual(['delete function s.g()']);
      }
      await end();
    });

    it('tells what was noted while its triggers were switched off, and all that follows', async () => {
      const { schema, listen, end } = await fresh();
      const listener = listen();
      await listener.settled();
      // As loaders do that want no triggers to fire; each is DDL itself.
      await database.sql(`ALTER TABLE ${schema}.due DISABLE TRIGGER ALL`);
      await database.sql(`ALTER TABLE ${schema}.due ENABLE TRIGGER ALL`);
      await database.sql(fn('s.a'));
      await installCapture(database.client, { schema });
      expect(await listener.after(fn('s.b'))).toEqual(['put function s.b()']);
      expect(
        (await database.sql(`SELECT count(*)::int AS n FROM ${schema}.definition WHERE name = 's.a()'`))[0],
      ).toEqual({ n: 1 });
      await end();
    });

    it.each(["it's", 'b\\s', 'p%s', 'd$q$'])('is installed again in a schema that is called %s', async (schema) => {
      await installCapture(database.client, { schema });
      expect(await database.sql(isCurrent(captureNames(schema)))).toEqual([{ current: true }]);
      await database.sql('SET standard_conforming_strings = off');
      await installCapture(database.client, { schema });
      await database.sql('RESET standard_conforming_strings');
      await removeCapture(database.client, { schema });
    });

    it('tells of a schema that only pretends to be a capture', async () => {
      const { listen, end } = await fresh();
      const listener = listen();
      await listener.settled();
      await database.sql(`CREATE ROLE pretender; CREATE SCHEMA hide AUTHORIZATION pretender;
        COMMENT ON SCHEMA hide IS 'ddl-fanout capture'`);
      expect(await listener.after(fn('hide.f'))).toEqual(['put function hide.f()']);
      await database.sql('DROP SCHEMA hide CASCADE; DROP ROLE pretender');
      await end();
    });

    it('may be installed by several at once, and removed', async () => {
      const three = [1, 2, 3];
      await Promise.all(three.map(() => installCapture(database.client, { schema: 'at_once' })));
      await Promise.all(three.map(() => removeCapture(database.client, { schema: 'at_once' })));
      expect(await database.sql(`SELECT FROM pg_namespace WHERE nspname = 'at_once'`)).toEqual([]);
    });

    it.each([
      ['installed for the first time', true],
      ['looked at', false],
    ])('is made anew when another one removes it before any statement while it is %s', async (_, isFirst) => {
      for (let before = 1, removed = true; removed; before++) {
        const { schema, listen, end } = await fresh();
        const remove = (): Promise<unknown> => database.sql(removeScript(captureNames(schema)));
        if (isFirst) await remove();
        let statements = 0;
        const count = async (): Promise<void> => {
          if (++statements === before) await remove();
        };
        const client: PostgresLike = {
          async connect() {
            const connection = await database.client.connect();
            return {
              ...connection,
              query: (sql, values) => count().then(() => connection.query(sql, values)),
              run: (sql) => count().then(() => connection.run(sql)),
            };
          },
        };
        await installCapture(client, { schema });
        removed = statements >= before;
        const listener = listen();
        await listener.settled();
        expect(await listener.after(fn('s.f'))).toEqual(['put function s.f()']);
        await end();
      }
    });

    it('is not touched by an older library', async () => {
      const { schema, end } = await fresh();
      await database.sql(`UPDATE ${schema}.capture SET version = 1000`);
      await expect(installCapture(database.client, { schema })).rejects.toMatchObject({ code: 'VERSION' });
      const reading = firstValueFrom(postgresDefinitions(database.client, { schema }));
      await expect(reading).rejects.toMatchObject({ code: 'VERSION' });
      await end();
    });

    it('can be altered, removed and installed in a transaction that has changed a table, or a definition', async () => {
      const { schema, listen, end } = await fresh('CREATE TABLE s.t (a int)');
      const names = captureNames(schema);
      const listener = listen();
      await listener.settled();
      const alter = 'ALTER TABLE s.t ADD COLUMN b int;';
      for (const statement of [
        `DROP SCHEMA ${schema} CASCADE`,
        `ALTER TABLE ${schema}.due SET (fillfactor = 90); ALTER TABLE ${schema}.due RESET (fillfactor)`,
        `TRUNCATE ${schema}.due`,
      ])
        await database.sql(`BEGIN; ${alter} ${statement}; ROLLBACK`);
      for (const script of [installScript(names), removeScript(names)]) {
        await database.sql(`BEGIN; ${alter} ${fn('s.f')} ${script} ROLLBACK`);
      }
      expect(await listener.after(`BEGIN; ${fn('s.f')} ${installScript(names)} ${fn('s.g')} COMMIT`)).toEqual([
        ...['put function s.f()', 'put function s.g()'],
      ]);
      await end();
    });

    it('leaves nothing behind when it is removed, and may be removed twice', async () => {
      const census = `SELECT (SELECT count(*) FROM pg_proc)::int AS a, (SELECT count(*) FROM pg_class)::int AS b,
        (SELECT count(*) FROM pg_namespace)::int AS c, (SELECT count(*) FROM pg_event_trigger)::int AS d,
        (SELECT count(*) FROM pg_trigger)::int AS e, (SELECT count(*) FROM pg_type)::int AS f, (SELECT count(*) FROM pg_depend)::int AS g`;
      const before = await database.sql(census);
      await installCapture(database.client, { schema: 'gone' });
      expect(await database.sql(census)).not.toEqual(before);
      await removeCapture(database.client, { schema: 'gone' });
      await removeCapture(database.client, { schema: 'gone' });
      expect(await database.sql(census)).toEqual(before);
    });

    it('does not take, nor remove, a schema that holds anything else', async () => {
      await database.sql('CREATE SCHEMA mine; CREATE TABLE mine.capture (a int)');
      await expect(installCapture(database.client, { schema: 'mine' })).rejects.toMatchObject({
        code: 'SCHEMA_IN_USE',
      });
      await expect(removeCapture(database.client, { schema: 'mine' })).rejects.toMatchObject({ code: 'SCHEMA_IN_USE' });
      await database.sql('SELECT a FROM mine.capture; DROP SCHEMA mine CASCADE; CREATE SCHEMA mine');
      await expect(installCapture(database.client, { schema: 'mine' })).rejects.toMatchObject({
        code: 'SCHEMA_IN_USE',
      });
      await database.sql('DROP SCHEMA mine');
    });

    it('lives in a schema of any name', async () => {
      await database.sql('DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s');
      const schema = `it's "Ünder" \\ $sql$; DROP SCHEMA s; --`;
      const listener = await listening(database, { schema });
      expect(await listener.after(fn('s.f'))).toEqual(['put function s.f()']);
      listener.stop();
      await removeCapture(database.client, { schema });
      await expect(firstValueFrom(postgresDefinitions(database.client, { schema }))).rejects.toMatchObject({
        code: 'NOT_INSTALLED',
      });
    });

    it.each(['', 'pg_mine', 'x'.repeat(55), 'a\0b', 5 as unknown as string])('refuses the schema name %j', (schema) => {
      const wrong = expect.objectContaining({ code: 'BAD_OPTION' });
      expect(() => installCapture(database.client, { schema })).toThrow(wrong);
      expect(() => removeCapture(database.client, { schema })).toThrow(wrong);
      expect(() => forgetReader(database.client, 'a', { schema })).toThrow(wrong);
      expect(() => postgresDefinitions(database.client, { schema })).toThrow(wrong);
    });

    it('is a clear error where there is none', async () => {
      const none = { schema: 'nowhere' };
      await expect(firstValueFrom(postgresDefinitions(database.client, none))).rejects.toMatchObject({
        name: 'CaptureError',
        code: 'NOT_INSTALLED',
      });
      await expect(forgetReader(database.client, 'a', none)).rejects.toMatchObject({ code: 'NOT_INSTALLED' });
    });

    it('captures the DDL of a role without rights, which can neither read nor forge it', async () => {
      const { schema, listen, end } = await fresh(
        `DROP ROLE IF EXISTS poor; CREATE ROLE poor; GRANT ALL ON SCHEMA s TO poor;`,
      );
      const listener = listen();
      expect(await listener.after(`SET ROLE poor; ${fn('s.mine')} RESET ROLE`)).toEqual(['put function s.mine()']);
      const attempts = [
        `SELECT * FROM ${schema}.change`,
        `INSERT INTO ${schema}.touched VALUES (0, 0, true)`,
        `INSERT INTO ${schema}.due VALUES (1)`,
        `DELETE FROM ${schema}.reader`,
        `LOCK TABLE ${schema}.capture`,
        `SELECT ${schema}.reconcile()`,
        `CREATE FUNCTION ${schema}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
      ];
      for (const attempt of attempts) {
        await expect(database.sql(`SET ROLE poor; ${attempt}`)).rejects.toMatchObject({ code: '42501' });
        await database.sql('RESET ROLE');
      }
      await database.sql('DROP OWNED BY poor CASCADE');
      await end();
    });

    it('does not take a schema that a role without rights has made up as a capture', async () => {
      await database.sql(`CREATE SCHEMA s3; CREATE TABLE s3.capture (version int, position bigint);
        COMMENT ON SCHEMA s3 IS 'ddl-fanout capture'; CREATE ROLE planter; ALTER SCHEMA s3 OWNER TO planter`);
      const planted = { schema: 's3' };
      await expect(installCapture(database.client, planted)).rejects.toMatchObject({ code: 'SCHEMA_IN_USE' });
      await expect(removeCapture(database.client, planted)).rejects.toMatchObject({ code: 'SCHEMA_IN_USE' });
      await database.sql('DROP SCHEMA s3 CASCADE; DROP ROLE planter');
    });

    it('calls no operator of others, with whoever’s rights, though it fits better than PostgreSQL’s own', async () => {
      const joins = ['oid', 'regprocedure'].flatMap((left) => [
        `|| ${left}, text`,
        `|| text, ${left}`,
        `|| ${left}, ${left}`,
      ]);
      const others = ['bigint', 'int', 'regclass', 'regprocedure'].flatMap((type) => [
        `= oid, ${type}`,
        `<> ${type}, oid`,
      ]);
      await database.sql('DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s');
      for (const [i, operator] of [...joins, '|| bigint, bigint', ...others, '= "char", text'].entries()) {
        const [name = '', left = '', right = ''] = operator.split(/,? /);
        const type = name === '||' ? 'text' : 'boolean';
        await database.sql(`CREATE FUNCTION s.evil${i}(${left}, ${right}) RETURNS ${type} LANGUAGE plpgsql AS 'BEGIN RAISE ''evil''; END';
          CREATE OPERATOR public.${name} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = s.evil${i})`);
      }
      await installCapture(database.client, { schema: 'calm' });
      await installCapture(database.client, { schema: 'calm' });
      const listener = new Listener(database, { schema: 'calm' });
      await listener.settled();
      listener.stop();
      await removeCapture(database.client, { schema: 'calm' });
      await database.sql('DROP SCHEMA s CASCADE');
    });

    it('does not take an event trigger of somebody else’s for its own', async () => {
      await database.sql(`CREATE FUNCTION public.audit() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER audit_drop ON sql_drop EXECUTE FUNCTION public.audit()`);
      const names = async () =>
        database.sql(`SELECT evtfoid::regproc::text AS function FROM pg_event_trigger WHERE evtname = 'audit_drop'`);
      await expect(installCapture(database.client, { schema: 'audit' })).rejects.toMatchObject({
        code: 'SCHEMA_IN_USE',
      });
      await removeCapture(database.client, { schema: 'audit' });
      expect(await names()).toEqual([{ function: 'audit' }]);
      await database.sql('DROP EVENT TRIGGER audit_drop; DROP FUNCTION public.audit()');
    });

    it('tells nothing and fails no DDL where a dump of the schema alone was restored, until it is installed', async () => {
      const { schema, listen, end } = await fresh(fn('s.f'));
      await database.sql(`TRUNCATE ${schema}.capture, ${schema}.definition, ${schema}.change, ${schema}.reader`);
      await database.sql(`${fn('s.g')} DROP FUNCTION s.f()`);
      await installCapture(database.client, { schema });
      const listener = listen();
      await listener.settled();
      expect(listener.messages.map(line)).toEqual(['put function s.g()']);
      await end();
    });

    it('says which right is missing', async () => {
      const { schema, end } = await fresh();
      await database.sql('DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN');
      const client = await database.as('poor');
      const missing = { name: 'CaptureError', code: 'PRIVILEGE' };
      await expect(installCapture(client, { schema: 'theirs' })).rejects.toMatchObject(missing);
      await expect(removeCapture(client, { schema })).rejects.toMatchObject(missing);
      await expect(firstValueFrom(postgresDefinitions(client, { schema }))).rejects.toMatchObject(missing);
      await database.sql('RESET ROLE');
      await end();
    });

    const makePoor = async (schema: string, rights: string): Promise<void> => {
      await database.sql(
        `DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN; GRANT USAGE ON SCHEMA ${schema} TO poor; ${rights}`,
      );
    };

    it('is read by a role with the few rights that the manual names', async () => {
      const { schema, end } = await fresh(fn('s.f'));
      await makePoor(
        schema,
        `GRANT SELECT ON ${schema}.capture, ${schema}.definition TO poor; GRANT SELECT, DELETE ON ${schema}.change TO poor;
        GRANT SELECT, INSERT, UPDATE ON ${schema}.reader TO poor`,
      );
      const client = await database.as('poor');
      const [msg] = await firstValueFrom(postgresDefinitions(client, { schema }).pipe(take(1), toArray()));
      expect(msg).toMatchObject({ action: 'put', name: 's.f()' });
      await database.sql('RESET ROLE; DROP OWNED BY poor');
      await end();
    });

    it('is an error, and no empty catalog, where row-level security hides it from the reader', async () => {
      const { schema, end } = await fresh(fn('s.f'));
      await makePoor(schema, `GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO poor`);
      const tables = ['capture', 'definition', 'change', 'reader'];
      const secured = (how: string, some: readonly string[]): string =>
        some.map((table) => `ALTER TABLE ${schema}.${table} ${how} ROW LEVEL SECURITY;`).join(' ');
      for (const hidden of [['capture'], ['definition'], ['change'], ['reader'], tables]) {
        await database.sql(`RESET ROLE; ${secured('DISABLE', tables)} ${secured('ENABLE', hidden)}`);
        const client = await database.as('poor');
        const told: unknown[] = [];
        const options = { schema, onCaughtUp: (position: bigint) => told.push(position) };
        const reading = firstValueFrom(postgresDefinitions(client, options));
        const refused = { code: 'PRIVILEGE', message: expect.stringContaining('row-level security') as unknown };
        await expect(reading).rejects.toMatchObject(refused);
        await expect(forgetReader(client, 'a', { schema })).rejects.toMatchObject(refused);
        expect(told).toEqual([]);
      }
      await database.sql('RESET ROLE; ALTER ROLE poor BYPASSRLS');
      const exempt = postgresDefinitions(await database.as('poor'), { schema });
      expect(line(await firstValueFrom(exempt))).toBe('put function s.f()');
      await database.sql('RESET ROLE; DROP OWNED BY poor');
      await end();
    });

    it('ends a reader, and tells it nothing that is not so, when row-level security comes to hide it at any statement', async () => {
      const { schema, end } = await fresh(fn('s.f'));
      await makePoor(schema, `GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO poor`);
      const secure = `ALTER TABLE ${schema}.definition ENABLE ROW LEVEL SECURITY`;
      for (let before = 1; before < 8; before++) {
        const poor = await database.as('poor');
        let statements = 0;
        const client: PostgresLike = {
          async connect() {
            const made = await poor.connect();
            const query: PostgresConnection['query'] = async (sql, values) => {
              if (++statements === before)
                await database.sql(`RESET ROLE; ${secure}; ${database.session ? '' : 'SET ROLE poor'}`);
              return made.query(sql, values);
            };
            return { ...made, query };
          },
        };
        const told: string[] = [];
        const onCaughtUp = (): number => told.push('caught up');
        const reading = postgresDefinitions(client, { schema, pollInterval: 5, onCaughtUp });
        const ended = lastValueFrom(reading.pipe(tap((msg) => told.push(line(msg)))));
        await expect(ended).rejects.toMatchObject({ code: 'PRIVILEGE' });
        expect([[], ['put function s.f()', 'caught up']]).toContainEqual(told);
        await database.sql(`RESET ROLE; ALTER TABLE ${schema}.definition DISABLE ROW LEVEL SECURITY`);
      }
      await database.sql('RESET ROLE; DROP OWNED BY poor');
      await end();
    });

    it.each([
      ['disabled', 'ALTER EVENT TRIGGER c_end DISABLE', 'c_end" is disabled'],
      ['left to replication', 'ALTER EVENT TRIGGER c_drop ENABLE REPLICA', 'c_drop" is disabled'],
      ['missing', 'DROP EVENT TRIGGER c_end; DROP EVENT TRIGGER c_drop', 'c_end" is missing and the event trigger'],
    ])('is an error to begin with where an event trigger is %s', async (_, damage, fault) => {
      const { schema, listen, end } = await fresh(fn('s.f'));
      await database.sql(damage.replaceAll('c_', `${schema}_`));
      await expect(firstValueFrom(postgresDefinitions(database.client, { schema }))).rejects.toMatchObject({
        code: 'NOT_INSTALLED',
        message: expect.stringContaining(fault.replaceAll('c_', `${schema}_`)) as unknown,
      });
      await installCapture(database.client, { schema });
      await database.sql(`ALTER EVENT TRIGGER ${schema}_end ENABLE`);
      expect(await listen().after(fn('s.f'))).toEqual(['put function s.f()']);
      await end();
    });

    it('warns a reader, once, whose event triggers are switched off, and tells what it missed when they are back', async () => {
      const { schema, listen, end } = await fresh();
      const logger = recordingLogger();
      const listener = listen({ logger, pollInterval: 5 });
      await listener.settled();
      listener.messages.length = 0;
      for (const times of [1, 2]) {
        await database.sql(`ALTER EVENT TRIGGER ${schema}_end DISABLE; ${fn('s.f', times)}`);
        await until(() => logger.lines.length >= times);
        await installCapture(database.client, { schema });
        await listener.settled();
      }
      expect(listener.messages.map(line)).toEqual(['put function s.f()', 'put function s.f()']);
      const message = expect.stringContaining(`"${schema}_end" is disabled`) as unknown;
      const warning = { level: 'warn', message, context: { reader: 'default' } };
      expect(logger.lines).toMatchObject([warning, warning]);
      await end();
    });
  });
}
