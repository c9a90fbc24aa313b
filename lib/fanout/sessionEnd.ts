import type { EndReason } from './events.js';
import type { SessionHost } from './sessionHost.js';

/**
 * Tells how a session ended, once it has: on `events$`, and in the log, at warn when it failed, otherwise at debug. Those that
 * fail with their fan-out are in one line of its own.
 * @param discarded frames that were let go, in flight or waiting
 */
export function announceEnd(
  { events, logger, failed }: SessionHost,
  sessionId: string,
  discarded: number,
  reason: EndReason,
  error: unknown,
): void {
  if (events.observed) {
    const ended = { type: 'ended', sessionId, reason, discarded } as const;
    events.tell(reason === 'failed' ? { ...ended, error } : ended);
  }
  if (reason === 'failed' && !failed) logger.warn('session failed', { sessionId, discarded, error });
  else logger.debug('session ended', { sessionId, reason, discarded });
}
