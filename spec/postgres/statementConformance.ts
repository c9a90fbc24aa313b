import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listening, type Listener, type TestDatabase } from '../helpers/postgresDatabase.js';
import { statements } from './statements.js';

const CLEAN = `ROLLBACK; DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS s2 CASCADE; DROP SCHEMA public CASCADE;
  CREATE SCHEMA public; CREATE SCHEMA s`;

/** What is told for every kind of statement, on any server. */
export function statementConformance(open: () => Promise<TestDatabase>): void {
  describe('what is told', () => {
    let database: TestDatabase;
    let listener: Listener;
    let version: number;

    beforeAll(async () => {
      database = await open();
      await database.sql('CREATE ROLE other');
      const [row] = await database.sql(`SELECT current_setting('server_version_num')::int / 10000 AS version`);
      version = Number(row?.['version']);
      listener = await listening(database);
    });
    afterAll(async () => {
      listener.stop();
      await database.close();
    });

    it.each(Object.entries(statements))('for %s', async (_title, { given = '', run, told, since = 13 }) => {
      await database.sql(CLEAN);
      if (version < since) return;
      await database.sql(given);
      expect(await listener.after(run)).toEqual(told);
    });
  });
}
