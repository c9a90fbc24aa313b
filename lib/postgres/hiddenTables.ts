import { CaptureError } from './captureError.js';
import type { CaptureNames } from './captureNames.js';

/**
 * SQL for the capture's tables of which row-level security hides rows from the role that asks; null when there are none. To be
 * asked within the statement that reads them: the lock of that keeps the answer true until its end.
 */
export function hiddenTables({ literal }: CaptureNames): string {
  return `(SELECT pg_catalog.string_agg(h.relname::text, ', ') FROM pg_catalog.pg_class h
    JOIN pg_catalog.pg_namespace n ON n.oid = h.relnamespace WHERE n.nspname = ${literal}
    AND h.relname IN ('capture', 'change', 'definition', 'reader') AND pg_catalog.row_security_active(h.oid))`;
}

/**
 * What is hidden looks like what was dropped, and devices would delete it; who does not see every reader prunes too much.
 * @param hidden the answer to `hiddenTables`
 * @throws {CaptureError} PRIVILEGE
 */
export function checkNothingHidden({ schema: s }: CaptureNames, hidden: unknown): void {
  if (typeof hidden !== 'string') return;
  throw new CaptureError(
    'PRIVILEGE',
    `row-level security hides rows of ${s} from this role (of ${hidden}): disable it there, or read as a role with BYPASSRLS`,
  );
}
