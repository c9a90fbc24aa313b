import { randomBytes } from 'node:crypto';
import { jwtAuthenticator, type Authenticate } from 'ddl-fanout/ws';
import { SignJWT } from 'jose';

/** Signs tokens, and checks them, with a secret of this run. */
export interface Tokens {
  readonly authenticate: Authenticate;
  /** A token for a device of this name, good for twelve hours. */
  readonly tokenFor: (name: string) => Promise<string>;
}

const issuer = 'ddl-fanout example';

export function createTokens(): Tokens {
  const key = randomBytes(32);
  return {
    authenticate: jwtAuthenticator({ key, issuer, algorithms: ['HS256'] }),
    tokenFor: (name) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(issuer)
        .setSubject(name)
        .setExpirationTime('12 hours')
        .sign(key),
  };
}
