import { badOption, functionOption, objectOption, show } from '../options.js';
import { AuthenticationUnavailable, checkIdentity, type Authenticate, type Identity } from './identity.js';
import { checkAlgorithms, checkKey, checkKeySet, type KeyInput } from './jwtKey.js';
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';

type KeySetInput = JSONWebKeySet | URL | string;

/** The claims of a verified token. */
export type JwtClaims = JWTPayload;

export interface JwtAuthenticatorOptions {
  /** The secret (HS256 and the like, as bytes) or the public key (as `jose` takes it). Either this or `jwks`. */
  readonly key?: KeyInput | undefined;
  /** A key set, or the URL of one: https, or http on this machine. */
  readonly jwks?: KeySetInput | undefined;
  /** The `iss` that a token must have, or some of which it must have one; default: it is not looked at. */
  readonly issuer?: string | readonly string[] | undefined;
  /** The `aud` that a token must have, or some of which it must have one; default: it is not looked at. */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The algorithms that are accepted, for instance `['ES256']`: one or more signature algorithms of `jose`, never `none`; with a secret,
   * HMAC only. Of them a key is used for those of its own kind alone.
   */
  readonly algorithms: readonly string[];
  /**
   * Makes an identity of verified claims; a throw, or a rejection, refuses the token. `exp` is the expiry, unless it names an earlier one: of an
   * object of a class a token with `exp` keeps the own properties only.
   * Default: `sub` is the subject, `tenant_id` and `database_id` (whole numbers, or decimal strings) are the scope, which a
   * token without both has not.
   */
  readonly identity?: ((claims: JwtClaims) => Identity | Promise<Identity>) | undefined;
}

/** Codes of `jose` for what is wrong with a token; all else that it throws is wrong here, and no reason to refuse anybody. */
const OF_THE_TOKEN: ReadonlySet<unknown> = new Set([
  'ERR_JWS_INVALID',
  'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  'ERR_JWT_INVALID',
  'ERR_JWT_EXPIRED',
  'ERR_JWT_CLAIM_VALIDATION_FAILED',
  'ERR_JOSE_ALG_NOT_ALLOWED',
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
 * - A key set that cannot be fetched, and a key that turns out to be broken, refuse nobody: `AuthenticationUnavailable` is thrown.
 * @throws {FanoutError} BAD_OPTION, naming the rule and the value
 */
export function jwtAuthenticator(options: JwtAuthenticatorOptions): Authenticate {
  const { key, jwks, issuer, audience, algorithms, identity = defaultIdentity } = objectOption('options', options);
  checkAlgorithms(algorithms);
  checkNames('issuer', issuer);
  checkNames('audience', audience);
  functionOption('identity', identity);
  const keys = jwks === undefined ? { keys: [] } : checkKeys(key, jwks, algorithms);
  const accepted = jwks === undefined ? checkKey(key, algorithms) : [...algorithms];
  const rules: JWTVerifyOptions = { algorithms: accepted, clockTolerance: CLOCK_TOLERANCE };
  if (issuer !== undefined) rules.issuer = names(issuer);
  if (audience !== undefined) rules.audience = names(audience);
  let opened: KeyInput | JWTVerifyGetKey | undefined = key;
  const verify = async (token: string): Promise<JwtClaims> => {
    const { createLocalJWKSet, createRemoteJWKSet, jwtVerify } = await loadJose();
    try {
      opened ??= keys instanceof URL ? createRemoteJWKSet(keys) : createLocalJWKSet(keys);
      return (await jwtVerify(token, opened, rules)).payload;
    } catch (cause) {
      if (OF_THE_TOKEN.has((cause as { code?: unknown } | undefined)?.code)) throw cause;
      throw new AuthenticationUnavailable('the key, or the key set, cannot be used', { cause });
    }
  };
  return async (token) => {
    const payload = await verify(token);
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
  return {
    subject: sub,
    scope: { tenantId: u64Claim('tenant_id', tenantId), databaseId: u64Claim('database_id', databaseId) },
  };
}

/** A JSON number above 2^53 is not the one that was meant. */
function u64Claim(claim: string, value: unknown): bigint {
  if (Number.isSafeInteger(value) || (typeof value === 'string' && /^\d{1,20}$/.test(value)))
    return BigInt(value as string);
  throw new TypeError(`the claim ${claim} must be a whole number, or one as a decimal string, got ${show(value)}`);
}

function checkKeys(key: unknown, jwks: KeySetInput, algorithms: readonly string[]): JSONWebKeySet | URL {
  if (key !== undefined) throw badOption('jwks', 'absent when a key is given', jwks);
  const keys = keySetOf(jwks);
  // `jose` takes no secret out of a key set.
  const forPublicKeys = algorithms.filter((name) => !name.startsWith('HS'));
  if (forPublicKeys.length === 0)
    throw badOption('algorithms', 'some for public keys when jwks is given', algorithms.join(' '));
  if (!(keys instanceof URL)) checkKeySet(keys, forPublicKeys);
  return keys;
}

function keySetOf(jwks: KeySetInput): JSONWebKeySet | URL {
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
