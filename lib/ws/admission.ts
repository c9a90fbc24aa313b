import { randomUUID } from 'node:crypto';
import { show } from '../options.js';
import { encodeMessage, type Handshake } from '../wire/index.js';
import { AuthenticationUnavailable, checkIdentity, type CheckedIdentity } from './identity.js';
import type { IncomingMessage } from 'node:http';
import type { KnownEpochs } from './knownEpochs.js';
import type { ServerSettings } from './serverOptions.js';

/** What came of a token. */
export type Verdict =
  | { readonly type: 'accepted'; readonly identity: CheckedIdentity }
  | { readonly type: 'refused' }
  | { readonly type: 'undecided' };

/** What came of a handshake: `ack` answers it, and is missing when there is nothing to say. */
export type Admission =
  | {
      readonly type: 'accepted';
      readonly identity: CheckedIdentity;
      readonly sessionId: string;
      readonly ack: Uint8Array;
    }
  | { readonly type: 'refused' | 'forked'; readonly ack: Uint8Array }
  | { readonly type: 'undecided' | 'over' };

/** What a server knows when it decides on a handshake. */
export interface Doorkeeper {
  readonly epochs: KnownEpochs;
  /** The fan-out is over: nobody can be let in any more. */
  readonly isOver: boolean;
}

/** All that a client learns about a token that is not accepted. */
export const REFUSAL = 'invalid token';

const WIRE_VERSION = 1;

/** Asks `authenticate`; never rejects. */
export async function judge(settings: ServerSettings, token: string, request: IncomingMessage): Promise<Verdict> {
  try {
    return { type: 'accepted', identity: checkIdentity(await settings.authenticate(token, request)) };
  } catch (error) {
    return refusal(settings, error);
  }
}

function refusal({ logger }: ServerSettings, error: unknown): Verdict {
  let reason = 'an error that cannot be read';
  try {
    reason = error instanceof Error ? error.message : show(error);
    if (error instanceof AuthenticationUnavailable) {
      logger.error('tokens cannot be checked', { reason, cause: error.cause });
      return { type: 'undecided' };
    }
  } catch {
    // What was thrown may be anything, and must not be thrown once more.
  }
  logger.info('a token is refused', { reason });
  return { type: 'refused' };
}

/** Decides on a handshake whose token was judged. */
export function admit({ epochs, isOver }: Doorkeeper, handshake: Handshake, verdict: Verdict): Admission {
  // The epoch of a client that is not let in was never seen: it may come back with it.
  if (isOver) return { type: 'over' };
  if (verdict.type === 'undecided') return verdict;
  if (verdict.type === 'refused') return { type: 'refused', ack: acknowledge('', REFUSAL, false) };
  const { identity } = verdict;
  const sessionId = randomUUID();
  if (!epochs.admit(identity, handshake.liteId, handshake.epoch)) {
    return { type: 'forked', ack: acknowledge('', 'fork detected: regenerate LiteId', true) };
  }
  return { type: 'accepted', identity, sessionId, ack: acknowledge(sessionId, null, false) };
}

function acknowledge(sessionId: string, error: string | null, forkDetected: boolean): Uint8Array {
  return encodeMessage('HandshakeAck', {
    success: error === null,
    sessionId,
    serverClock: new Map(),
    error,
    forkDetected,
    serverWireVersion: WIRE_VERSION,
  });
}
