import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Database, Execute, Result } from './database.js';
import { Complaint } from './options.js';
import { splitSql, transactionsOf, type Statement, type Transaction } from './sql.js';

export interface MigrationFile {
  readonly path: string;
  readonly transactions: readonly Transaction[];
}

/**
 * Reads the `.sql` files of a folder in the order of their names.
 * @throws {Complaint} when there is none, or when one ends inside a transaction
 */
export async function readMigration(folder: string): Promise<MigrationFile[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new Complaint(`cannot read the migration folder: ${error instanceof Error ? error.message : String(error)}`);
  });
  const paths = names.filter((name) => name.endsWith('.sql')).sort();
  if (paths.length === 0) throw new Complaint(`no .sql file in ${folder}`);
  return Promise.all(paths.map((name) => readFileOf(join(folder, name))));
}

async function readFileOf(file: string): Promise<MigrationFile> {
  const path = relative('', file);
  const { statements, rest } = splitSql(await readFile(file, 'utf8'));
  const { transactions, open } = transactionsOf(rest === undefined ? statements : [...statements, rest]);
  if (open !== undefined) throw new Complaint(`${path}:${open.line}: this transaction is never ended`);
  return { path, transactions };
}

export const statementsOf = (files: readonly MigrationFile[]): Statement[] =>
  files.flatMap((file) => file.transactions.flatMap(({ statements }) => statements));

/**
 * Runs one transaction. A statement of its own runs as it is, so that one which allows no transaction works too.
 * @throws {Complaint} naming `path`, the line, and what PostgreSQL says
 */
export async function runTransaction(db: Database, path: string, transaction: Transaction): Promise<Result[]> {
  const run = async (execute: Execute): Promise<Result[]> => {
    const results: Result[] = [];
    for (const statement of transaction.statements) {
      results.push(...(await execute(statement.text).catch(complain(path, statement))));
    }
    return results;
  };
  if (!transaction.explicit) return run(db.execute);
  return db.transaction(run, transaction.rollback ? 'rollback' : 'commit');
}

const complain =
  (path: string, statement: Statement) =>
  (error: unknown): never => {
    const { message, position } = error as Error & { position?: string };
    const above = statement.text.slice(0, Number(position ?? 1) - 1).split('\n').length - 1;
    throw new Complaint(`${path}:${statement.line + above}: PostgreSQL says: ${message}`);
  };
