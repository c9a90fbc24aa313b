import { CloseCode } from './closeCode.js';
import { WireError } from '../errors.js';
import type { ServerCount } from './serverStats.js';

/** Why a client's socket is closed: the code, and what is counted. */
export interface Fault {
  readonly code: CloseCode;
  readonly counted: ServerCount;
}

export const Fault = {
  protocolError: { code: CloseCode.protocolError, counted: 'protocolErrors' },
  textMessage: { code: CloseCode.textMessage, counted: 'textMessages' },
  tooLarge: { code: CloseCode.tooLarge, counted: 'tooLarge' },
  refused: { code: CloseCode.refused, counted: 'refused' },
  forked: { code: CloseCode.refused, counted: 'forked' },
  expired: { code: CloseCode.refused, counted: 'expired' },
  handshakeTimeout: { code: CloseCode.refused, counted: 'handshakeTimeouts' },
  idle: { code: CloseCode.refused, counted: 'idleTimeouts' },
  undecided: { code: CloseCode.tryAgainLater, counted: 'undecided' },
  over: { code: CloseCode.tryAgainLater, counted: 'full' },
  failed: { code: CloseCode.tryAgainLater, counted: 'failed' },
} as const satisfies Record<string, Fault>;

/** Codes of `ws` for a message that is over a limit. */
const OVER_A_LIMIT: ReadonlySet<unknown> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);

/** The fault behind what decoding a message throws. */
export function wireFault(error: unknown): Fault {
  return error instanceof WireError && error.code === 'TOO_LARGE' ? Fault.tooLarge : Fault.protocolError;
}

/** The fault behind an error of a WebSocket; `undefined`: the client's network failed. */
export function socketFault(error: Error): Fault | undefined {
  const { code } = error as { code?: unknown };
  if (OVER_A_LIMIT.has(code)) return Fault.tooLarge;
  return typeof code === 'string' && code.startsWith('WS_ERR_') ? Fault.protocolError : undefined;
}
