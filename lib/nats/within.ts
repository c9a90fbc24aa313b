import { NatsDefinitionsError } from './errors.js';

/** The same outcome, or UNAVAILABLE after `ms` milliseconds, or as soon as `signal` aborts. */
export function within<T>(ms: number, outcome: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      settle();
      reject(new NatsDefinitionsError('UNAVAILABLE', 'given up before an answer came'));
    };
    const timer = setTimeout(giveUp, ms);
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    };
    signal?.addEventListener('abort', giveUp);
    outcome.then(resolve, reject).finally(settle);
    if (signal?.aborted === true) giveUp();
  });
}
