import { CodedError } from '../codedError.js';

export type CaptureErrorCode = 'NOT_INSTALLED' | 'PRIVILEGE' | 'VERSION' | 'READ_ONLY' | 'SCHEMA_IN_USE' | 'CLOSED';

/**
 * Why a capture cannot be installed, removed or read; trying again will not help until somebody acts.
 *
 * - `NOT_INSTALLED`: the schema holds no capture, or one without its event triggers; call `installCapture` first.
 * - `PRIVILEGE`: the role may not do this, or is not shown all rows, or the server refused it at the door.
 * - `VERSION`: the server is older than PostgreSQL 13, or the capture in the database is not of this library's version.
 * - `READ_ONLY`: the server takes no writes: a standby, or `default_transaction_read_only`.
 * - `SCHEMA_IN_USE`: a schema of that name exists and is not a capture, or not one of a superuser's or this role's; or an
 *   event trigger that is none of the capture's has the name of one.
 * - `CLOSED`: the caller has ended the pool, the client or the PGlite that it passed in.
 */
export class CaptureError extends CodedError<CaptureErrorCode> {
  override readonly name = 'CaptureError';
}
