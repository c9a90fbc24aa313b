import {
  catchError,
  concatMap,
  defer,
  distinctUntilChanged,
  EMPTY,
  expand,
  type Observable,
  of,
  type SchedulerLike,
  skip,
  startWith,
  timer,
} from 'rxjs';
import { LONGEST_TIMER } from '../options.js';
import { expiryOf, type TokenSource } from './tokenSource.js';

/** Below this many milliseconds there is no time left for a refresh. */
const TOO_LATE = 1_000;

/**
 * New tokens, each in time: asked for when four fifths of the time to the expiry have passed, and, as long as the provider
 * fails or gives the same one, again after four fifths of what remains. Never emits for a token that does not say when it
 * expires.
 */
export function newTokens(
  source: TokenSource,
  first: string,
  scheduler: SchedulerLike,
  onFailure: (error: unknown) => void,
): Observable<string> {
  const ask = (token: string): Observable<string> =>
    defer(() => source.next()).pipe(
      catchError((error: unknown) => {
        onFailure(error);
        return of(token);
      }),
    );
  const after = (token: string): Observable<string> => {
    const left = (expiryOf(token) ?? Infinity) - scheduler.now();
    if (!source.renewable || left === Infinity || left < TOO_LATE) return EMPTY;
    const wait = Math.min(left * 0.8, LONGEST_TIMER);
    return timer(wait, scheduler).pipe(concatMap(() => (wait < LONGEST_TIMER ? ask(token) : of(token))));
  };
  return after(first).pipe(expand(after), startWith(first), distinctUntilChanged(), skip(1));
}
