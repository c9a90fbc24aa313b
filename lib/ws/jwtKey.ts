import { createPublicKey, KeyObject } from 'node:crypto';
import { FanoutError } from '../errors.js';
import { badOption, oneOf } from '../options.js';
import { isBytes } from '../wire/bytes.js';
import type { CryptoKey, JSONWebKeySet, JWK, KeyObject as JoseKeyObject } from 'jose';

/** A key, as `jose` takes it; a secret as bytes. */
export type KeyInput = CryptoKey | JoseKeyObject | JWK | Uint8Array;

/** `jose` takes no smaller RSA key (RFC 7518, 3.3). */
const RSA_BITS = 2_048;

/** The signature algorithms of `jose`, each with the key that it takes: as a JWK says it, and as a `CryptoKey` does. */
const KINDS: ReadonlyMap<string, readonly [jwk: string, cryptoKey: string]> = new Map([
  ['HS256', ['oct', 'HMAC SHA-256']],
  ['HS384', ['oct', 'HMAC SHA-384']],
  ['HS512', ['oct', 'HMAC SHA-512']],
  ['RS256', ['RSA', 'RSASSA-PKCS1-v1_5 SHA-256']],
  ['RS384', ['RSA', 'RSASSA-PKCS1-v1_5 SHA-384']],
  ['RS512', ['RSA', 'RSASSA-PKCS1-v1_5 SHA-512']],
  ['PS256', ['RSA', 'RSA-PSS SHA-256']],
  ['PS384', ['RSA', 'RSA-PSS SHA-384']],
  ['PS512', ['RSA', 'RSA-PSS SHA-512']],
  ['ES256', ['EC P-256', 'ECDSA P-256']],
  ['ES384', ['EC P-384', 'ECDSA P-384']],
  ['ES512', ['EC P-521', 'ECDSA P-521']],
  ['EdDSA', ['OKP Ed25519', 'Ed25519']],
  ['Ed25519', ['OKP Ed25519', 'Ed25519']],
  ['ML-DSA-44', ['AKP ML-DSA-44', 'ML-DSA-44']],
  ['ML-DSA-65', ['AKP ML-DSA-65', 'ML-DSA-65']],
  ['ML-DSA-87', ['AKP ML-DSA-87', 'ML-DSA-87']],
]);

/** @throws {FanoutError} BAD_OPTION unless they are one or more that `jose` has; `none` is not among those. */
export function checkAlgorithms(algorithms: readonly string[]): void {
  if (!Array.isArray(algorithms) || algorithms.length === 0)
    throw badOption('algorithms', 'the names of one or more algorithms', algorithms);
  for (const name of algorithms as unknown[]) oneOf<unknown>('algorithms', name, [...KINDS.keys()]);
}

/**
 * Those of `algorithms` that the key is for; tokens of the others are refused before `jose` finds fault with the key.
 * @throws {FanoutError} BAD_OPTION for what is no key, a private one, and one that none of them can use
 */
export function checkKey(key: KeyInput | undefined, algorithms: readonly string[]): string[] {
  if (!isKey(key)) {
    const rule = 'bytes (of a secret), a key object (`createPublicKey(pem)`) or a JWK, unless jwks is given';
    // A text may be the secret, which is not to be read in a log.
    if (typeof key === 'string') throw new FanoutError('BAD_OPTION', `key must be ${rule}, got a string`);
    throw badOption('key', rule, key);
  }
  if (isPrivate(key)) throw new FanoutError('BAD_OPTION', 'key must be a public key, got a private one');
  const bits = bitsOf(key);
  if (bits !== undefined && bits < RSA_BITS) throw badOption('key', `an RSA key of ${RSA_BITS} bits or more`, bits);
  const fitting = fittingOf(key, algorithms);
  // Whoever knows a public key could sign with it, were its text both a key for RS256 and the secret of HS256.
  if (isBytes(key) && fitting.length < algorithms.length)
    throw badOption('algorithms', 'HS256 and the like when the key is a secret', algorithms.join(' '));
  if (fitting.length > 0 && isWhole(key)) return fitting;
  const { kind, alg, use, ops } = traitsOf(key);
  const rule = `${fitting.length > 0 ? 'a whole key' : 'a key'} for ${algorithms.join(' or ')}`;
  throw badOption('key', rule, words(kind, alg, use, ops && `to ${ops.join(' and ')}`));
}

/** @throws {FanoutError} BAD_OPTION unless all are JWKs, and one is public and for one of `algorithms` */
export function checkKeySet({ keys }: JSONWebKeySet, algorithms: readonly string[]): void {
  const isUsable = (key: JWK) =>
    !isPrivate(key) && fittingOf(key, algorithms).length > 0 && isWhole(key) && (bitsOf(key) ?? RSA_BITS) >= RSA_BITS;
  if (keys.every(isJwk) && keys.some(isUsable)) return;
  throw badOption('jwks', `a set of JWKs, one of them public and for ${algorithms.join(' or ')}`, keys);
}

function isKey(key: unknown): key is KeyInput {
  if (isBytes(key)) return key.byteLength > 0;
  return key instanceof KeyObject || isCryptoKey(key) || isJwk(key);
}

function isCryptoKey(key: unknown): key is CryptoKey {
  return Object.prototype.toString.call(key) === '[object CryptoKey]';
}

function isJwk(key: unknown): key is JWK {
  return typeof (key as JWK | null | undefined)?.kty === 'string';
}

function isPrivate(key: KeyInput): boolean {
  if (isJwk(key)) return key.d !== undefined || key.priv !== undefined;
  return 'type' in key && key.type === 'private';
}

/** What of a JWK has to be there, is; of other keys it always is. */
function isWhole(key: KeyInput): boolean {
  if (!isJwk(key) || key.kty === 'AKP') return true;
  if (key.kty === 'oct') return typeof key.k === 'string' && key.k !== '';
  return publicKeyOf(key) !== undefined;
}

/** How many bits an RSA key has; `undefined` for every other. */
function bitsOf(key: KeyInput): number | undefined {
  if (isCryptoKey(key)) return (key.algorithm as { modulusLength?: number }).modulusLength;
  if (isBytes(key)) return undefined;
  const object = key instanceof KeyObject ? key : publicKeyOf(key as JWK);
  return object?.asymmetricKeyDetails?.modulusLength;
}

function publicKeyOf(key: JWK): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function fittingOf(key: KeyInput, algorithms: readonly string[]): string[] {
  const { kind, alg, use = 'sig', ops } = traitsOf(key);
  if (use !== 'sig' || ops?.includes('verify') === false) return [];
  return algorithms.filter((name) => KINDS.get(name)?.includes(kind) && (alg ?? name) === name);
}

interface Traits {
  /** In the words of the table. */
  readonly kind: string;
  /** What it says that it is for. */
  readonly alg?: string | undefined;
  readonly use?: string | undefined;
  readonly ops?: readonly string[] | undefined;
}

function traitsOf(key: KeyInput): Traits {
  if (isCryptoKey(key)) {
    const { name, hash, namedCurve } = key.algorithm as { name: string; hash?: { name: string }; namedCurve?: string };
    return { kind: words(name, hash?.name, namedCurve), ops: key.usages };
  }
  const { kty, crv, alg, use, key_ops: ops } = jwkOf(key);
  return { kind: words(kty, kty === 'AKP' ? alg : crv), alg, use, ops: Array.isArray(ops) ? ops : undefined };
}

function jwkOf(key: KeyInput): JWK {
  if (isJwk(key)) return key;
  if (!(key instanceof KeyObject) || key.type === 'secret') return { kty: 'oct' };
  try {
    return key.export({ format: 'jwk' });
  } catch {
    // There is no JWK of it, and so no algorithm: DSA and the like.
    return { kty: key.asymmetricKeyType ?? '' };
  }
}

const words = (...all: unknown[]): string => all.filter((word) => typeof word === 'string').join(' ');
