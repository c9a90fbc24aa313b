import { CaptureError, type CaptureErrorCode } from './captureError.js';

const MEANINGS: readonly [states: RegExp, code: CaptureErrorCode][] = [
  [/^(42501|28...)$/, 'PRIVILEGE'],
  [/^(42P01|42703|42883|3F000)$/, 'NOT_INSTALLED'],
  [/^25006$/, 'READ_ONLY'],
  [/^42710$/, 'SCHEMA_IN_USE'],
];

// Classes of what passes by itself: connection, rollback (deadlock, serialization), resources, object state,
// operator intervention (shutdown, starting up), system error. And 25P02: on PGlite the caller's own failed transaction.
const PASSING = /^(08|25P02|40|53|55|57|58)/;

/** The SQLSTATE of a server's error; `undefined` for any other error (a socket's `EPIPE` is none). */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9FHPX][0-9A-Z]{4}$/.test(error.code) ? error.code : undefined;
}

/** True when the same call may succeed later on a new connection. */
export function isPassing(error: unknown): boolean {
  if (error instanceof CaptureError) return false;
  const state = sqlState(error);
  return state === undefined || PASSING.test(state);
}

/** The error as a `CaptureError` where its SQLSTATE has a meaning here, else as it is. */
export function meaningOf(error: unknown, doing: string): unknown {
  const state = sqlState(error);
  const code = MEANINGS.find(([states]) => state !== undefined && states.test(state))?.[1];
  if (code === undefined) return error;
  const said = error instanceof Error ? error.message : String(error);
  const remedy = code === 'NOT_INSTALLED' ? '; call installCapture first' : '';
  return new CaptureError(code, `${doing}: ${said} (SQLSTATE ${state ?? ''})${remedy}`, { cause: error });
}
