import { PGlite } from '@electric-sql/pglite';
import { fromPglite, type Row } from 'ddl-fanout/postgres';
import type { TestDatabase } from './postgresDatabase.js';

/** PGlite in memory. */
export async function openPglite(): Promise<TestDatabase & { readonly db: PGlite }> {
  const db = await PGlite.create();
  return {
    db,
    client: fromPglite(db),
    sql: async (text) => ((await db.exec(text)).at(-1)?.rows ?? []),
    close: () => db.close(),
  };
}
