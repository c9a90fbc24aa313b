import { objectOption } from '../options.js';
import { captureNames } from './captureNames.js';
import { checkNothingHidden, hiddenTables } from './hiddenTables.js';
import type { CaptureOptions } from './installCapture.js';
import type { PostgresLike } from './postgresLike.js';
import { checkClient } from './connection.js';
import { prune } from './prune.js';
import { checkReader } from './readerOptions.js';
import { withConnection } from './withConnection.js';

/**
 * Forgets how far a reader has read, and prunes what the log kept for it alone. For readers that do not come back;
 * one that does is a new reader.
 * @returns true when there was such a reader
 * @throws {FanoutError} BAD_OPTION at call time
 * @throws {CaptureError} PRIVILEGE, NOT_INSTALLED, READ_ONLY, CLOSED
 */
export function forgetReader(client: PostgresLike, reader: string, options: CaptureOptions = {}): Promise<boolean> {
  checkClient(client);
  const names = captureNames(objectOption('options', options).schema);
  checkReader(reader);
  return withConnection(client, 'forgetting a reader', async (connection) => {
    const [found] = await connection.query(`SELECT ${hiddenTables(names)} AS hidden`);
    checkNothingHidden(names, found?.['hidden']);
    const gone = await connection.query(`DELETE FROM ${names.schema}.reader WHERE name = $1 RETURNING name`, [reader]);
    await prune(connection, names);
    return gone.length > 0;
  });
}
