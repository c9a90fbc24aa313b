import type { EndReason } from './events.js';
import type { SessionHost } from './sessionHost.js';

/** How a session ended: all that there is to tell once it has. */
export interface Ended {
  readonly reason: EndReason;
  readonly error: unknown;
  /** Frames that were let go, in flight or waiting. */
  readonly discarded: number;
}

/** On `events$`, and in the log: at warn when it failed, otherwise at debug. */
export function announceEnd(
  { events, logger }: SessionHost,
  sessionId: string,
  { reason, error, discarded }: Ended,
): void {
  if (events.observed) {
    const ended = { type: 'ended', sessionId, reason, discarded } as const;
    events.tell(reason === 'failed' ? { ...ended, error } : ended);
  }
  if (reason === 'failed') logger.warn('session failed', { sessionId, discarded, error });
  else logger.debug('session ended', { sessionId, reason, discarded });
}
