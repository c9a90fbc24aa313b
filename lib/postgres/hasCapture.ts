import { CaptureError } from './captureError.js';
import { captureMark, type CaptureNames, commentOn } from './captureNames.js';
import type { PostgresConnection } from './postgresLike.js';

/**
 * Whoever may create schemas could leave one that looks like a capture, with triggers that run with the rights of the
 * superuser who takes it for one. So it has to belong to a superuser, or to the role that asks.
 * @throws {CaptureError} SCHEMA_IN_USE when there is a schema of that name that is not a capture
 */
export async function hasCapture(
  connection: PostgresConnection,
  { schema: s, literal }: CaptureNames,
): Promise<boolean> {
  const [found] = await connection.query(
    `SELECT ${commentOn('pg_namespace', 'n.oid')} AS mark, r.rolsuper OR r.rolname = current_user AS trusted
     FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner WHERE n.nspname = ${literal}`,
  );
  if (found === undefined) return false;
  if (found['mark'] === captureMark && found['trusted'] === true) return true;
  const what = found['mark'] === captureMark ? 'belongs to a role that is no superuser' : 'is not a capture';
  throw new CaptureError('SCHEMA_IN_USE', `the schema ${s} exists and ${what}; choose another name`);
}
