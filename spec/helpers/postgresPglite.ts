import { PGlite } from '@electric-sql/pglite';
import { citext } from '@electric-sql/pglite/contrib/citext';
import { fromPglite } from 'ddl-fanout/postgres';
import type { TestDatabase } from './postgresDatabase.js';

/** PGlite in memory. */
export async function openPglite(): Promise<TestDatabase & { readonly db: PGlite }> {
  const db = await PGlite.create({ extensions: { citext } });
  return {
    db,
    client: fromPglite(db),
    sql: async (text) => (await db.exec(text)).at(-1)?.rows ?? [],
    as: async (role) => {
      await db.exec(`SET ROLE ${role}`);
      return fromPglite(db);
    },
    close: () => db.close(),
  };
}
