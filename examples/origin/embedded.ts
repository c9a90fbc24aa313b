import { PGlite } from '@electric-sql/pglite';
import { fromPglite } from 'ddl-fanout/postgres';
import type { Database } from './database.js';

/** PostgreSQL compiled to WebAssembly, in this process and in memory. */
export async function embeddedDatabase(): Promise<Database> {
  const db = await PGlite.create();
  return {
    client: fromPglite(db),
    execute: (sql) => db.exec(sql),
    transaction: (work, end) =>
      db.transaction(async (transaction) => {
        const result = await work((sql) => transaction.exec(sql));
        if (end === 'rollback') await transaction.rollback();
        return result;
      }),
    close: () => db.close(),
  };
}
