import type { PostgresLike } from 'ddl-fanout/postgres';

/** What one statement gave. */
export interface Result {
  readonly fields: readonly { readonly name: string }[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Runs SQL without parameters; a result for each statement in it. Rejects with PostgreSQL's error. */
export type Execute = (sql: string) => Promise<readonly Result[]>;

/** A PostgreSQL database of this run alone. */
export interface Database {
  /** Where its capture is installed and read. */
  readonly client: PostgresLike;
  readonly execute: Execute;
  /** Does `work` in a transaction, which then ends as `end` says; rolls back when it rejects. */
  transaction<T>(work: (execute: Execute) => Promise<T>, end: 'commit' | 'rollback'): Promise<T>;
  /** Leaves nothing of it behind. */
  close(): Promise<void>;
}
