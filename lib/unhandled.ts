import { throwError } from 'rxjs';

/** Hands an error that no stream can carry to RxJS's `config.onUnhandledError`, or throws it from a timer. */
export function reportUnhandled(error: unknown): void {
  throwError(() => error).subscribe();
}

/** Runs what is foreign, a callback, a teardown or observers: what it throws must not keep a frame, or the end, from others. */
export function guarded(foreign: () => void): void {
  try {
    foreign();
  } catch (error) {
    reportUnhandled(error);
  }
}
