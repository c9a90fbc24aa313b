import { FanoutError } from '../errors.js';
import { badOption, functionOption, objectOption } from '../options.js';
import { AuthenticationUnavailable, checkIdentity, type Authenticate, type Identity } from './identity.js';
import type { CryptoKey, JSONWebKeySet, JWK, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions, KeyObject } from 'jose';

/** A key, as `jose` takes it; a secret as bytes. */
export type KeyInput = CryptoKey | KeyObject | JWK | Uint8Array;
type Key = KeyInput | JWTVerifyGetKey;

/** The claims of a verified token. */
export type JwtClaims = JWTPayload;

export interface JwtAuthenticatorOptions {
  /** The secret (HS256 and the like, as bytes) or the public key (as `jose` takes it). Either this or `jwks`. */
  readonly key?: KeyInput | undefined;
  /** A key set, or the URL of one: https, or http on this machine. */
  readonly jwks?: JSONWebKeySet | URL | string | undefined;
  /** The `iss` that a token must have, or some of which it must have one; default: it is not looked at. */
  readonly issuer?: string | readonly string[] | undefined;
  /** The `aud` that a token must have, or some of which it must have one; default: it is not looked at. */
  readonly audience?: string | readonly string[] | undefined;
  /** The algorithms that are accepted, for instance `['ES256']`; at least one, never `none`; with a secret, HMAC only. */
  readonly algorithms: readonly string[];
  /**
   * Makes an identity of verified claims; a throw, or a rejection, refuses the token. `exp` is the expiry, unless it names an earlier one: of an
   * object of a class a token with `exp` keeps the own properties only.
   * Default: `sub` is the subject, `tenant_id` and `database_id` (whole numbers, or decimal strings) are the scope, which a
   * token without both has not.
   */
  readonly identity?: ((claims: JwtClaims) => Identity | Promise<Identity>) | undefined;
}

/** Codes of `jose` for a key that a token asks for and that there is not. */
const OF_THE_TOKEN: ReadonlySet<unknown> = new Set([
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JOSE_NOT_SUPPORTED',
]);
/** Seconds that the clocks of issuer and server may differ by. */
const CLOCK_TOLERANCE = 2;

/**
 * An `Authenticate` for JSON Web Tokens, on `jose`: checks signature, algorithm, issuer, audience, `nbf` and `exp`, each
 * with 2 seconds of tolerance.
 *
 * - A key set that cannot be fetched refuses nobody: it throws `AuthenticationUnavailable`.
 * @throws {FanoutError} BAD_OPTION, naming the rule and the value
 */
export function jwtAuthenticator(options: JwtAuthenticatorOptions): Authenticate {
  const { key, jwks, issuer, audience, algorithms, identity = defaultIdentity } = objectOption('options', options);
  checkAlgorithms(algorithms, key);
  checkNames('issuer', issuer);
  checkNames('audience', audience);
  functionOption('identity', identity);
  const open = checkKey(key, jwks);
  const rules: JWTVerifyOptions = { algorithms: [...algorithms], clockTolerance: CLOCK_TOLERANCE };
  if (issuer !== undefined) rules.issuer = names(issuer);
  if (audience !== undefined) rules.audience = names(audience);
  let opened: Promise<Key> | undefined;
  return async (token) => {
    const { jwtVerify } = await loadJose();
    opened ??= open();
    const { payload } = await jwtVerify(token, await opened, rules);
    const said = await identity(payload);
    checkIdentity(said);
    if (payload.exp === undefined) return said;
    // Whatever the identity says, a token that has expired lets nobody stay.
    const { subject, scope, expiresAt = Infinity } = said;
    return { ...said, subject, scope, expiresAt: Math.min(expiresAt, payload.exp + CLOCK_TOLERANCE) };
  };
}

const names = (one: string | readonly string[]): string | string[] => (typeof one === 'string' ? one : [...one]);

/** Nobody is refused because the package is missing here: a device whose token is refused may never come back. */
async function loadJose() {
  try {
    return await import('jose');
  } catch (cause) {
    throw new AuthenticationUnavailable('the package jose cannot be loaded', { cause });
  }
}

/** `sub`, and `tenant_id` with `database_id`. */
function defaultIdentity({ sub, tenant_id: tenantId, database_id: databaseId }: JwtClaims): Identity {
  if (sub === undefined) throw new TypeError('a token must have a subject');
  if (tenantId === undefined && databaseId === undefined) return { subject: sub };
  return { subject: sub, scope: { tenantId: u64Claim(tenantId), databaseId: u64Claim(databaseId) } };
}

/** A JSON number above 2^53 is not the one that was meant. */
function u64Claim(value: unknown): bigint {
  if (Number.isSafeInteger(value) || (typeof value === 'string' && /^\d{1,20}$/.test(value)))
    return BigInt(value as string);
  throw new TypeError('a scope must have ids that are whole numbers or decimal strings');
}

/** How to come by the key; `jose` is loaded then, and not before. */
function checkKey(key: KeyInput | undefined, jwks: JwtAuthenticatorOptions['jwks']): () => Promise<Key> {
  if (key !== undefined && jwks !== undefined) throw badOption('jwks', 'absent when a key is given', jwks);
  if (jwks !== undefined) {
    const keys = checkKeySet(jwks);
    return () => openKeySet(keys);
  }
  if (isKey(key)) return () => Promise.resolve(key);
  // A text may be the secret, which is not to be read in a log.
  const rule = 'bytes (of a secret), a key object (`createPublicKey(pem)`) or a JWK, unless jwks is given';
  if (typeof key === 'string') throw new FanoutError('BAD_OPTION', `key must be ${rule}, got a string`);
  throw badOption('key', rule, key);
}

/** Bytes, a `KeyObject` or `CryptoKey` (which have a type), or a JWK (which has a `kty`). */
function isKey(key: unknown): key is KeyInput {
  if (ArrayBuffer.isView(key)) return key.byteLength > 0;
  return typeof key === 'object' && key !== null && ('type' in key || 'kty' in key);
}

async function openKeySet(keys: JSONWebKeySet | URL): Promise<JWTVerifyGetKey> {
  const { createLocalJWKSet, createRemoteJWKSet } = await loadJose();
  if (!(keys instanceof URL)) return createLocalJWKSet(keys);
  const getKey = createRemoteJWKSet(keys);
  return async (header, token) => {
    try {
      return await getKey(header, token);
    } catch (error) {
      if (OF_THE_TOKEN.has((error as { code?: unknown }).code)) throw error;
      throw new AuthenticationUnavailable('the key set is out of reach', { cause: error });
    }
  };
}

function checkAlgorithms(algorithms: unknown, key: unknown): void {
  const rule = 'the names of one or more algorithms, never none';
  if (!Array.isArray(algorithms) || algorithms.length === 0) throw badOption('algorithms', rule, algorithms);
  for (const name of algorithms as unknown[]) {
    if (typeof name !== 'string' || name.toLowerCase() === 'none') throw badOption('algorithms', rule, name);
    // Whoever knows a public key could sign with it, were its text both a key for RS256 and the secret of HS256.
    if (ArrayBuffer.isView(key) && !name.startsWith('HS'))
      throw badOption('algorithms', 'HS256 and the like when the key is a secret', name);
  }
}

function checkKeySet(jwks: JSONWebKeySet | URL | string): JSONWebKeySet | URL {
  if (Array.isArray((jwks as Partial<JSONWebKeySet> | null)?.keys)) return jwks as JSONWebKeySet;
  const text = jwks instanceof URL ? jwks.href : jwks;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url !== undefined && (url.protocol === 'https:' || isLocal)) return url;
  throw badOption('jwks', 'a key set, an https: URL, or an http: URL of this machine', jwks);
}

/** An empty name is none to earlier releases of `jose` 6, and lets any token in. */
function checkNames(option: string, names: unknown): void {
  if (names === undefined) return;
  const list: unknown[] = Array.isArray(names) ? names : [names];
  const isName = (name: unknown): boolean => typeof name === 'string' && name !== '';
  if (list.length === 0 || !list.every(isName)) throw badOption(option, 'a text or some, none of them empty', names);
}
