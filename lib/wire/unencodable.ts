import { WireError } from '../errors.js';
import { show } from '../options.js';

/** The error for a value that the wire cannot carry: which field, the rule, and the value. */
export function unencodable(where: string, rule: string, value: unknown): WireError {
  return new WireError('UNENCODABLE', `${where} must be ${rule}, got ${show(value)}`);
}

/** What encoding threw, as the error of the field it was at; a getter can throw anything. */
export function asUnencodable(where: string, error: unknown): WireError {
  if (error instanceof WireError && error.code === 'UNENCODABLE') return error;
  return new WireError('UNENCODABLE', `${where} cannot be encoded`, { cause: error });
}
