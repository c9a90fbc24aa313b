import { expect } from '@jest/globals';
import fc from 'fast-check';
import { installCapture, postgresDefinitions } from 'ddl-fanout/postgres';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { Subscription } from 'rxjs';
import { payloadOf, type TestDatabase } from '../helpers/postgresDatabase.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a consumer knows that keeps it over restarts of its reader: the fold of all that it was told. */
class Consumer {
  readonly known = new Map<string, { readonly definition: unknown; readonly enabled: unknown }>();
  private subscription: Subscription | undefined;
  private last: bigint | undefined;

  constructor(
    private readonly database: TestDatabase,
    readonly name: string,
    private readonly snapshot: boolean,
  ) {}

  restart(): void {
    this.subscription?.unsubscribe();
    this.last = undefined;
    this.subscription = postgresDefinitions(this.database.client, {
      reader: this.name,
      snapshot: this.snapshot,
      pollInterval: 20,
      logger: quiet,
      reconnect: { initialDelay: 1, maxDelay: 20 },
    }).subscribe((msg) => {
      this.take(msg);
    });
  }

  stop(): void {
    this.subscription?.unsubscribe();
  }

  private take(msg: DefinitionSyncMsg): void {
    const key = `${msg.definitionType} ${msg.name}`;
    if (!this.snapshot) {
      // Change by change: in order, and each once for a subscription.
      expect(msg.position).toBeGreaterThan(this.last ?? 0n);
      this.last = msg.position;
    }
    const { definition, enabled } = msg.action === 'put' ? payloadOf(msg) : {};
    if (msg.action === 'put') this.known.set(key, { definition, enabled });
    else this.known.delete(key);
  }
}

/** A fresh look at the catalogs, which shares nothing with the capture's own SQL. */
async function truth(database: TestDatabase): Promise<Record<string, unknown>> {
  const rows = await database.sql(`SET search_path = pg_catalog;
    SELECT CASE prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END || p.oid::regprocedure AS key,
      pg_get_functiondef(p.oid) AS definition, NULL::boolean AS enabled
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname IN ('s', 't', 'u', 'flush')
    UNION ALL
    SELECT 'trigger ' || quote_ident(tgname) || ' on ' || tgrelid::regclass, pg_get_triggerdef(t.oid), tgenabled <> 'D'
    FROM pg_trigger t WHERE NOT tgisinternal AND tgname LIKE 'trg%'`);
  await database.sql('RESET search_path');
  const entries = rows.map(({ key, definition, enabled }) => [
    String(key),
    { definition, enabled: enabled ?? undefined },
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const name = (...names: string[]) => fc.constantFrom(...names);
const schema = name('s', 't');
const routine = fc
  .tuple(schema, name('f', 'g'), name('', 'int', 's.mood', 's.x'))
  .map(([s, f, args]) => `${s}.${f}(${args})`);
const table = fc.tuple(schema, name('x', 'y', 'z')).map(([s, x]) => `${s}.${x}`);
const trigger = fc.tuple(name('trg1', 'trg2'), table).map(([trg, x]) => `${trg} ON ${x}`);

/**
 * One statement; most are right some of the time, depending on what others have done. The tables `z` are the
 * ones to drop: a function that is made on a row type while another session drops it would survive it, broken.
 */
const statement = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(routine, fc.nat(99))
      .map(([f, n]) => `CREATE OR REPLACE FUNCTION ${f} RETURNS int LANGUAGE sql AS 'SELECT ${n}'`),
  },
  { weight: 2, arbitrary: routine.map((f) => `DROP FUNCTION IF EXISTS ${f} CASCADE`) },
  { weight: 2, arbitrary: fc.tuple(routine, name('f', 'g')).map(([f, to]) => `ALTER FUNCTION ${f} RENAME TO ${to}`) },
  { weight: 2, arbitrary: fc.tuple(routine, schema).map(([f, to]) => `ALTER FUNCTION ${f} SET SCHEMA ${to}`) },
  { weight: 1, arbitrary: routine.map((f) => `CREATE OR REPLACE PROCEDURE ${f} LANGUAGE sql AS 'SELECT 1'`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(trigger, name('INSERT', 'DELETE'))
      .map(([trg, event]) => `CREATE TRIGGER ${trg.replace(' ON', ` AFTER ${event} ON`)} EXECUTE FUNCTION flush.run()`),
  },
  { weight: 1, arbitrary: trigger.map((trg) => `DROP TRIGGER IF EXISTS ${trg}`) },
  {
    weight: 1,
    arbitrary: fc.tuple(trigger, name('trg1', 'trg2')).map(([trg, to]) => `ALTER TRIGGER ${trg} RENAME TO ${to}`),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(table, name('ENABLE', 'DISABLE')).map(([x, how]) => `ALTER TABLE ${x} ${how} TRIGGER USER`),
  },
  { weight: 1, arbitrary: table.map((x) => `CREATE TABLE IF NOT EXISTS ${x} (a int)`) },
  { weight: 1, arbitrary: schema.map((x) => `DROP TABLE IF EXISTS ${x}.z CASCADE`) },
  { weight: 1, arbitrary: fc.tuple(table, name('x', 'y')).map(([x, to]) => `ALTER TABLE ${x} RENAME TO ${to}`) },
  { weight: 1, arbitrary: fc.tuple(table, schema).map(([x, to]) => `ALTER TABLE ${x} SET SCHEMA ${to}`) },
  {
    weight: 1,
    arbitrary: name(
      'ALTER TYPE s.mood SET SCHEMA t',
      'ALTER TYPE t.mood SET SCHEMA s',
      'ALTER TYPE s.mood RENAME TO temper',
      'ALTER TYPE s.temper RENAME TO mood',
    ),
  },
  {
    weight: 1,
    arbitrary: name(
      'ALTER SCHEMA s RENAME TO u',
      'ALTER SCHEMA t RENAME TO s',
      'ALTER SCHEMA u RENAME TO t',
      'CREATE SCHEMA IF NOT EXISTS s',
      'CREATE SCHEMA IF NOT EXISTS t',
    ),
  },
);
/** A statement that is refused, or taken back, takes nothing else with it. */
const step = fc
  .tuple(statement, fc.constantFrom('', '', '', "RAISE 'taken back';"))
  .map(([text, then]) => `DO $do$ BEGIN EXECUTE $x$${text}$x$; ${then} EXCEPTION WHEN others THEN NULL; END $do$`);
const transaction = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 6 }),
  end: name('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK', 'SET CONSTRAINTS ALL IMMEDIATE; COMMIT'),
});
const disturbance = name('cut', 'restart', 'rest');

const SETUP = `CREATE SCHEMA s; CREATE SCHEMA t; CREATE SCHEMA flush; CREATE TYPE s.mood AS ENUM ('a'); CREATE TABLE s.x (a int); CREATE TABLE t.y (a int);
  CREATE FUNCTION flush.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`;

/**
 * Sessions run random transactions at the same time, most of them in each other's way; readers are cut off and restarted at
 * random. In the end what each consumer knows is what the catalogs say.
 */
export async function converges(open: () => Promise<TestDatabase>, runs: number): Promise<void> {
  const plans = fc.tuple(
    fc.array(fc.array(transaction, { minLength: 5, maxLength: 12 }), { minLength: 3, maxLength: 3 }),
    fc.array(disturbance, { maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(plans, async ([sessions, disturbances]) => {
      const database = await open();
      await database.sql(SETUP);
      await installCapture(database.client);
      const consumers = [new Consumer(database, 'snapshots', true), new Consumer(database, 'changes', false)];
      try {
        for (const consumer of consumers) consumer.restart();
        // A consumer of changes only knows what it was told: it begins before there is anything.
        await until(async () => (await database.sql('SELECT FROM ddl_fanout.reader')).length === 2);
        await database.sql(
          `CREATE OR REPLACE FUNCTION flush.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'`,
        );
        await Promise.all([
          ...sessions.map((plan) => work(database, plan)),
          disturb(database, consumers, disturbances),
        ]);
        await database.sql(`CREATE FUNCTION flush.last() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
        await until(() => consumers.every(({ known }) => known.has('function flush.last()')));
        const expected = await truth(database);
        for (const consumer of consumers) {
          expect({ by: consumer.name, ...Object.fromEntries(consumer.known) }).toEqual({
            by: consumer.name,
            ...expected,
          });
        }
      } finally {
        // Also when it failed: a reader that goes on would keep the specs from ending.
        for (const consumer of consumers) consumer.stop();
      }
      await database.close();
    }),
    { numRuns: runs, endOnFailure: true },
  );
}

type Plan = readonly { readonly steps: readonly string[]; readonly end: string }[];

async function work(database: TestDatabase, plan: Plan): Promise<void> {
  const session = await database.session?.();
  for (const { steps, end } of plan) {
    const texts = ['BEGIN', ...steps, end];
    try {
      // With a single session a transaction is one query: nobody else's statement may come between.
      if (session) for (const text of texts) await session.sql(text);
      else await database.sql(texts.join(';'));
    } catch {
      // A deadlock: the transaction is over, as if it had not been.
      await (session ?? database).sql('ROLLBACK');
    }
  }
  await session?.close();
}

async function disturb(
  database: TestDatabase,
  consumers: readonly Consumer[],
  disturbances: readonly string[],
): Promise<void> {
  for (const [i, what] of disturbances.entries()) {
    if (what === 'restart') consumers[i % consumers.length]?.restart();
    else if (what === 'cut' && database.session) {
      await database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid IN (SELECT pid FROM pg_stat_activity WHERE query LIKE '%ddl_fanout.%') AND pid <> pg_backend_pid()`);
    } else await database.sql('SELECT 1');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
