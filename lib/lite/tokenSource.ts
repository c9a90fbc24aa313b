import type { Awaitable } from './definitionStore.js';
import { LiteError } from './liteError.js';

/** A token, or a function that gives one whenever one is needed. */
export type LiteToken = string | (() => Awaitable<string>);

/** How many refused tokens are remembered. */
const MOST_REFUSED = 64;

/** Gives tokens, none of the last 64 that the server has refused. */
export class TokenSource {
  readonly #refused: string[] = [];

  constructor(private readonly token: LiteToken) {}

  /** Whether there can be another token. */
  get renewable(): boolean {
    return typeof this.token === 'function';
  }

  /** @throws {LiteError} TOKEN when the provider fails; REFUSED when it gives a refused token again */
  async next(): Promise<string> {
    const token = await this.#ask();
    if (this.#refused.includes(token))
      throw new LiteError('REFUSED', 'the token provider gave a token that was refused');
    return token;
  }

  refused(token: string): void {
    this.#refused.push(token);
    if (this.#refused.length > MOST_REFUSED) this.#refused.shift();
  }

  async #ask(): Promise<string> {
    if (typeof this.token === 'string') return this.token;
    let token: unknown;
    try {
      token = await this.token();
    } catch (error) {
      throw new LiteError('TOKEN', 'the token provider failed', { cause: error });
    }
    if (typeof token !== 'string')
      throw new LiteError('TOKEN', `the token provider must give a string, got ${typeof token}`);
    // UTF-8 has no lone surrogates, so the wire cannot carry them.
    if (token.isWellFormed()) return token;
    throw new LiteError('TOKEN', 'the token provider must give a string without lone surrogates');
  }
}

/** When a JWT expires, in epoch milliseconds, as it says itself; `undefined` when it does not, or is no JWT. */
export function expiryOf(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')));
    const { exp } = claims as { exp?: unknown };
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
