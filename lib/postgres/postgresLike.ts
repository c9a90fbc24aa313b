/** A row as the driver gives it: a property a column. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * Where connections come from; the caller made it and closes it.
 * `fromPg` and `fromPglite` make one; an adapter for another driver implements these two interfaces.
 */
export interface PostgresLike {
  /**
   * A connection that nobody else uses until its `close()`.
   * MUST reject with `CaptureError` code `CLOSED` when there can be none any more; any other rejection is tried again.
   */
  connect(): Promise<PostgresConnection>;
}

/** One connection to the server, outside any transaction. */
export interface PostgresConnection {
  /** One statement with parameters `$1`, `$2` ...; rejects with an error whose `code` is the SQLSTATE. */
  query(sql: string, parameters?: readonly string[]): Promise<readonly Row[]>;
  /** Several statements without parameters, in one implicit transaction: all or none. */
  run(script: string): Promise<void>;
  /**
   * Listens on `channel` (a plain lower-case identifier) until `close()`.
   * MUST call `wake` once per notification or more, MAY merge them; `wake` never throws.
   */
  listen(channel: string, wake: () => void): Promise<void>;
  /** Calls `tell` once, when the connection is lost rather than closed; `tell` never throws. */
  onLost(tell: (error: unknown) => void): void;
  /** Gives the connection back. MUST NOT reject, also when the connection is lost; the second call does nothing. */
  close(): Promise<void>;
}

/** What a read may do with a connection. */
export type Asking = Pick<PostgresConnection, 'query'>;
