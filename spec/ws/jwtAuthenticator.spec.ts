import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createSecretKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, IncomingMessage } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { AuthenticationUnavailable, jwtAuthenticator, type JwtAuthenticatorOptions } from 'ddl-fanout/ws';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

const request = new IncomingMessage(new Socket());
const secret = new TextEncoder().encode('a secret that is 32 bytes long, at least');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const jwkOf = (key: KeyObject): JsonWebKey & { kty: string } => ({ kty: '', ...key.export({ format: 'jwk' }) });
/** Epoch seconds. The date stands still, or a busy machine would let a token expire. */
const NOW = 1_800_000_000;

beforeAll(() => {
  const timers = [
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'clearImmediate',
  ] as const;
  const others = ['nextTick', 'queueMicrotask', 'performance', 'hrtime'] as const;
  jest.useFakeTimers({ now: NOW * 1_000, doNotFake: [...timers, ...others] });
});
afterAll(() => {
  jest.useRealTimers();
});

function sign(
  claims: JWTPayload,
  alg = 'HS256',
  key: Uint8Array | CryptoKey | KeyObject = secret,
  kid?: string,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);
}

function verify(token: string, options: Partial<JwtAuthenticatorOptions> = {}): Promise<unknown> {
  return Promise.resolve(jwtAuthenticator({ key: secret, algorithms: ['HS256'], ...options })(token, request));
}

describe('jwtAuthenticator', () => {
  it('makes subject, scope and expiry of the claims', async () => {
    const exp = NOW + 60;
    const token = await sign({ sub: 'me', tenant_id: 7, database_id: '18446744073709551615', exp });
    expect(await verify(token)).toEqual({
      subject: 'me',
      scope: { tenantId: 7n, databaseId: 2n ** 64n - 1n },
      expiresAt: exp + 2,
    });
    expect(await verify(await sign({ sub: 'me' }))).toEqual({ subject: 'me', expiresAt: undefined });
  });

  it.each<[string, JWTPayload, string]>([
    ['no subject', {}, 'a token must have a subject'],
    ['a tenant without a database', { sub: 'me', tenant_id: 7 }, 'database_id must be a whole number'],
    ['a database without a tenant', { sub: 'me', database_id: 7 }, 'tenant_id must be a whole number'],
    ['an id above 2^53 as a number', { sub: 'me', tenant_id: 2 ** 53, database_id: 1 }, 'got 9007199254740992'],
    ['an id that is a fraction', { sub: 'me', tenant_id: 1.5, database_id: 1 }, 'got 1.5'],
    ['an id that is no number', { sub: 'me', tenant_id: '0x7', database_id: 1 }, 'got "0x7"'],
    ['an id of another type', { sub: 'me', tenant_id: null, database_id: 1 }, 'got null'],
    ['an expiry in the past', { sub: 'me', exp: NOW - 10 }, 'exp'],
    ['a beginning in the future', { sub: 'me', nbf: NOW + 10 }, 'nbf'],
  ])('refuses a token with %s, and says what is wrong', async (_what, claims, reason) => {
    await expect(verify(await sign(claims))).rejects.toThrow(reason);
  });

  it('takes a token that expired less than 2 seconds ago, or begins within 2', async () => {
    await verify(await sign({ sub: 'me', exp: NOW - 1, nbf: NOW + 2 }));
    await expect(verify(await sign({ sub: 'me', exp: NOW - 2 }))).rejects.toThrow('exp');
    await expect(verify(await sign({ sub: 'me', nbf: NOW + 3 }))).rejects.toThrow('nbf');
  });

  it('checks issuer and audience, when it is told to', async () => {
    const token = await sign({ sub: 'me', iss: 'us', aud: 'devices' });
    await verify(token, { issuer: 'us', audience: ['devices', 'others'] });
    await expect(verify(token, { issuer: 'them' })).rejects.toThrow('iss');
    await expect(verify(token, { audience: 'them' })).rejects.toThrow('aud');
  });

  it('refuses another key, a bent signature, a bent body, and what is no token', async () => {
    const token = await sign({ sub: 'me' });
    const [header = '', body = '', signature = ''] = token.split('.');
    await expect(verify(await sign({ sub: 'me' }, 'HS256', new Uint8Array(32)))).rejects.toThrow('signature');
    await expect(verify(`${header}.${body}.${signature.slice(0, -4)}AAAA`)).rejects.toThrow();
    await expect(verify(`${header}.${btoa('{"sub":"you"}')}.${signature}`)).rejects.toThrow();
    for (const nonsense of ['', '..', 'a.b.c', '\ud800.ü.\0', `${header}.${body}.`, token.slice(0, -10), `${token}ü`]) {
      await expect(verify(nonsense)).rejects.not.toBeInstanceOf(AuthenticationUnavailable);
    }
  });

  it('takes none but the algorithms that it was given', async () => {
    await expect(verify(await sign({ sub: 'me' }, 'HS512'))).rejects.toThrow('alg');
    const none = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"me"}')}.`.replaceAll('=', '');
    await expect(verify(none)).rejects.toThrow();
  });

  it('hands verified claims to `identity`, whose throw refuses', async () => {
    const token = await sign({ sub: 'me', org: 5 });
    const identity = ({ org }: JWTPayload) => ({ subject: `org ${String(org)}` });
    expect(await verify(token, { identity })).toEqual({ subject: 'org 5' });
    const exp = NOW + 60;
    const expiring = await sign({ sub: 'me', exp });
    expect(await verify(expiring, { identity: () => ({ subject: 'a', role: 'b' }) })).toEqual({
      subject: 'a',
      role: 'b',
      expiresAt: exp + 2,
    });
    for (const expiresAt of [exp - 5, exp + 500]) {
      expect(await verify(expiring, { identity: () => ({ subject: 'a', expiresAt }) })).toEqual({
        subject: 'a',
        expiresAt: Math.min(expiresAt, exp + 2),
      });
    }
    const later = () => Promise.resolve({ subject: 'a' });
    expect(await verify(expiring, { identity: later })).toMatchObject({ subject: 'a', expiresAt: exp + 2 });
    class Person {
      constructor(private readonly name: string) {}

      get subject() {
        return this.name;
      }
    }
    expect(await verify(expiring, { identity: () => new Person('a') })).toMatchObject({
      subject: 'a',
      expiresAt: exp + 2,
    });
    const no = (): never => {
      throw new Error('not here');
    };
    await expect(verify(token, { identity: no })).rejects.toThrow('not here');
    await expect(verify(token, { identity: (() => undefined) as never })).rejects.toThrow('must be an object');
  });
});

describe.each(['RS256', 'ES256', 'EdDSA'])('jwtAuthenticator with %s', (alg) => {
  let privateKey: CryptoKey;
  let publicKey: CryptoKey;
  beforeAll(async () => {
    ({ privateKey, publicKey } = await generateKeyPair(alg, { extractable: true }));
  });

  it('takes a public key', async () => {
    const token = await sign({ sub: 'me' }, alg, privateKey);
    expect(await verify(token, { key: publicKey, algorithms: [alg] })).toMatchObject({ subject: 'me' });
  });

  it('does not take the public key for a secret', async () => {
    const jwk = await exportJWK(publicKey);
    const bytes = new TextEncoder().encode(JSON.stringify(jwk));
    const token = await sign({ sub: 'me' }, 'HS256', bytes);
    await expect(verify(token, { key: publicKey, algorithms: [alg] })).rejects.toThrow();
    await expect(verify(token, { key: jwk, algorithms: [alg, 'HS256'] })).rejects.toThrow();
  });

  it('takes a key set, here or at a URL', async () => {
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg }] };
    const token = await sign({ sub: 'me' }, alg, privateKey, 'k');
    const other = await sign({ sub: 'me' }, alg, privateKey, 'unknown');
    const server = createServer((_request, response) => response.end(JSON.stringify(jwks))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    for (const keys of [jwks, url, new URL(url)]) {
      const authenticate = jwtAuthenticator({ jwks: keys, algorithms: [alg] });
      expect(await authenticate(token, request)).toMatchObject({ subject: 'me' });
      await expect(authenticate(other, request)).rejects.not.toBeInstanceOf(AuthenticationUnavailable);
    }
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    const late = jwtAuthenticator({ jwks: url, algorithms: [alg] });
    await expect(late(token, request)).rejects.toBeInstanceOf(AuthenticationUnavailable);
  });
});

describe('jwtAuthenticator', () => {
  it.each<[string, Record<string, unknown>]>([
    ['algorithms', { algorithms: [] }],
    ['algorithms', { algorithms: undefined }],
    ['algorithms', { algorithms: ['none'] }],
    ['algorithms', { algorithms: ['HS256', 'None'] }],
    ['key', { key: undefined }],
    ['algorithms', { algorithms: ['HS256', 'RS256'] }],
    ['algorithms', { algorithms: ['HS-256'] }],
    ['algorithms', { algorithms: ['EC256'] }],
    ['algorithms', { algorithms: ['HS256', 'foo'] }],
    ['algorithms', { algorithms: ['constructor'] }],
    ['algorithms', { algorithms: [Symbol('HS256')] }],
    ['algorithms', { key: undefined, jwks: 'https://example.org/jwks', algorithms: ['HS256'] }],
    ['key', { key: 'secret' }],
    ['key', { key: null }],
    ['key', { key: {} }],
    ['key', { key: new Uint8Array() }],
    ['key', { key: new Uint16Array(32) }],
    ['issuer', { issuer: '' }],
    ['issuer', { issuer: null }],
    ['issuer', { issuer: [] }],
    ['audience', { audience: '' }],
    ['audience', { audience: ['devices', ''] }],
    ['audience', { audience: 5 }],
    ['jwks', { key: undefined, jwks: null }],
    ['jwks', { key: undefined, jwks: {} }],
    ['jwks', { key: undefined, jwks: { keys: 5 } }],
    ['jwks', { jwks: { keys: [] } }],
    ['jwks', { key: undefined, jwks: 'http://example.org/jwks' }],
    ['jwks', { key: undefined, jwks: 'keys' }],
    ['jwks', { key: undefined, jwks: 'http://127.0.0.1.example.org/jwks' }],
    ['jwks', { key: undefined, jwks: 'http://localhost.example.org/jwks' }],
    ['identity', { identity: 5 }],
  ])('throws BAD_OPTION at the call for a bad %s', (option, bad) => {
    const options = { key: secret, algorithms: ['HS256'], ...bad } as unknown as JwtAuthenticatorOptions;
    expect(() => jwtAuthenticator(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) as unknown }),
    );
  });

  // Each was taken, and refused every device for good.
  it.each<[string, unknown, string[]]>([
    ['a private key', ec.privateKey, ['ES256']],
    ['a private JWK', jwkOf(ec.privateKey), ['ES256']],
    ['a key of another curve', p384.publicKey, ['ES256']],
    ['a JWK of another curve', { ...jwkOf(ec.publicKey), crv: 'P-384' }, ['ES256']],
    ['a public key in the place of a secret', ec.publicKey, ['HS256', 'HS512']],
    ['a public JWK in the place of a secret', jwkOf(ec.publicKey), ['HS256']],
    ['a key of another type', ec.publicKey, ['RS256', 'EdDSA']],
    [
      'a key of a type that no algorithm has',
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
      ['PS256'],
    ],
    ['a JWK for something else', { ...jwkOf(ec.publicKey), alg: 'ECDH-ES' }, ['ES256']],
    ['a JWK to encrypt with', { ...jwkOf(ec.publicKey), use: 'enc' }, ['ES256']],
    ['a JWK to sign with', { ...jwkOf(ec.publicKey), key_ops: ['sign'] }, ['ES256']],
    ['an RSA key of 1,024 bits', small.publicKey, ['RS256']],
    ['an RSA JWK of 1,024 bits', jwkOf(small.publicKey), ['RS256']],
    ['half a JWK', { ...jwkOf(ec.publicKey), y: undefined }, ['ES256']],
    ['a JWK of a secret without the secret', { kty: 'oct' }, ['HS256']],
    ['what only has a type', { type: 'public' }, ['ES256']],
  ])('throws BAD_OPTION at the call for %s', (_what, key, algorithms) => {
    expect(() => jwtAuthenticator({ key: key as CryptoKey, algorithms })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining('key must be') as unknown }),
    );
    expect(() => jwtAuthenticator({ jwks: { keys: [key] } as never, algorithms })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    );
  });

  it('says which key it was that no algorithm can use', () => {
    expect(() => jwtAuthenticator({ key: p384.publicKey, algorithms: ['ES256', 'RS256'] })).toThrow(
      'key must be a key for ES256 or RS256, got "EC P-384"',
    );
    const signing = { ...jwkOf(ec.publicKey), key_ops: ['sign'] };
    expect(() => jwtAuthenticator({ key: signing, algorithms: ['ES256'] })).toThrow('got "EC P-256 to sign"');
    expect(() => jwtAuthenticator({ key: small.publicKey, algorithms: ['RS256'] })).toThrow(
      'key must be an RSA key of 2048 bits or more, got 1024',
    );
  });

  it('throws BAD_OPTION at the call for a CryptoKey that is private, or made for another algorithm', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    for (const key of [privateKey, publicKey]) {
      expect(() => jwtAuthenticator({ key, algorithms: ['RS512', 'ES256', 'HS256'] })).toThrow('key must be');
    }
    const jwk = { ...jwkOf(small.publicKey), alg: 'RS256' };
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const weak = await crypto.subtle.importKey('jwk', jwk, algorithm, true, ['verify']);
    expect(() => jwtAuthenticator({ key: weak, algorithms: ['RS256'] })).toThrow('2048 bits');
    const useless = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
    expect(() => jwtAuthenticator({ key: useless, algorithms: ['HS256'] })).toThrow('got "HMAC SHA-256 to sign"');
  });

  it.each([
    ['no key', []],
    ['a number among the keys', [jwkOf(ec.publicKey), 5]],
    ['a secret alone', [{ kty: 'oct', k: 'c2VjcmV0' }]],
  ])('throws BAD_OPTION at the call for a key set with %s', (_what, keys) => {
    expect(() => jwtAuthenticator({ jwks: { keys } as never, algorithms: ['ES256', 'HS256'] })).toThrow('jwks must be');
  });

  it('takes keys of every kind that one of the algorithms is for, and refuses tokens of the others', async () => {
    const text = await sign({ sub: 'me' });
    const es256 = await sign({ sub: 'me' }, 'ES256', ec.privateKey);
    const algorithms = ['HS256', 'ES256', 'ES384'];
    for (const key of [ec.publicKey, jwkOf(ec.publicKey)]) {
      expect(await verify(es256, { key, algorithms })).toMatchObject({ subject: 'me' });
      // A TypeError of the key's, and no fault of the token's, said `jose`.
      await expect(verify(text, { key, algorithms })).rejects.toThrow('alg');
      await expect(verify(await sign({}, 'ES384', p384.privateKey), { key, algorithms })).rejects.toThrow('alg');
    }
    for (const key of [createSecretKey(secret), { kty: 'oct', k: Buffer.from(secret).toString('base64url') }]) {
      expect(await verify(text, { key, algorithms })).toMatchObject({ subject: 'me' });
      await expect(verify(es256, { key, algorithms })).rejects.toThrow('alg');
    }
  });

  it('refuses nobody for a key that turns out to be of no use, or a key set that is none', async () => {
    const key = jwkOf(ec.publicKey);
    const token = await sign({ sub: 'me' }, 'ES256', ec.privateKey);
    const uncloneable = { ...key, more: () => undefined } as never;
    const tried: [string, Partial<JwtAuthenticatorOptions>][] = [
      [token, { key: { ...key, ext: 'bent' } as never, algorithms: ['ES256'] }],
      [token, { key: undefined, jwks: { keys: [uncloneable] }, algorithms: ['ES256'] }],
    ];
    for (const [sent, options] of tried) {
      await expect(verify(sent, options)).rejects.toBeInstanceOf(AuthenticationUnavailable);
    }
  });

  it('does not repeat a secret that was given as a text', () => {
    expect(() => jwtAuthenticator({ key: 'hush' as never, algorithms: ['HS256'] })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hush') as unknown }),
    );
  });
});
