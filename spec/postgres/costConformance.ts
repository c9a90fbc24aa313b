import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { installCapture } from 'ddl-fanout/postgres';
import type { TestDatabase, TestSession } from '../helpers/postgresDatabase.js';

const replace = (i: number): string => `CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT ${i}'`;
const alter = (i: number): string => `ALTER TABLE t ALTER COLUMN a SET DEFAULT ${i}`;
const createMany = (count: number): string => `DO $$ BEGIN FOR i IN 1..${count} LOOP
  EXECUTE format('CREATE OR REPLACE FUNCTION d%s() RETURNS int LANGUAGE sql AS ''SELECT 1''', i); END LOOP; END $$`;

/** What a capture adds to DDL, in pages and scans, which are the same on any machine. */
export function costConformance(open: () => Promise<TestDatabase>): void {
  describe('the cost of the capture', () => {
    let database: TestDatabase;
    let session: TestSession;

    /** What `statement` and the numbering at its commit add to a count of the capture's tables and indexes. */
    const counted = async (
      statement: string,
      count: 'blocks_fetched' | 'numscans' | 'tuples_returned',
      relations = 'true',
    ) => {
      const sum = async (): Promise<number> => {
        const [row] = await session.sql(`SELECT coalesce(sum(pg_stat_get_xact_${count}(oid)), 0)::int AS n FROM pg_class
          WHERE relnamespace = 'ddl_fanout'::regnamespace AND ${relations}`);
        return Number(row?.['n']);
      };
      await session.sql('BEGIN');
      const before = await sum();
      await session.sql(statement);
      await session.sql('SET CONSTRAINTS ALL IMMEDIATE');
      const cost = (await sum()) - before;
      await session.sql('COMMIT');
      return cost;
    };
    const pages = (statement: string): Promise<number> => counted(statement, 'blocks_fetched');

    beforeAll(async () => {
      database = await open();
      session = (await database.session?.()) ?? { sql: (text) => database.sql(text), close: () => Promise.resolve() };
      await database.sql('CREATE TABLE t (a int)');
      await installCapture(database.client);
      for (let i = 0; i < 3; i++) await pages(replace(i));
    });
    afterAll(async () => {
      await session.close();
      await database.close();
    });

    it('is a hundred pages or less for a statement, and does not grow with what committed before', async () => {
      const before = [await pages(replace(1)), await pages(alter(1))];
      for (let i = 0; i < 100; i++) await database.sql(replace(i));
      const after = [await pages(replace(2)), await pages(alter(2))];
      expect(Math.max(...before)).toBeLessThanOrEqual(100);
      after.forEach((cost, i) => expect(cost).toBeLessThanOrEqual(1.5 * (before[i] ?? 0)));
    });

    it('reads no entry of an index again that belongs to a change of another transaction', async () => {
      // A bitmap scan would read a thousand of them for each object it looks up: it learns of no row that is gone.
      const before = await pages(replace(3));
      await database.sql(createMany(1_000));
      for (let i = 0; i < 3; i++) await pages(replace(i));
      expect(await pages(replace(4))).toBeLessThan(3 * before);
    });

    it('is nothing for temporary tables that are made and dropped, whatever they have', async () => {
      const temporary = (
        i: number,
      ): string => `CREATE TEMP TABLE tmp${i} (i serial PRIMARY KEY, a int DEFAULT 1 CHECK (a > 0));
        ALTER TABLE tmp${i} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON tmp${i} USING (a > 1);
        CREATE TEMP TABLE child${i} (i int REFERENCES tmp${i}); CREATE TEMP VIEW v${i} AS SELECT * FROM tmp${i};
        DROP TABLE tmp${i} CASCADE; DROP TABLE child${i};`;
      expect(await pages(Array.from({ length: 20 }, (_, i) => temporary(i)).join(''))).toBe(0);
    });

    it('is nothing for tables, views and indexes that are dropped, alone or with their schema', async () => {
      const made = (i: number): string => `CREATE TABLE plain${i} (i serial PRIMARY KEY, a int DEFAULT 1 CHECK (a > 0));
        CREATE INDEX seen${i} ON plain${i} (a); CREATE VIEW above${i} AS SELECT * FROM plain${i};`;
      const all = Array.from({ length: 20 }, (_, i) => i);
      await database.sql(`CREATE SCHEMA gone; SET search_path = gone; ${all.map(made).join('')} RESET search_path`);
      await database.sql(all.map(made).join(''));
      const drops = all.map((i) => `DROP INDEX seen${i}; DROP VIEW above${i}; DROP TABLE plain${i};`).join('');
      expect(await pages(`${drops} DROP SCHEMA gone CASCADE;`)).toBe(0);
    });

    it('is nothing for a view that no definition mentions', async () => {
      const view = 'CREATE OR REPLACE VIEW seen AS SELECT a FROM t;';
      expect(await pages(`${view} ${view} CREATE OR REPLACE VIEW above AS SELECT a FROM seen; ${view}`)).toBe(0);
    });

    it.each<[string, string[]]>([
      ['as it is', []],
      ['once it was analyzed', ['ANALYZE']],
      ['once it was found empty', ['DELETE FROM ddl_fanout.change', 'VACUUM ANALYZE']],
    ])('grows with what a transaction changes, and not with its square, %s', async (_, statements) => {
      // Plans are made for the statistics of that moment, and kept.
      for (const statement of statements) await database.sql(statement);
      const touched = `relname = 'touched'`;
      const scans = async (count: number): Promise<number> => counted(createMany(count), 'numscans', touched);
      await scans(10);
      expect(await scans(200)).toBe(await scans(20));
      // 20 rows each, and thousands where all that is under way is read for each.
      expect(await counted(createMany(200), 'tuples_returned')).toBeLessThan(200 * 100);
    });
  });
}
