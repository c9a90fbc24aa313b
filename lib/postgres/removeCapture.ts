import { objectOption } from '../options.js';
import { captureNames } from './captureNames.js';
import { removeScript } from './captureScript.js';
import { checkClient } from './connection.js';
import { hasCapture } from './hasCapture.js';
import type { CaptureOptions } from './installCapture.js';
import type { PostgresLike } from './postgresLike.js';
import { withConnection } from './withConnection.js';

/**
 * Takes a capture out of the database, with its log and its readers' positions; nothing of it stays behind.
 * Does nothing when there is no schema of that name. Waits for transactions that change definitions at that moment.
 * @throws {FanoutError} BAD_OPTION at call time
 * @throws {CaptureError} PRIVILEGE, SCHEMA_IN_USE, READ_ONLY, CLOSED; nothing has changed then
 */
export function removeCapture(client: PostgresLike, options: CaptureOptions = {}): Promise<void> {
  checkClient(client);
  const names = captureNames(objectOption('options', options).schema);
  return withConnection(client, 'removing the capture', async (connection) => {
    if (await hasCapture(connection, names)) await connection.run(removeScript(names));
  });
}
