import { CaptureError } from './captureError.js';
import { captureMark, type CaptureNames } from './captureNames.js';
import type { PostgresConnection } from './postgresLike.js';

/** @throws {CaptureError} SCHEMA_IN_USE when there is a schema of that name that is not a capture */
export async function hasCapture(
  connection: PostgresConnection,
  { schema: s, literal }: CaptureNames,
): Promise<boolean> {
  const [found] = await connection.query(
    `SELECT pg_catalog.obj_description(oid, 'pg_namespace') AS mark FROM pg_catalog.pg_namespace WHERE nspname = ${literal}`,
  );
  if (found === undefined) return false;
  if (found['mark'] === captureMark) return true;
  throw new CaptureError('SCHEMA_IN_USE', `the schema ${s} exists and is not a capture; choose another name`);
}
