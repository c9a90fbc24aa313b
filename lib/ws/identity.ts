import type { IncomingMessage } from 'node:http';
import { checkScope } from '../fanout/scopeKey.js';
import type { DefinitionScope } from '../definition.js';

/** What a token says. */
export interface Identity {
  /** Who it is. */
  readonly subject: string;
  /** Whose definitions it may have; absent: the unscoped ones. */
  readonly scope?: DefinitionScope | undefined;
  /** Epoch seconds; the session ends then, unless the token was refreshed. Absent: never. */
  readonly expiresAt?: number | undefined;
}

/**
 * Checks a token; called for every handshake and every token refresh.
 *
 * - A throw or a rejection refuses the token. The client learns no reason; the log does, at info.
 * - `AuthenticationUnavailable` thrown instead asks the client to try again later.
 * - At a handshake, one that takes longer than `handshakeTimeout` is no longer waited for; at a refresh the session goes on
 *   under the token before, until that expires.
 */
export type Authenticate = (token: string, request: IncomingMessage) => Identity | Promise<Identity>;

/** Thrown by an `Authenticate` that cannot tell now: the token is not refused, the socket is closed with 1013. */
export class AuthenticationUnavailable extends Error {
  override readonly name = 'AuthenticationUnavailable';
}

/** A copy: whoever answers many with one object must not move a session to another scope. */
export interface CheckedIdentity extends Identity {
  /** What it is a copy of, with whatever else that has. */
  readonly given: Identity;
}

/**
 * @throws {TypeError} unless it is an `Identity` that has not expired
 * @throws {FanoutError} BAD_OPTION unless its scope has two u64
 */
export function checkIdentity(given: Identity): CheckedIdentity {
  if (typeof given !== 'object' || (given as unknown) === null)
    throw new TypeError('an identity must be an object with a subject');
  const { subject, scope, expiresAt } = given;
  if (typeof subject !== 'string') throw new TypeError('an identity must have a subject');
  if (expiresAt !== undefined && typeof expiresAt !== 'number')
    throw new TypeError('an identity must have an expiresAt in epoch seconds');
  if (expiresAt !== undefined && !(expiresAt * 1000 > Date.now())) throw new TypeError('the token has expired');
  return { subject, scope: checkScope(scope), expiresAt, given };
}

/** Whether they are the same subject with the same scope, so that one token can follow the other. */
export function isSameIdentity(a: Identity, b: Identity): boolean {
  return (
    a.subject === b.subject && a.scope?.tenantId === b.scope?.tenantId && a.scope?.databaseId === b.scope?.databaseId
  );
}
