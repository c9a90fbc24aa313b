import { CodedError } from '../codedError.js';

export type LiteErrorCode = 'REFUSED' | 'FORKED' | 'TOKEN' | 'STORE' | 'PROTOCOL' | 'LOST';

/**
 * Why a device has no connection. All but `REFUSED` of a fixed token are followed by another attempt.
 *
 * - `REFUSED`: the server does not accept the token.
 * - `FORKED`: another device was seen with this `liteId`; the next attempt has a new one.
 * - `TOKEN`: the token provider threw, or gave something else than a string.
 * - `STORE`: the store threw; what it did not take comes again with the next connection.
 * - `PROTOCOL`: the server sent what the wire does not allow.
 * - `LOST`: the socket could not be opened, was closed, or went silent.
 */
export class LiteError extends CodedError<LiteErrorCode> {
  override readonly name = 'LiteError';
}
