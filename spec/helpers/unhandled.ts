import { config } from 'rxjs';

/** Waits for `body`, and returns the errors that no stream could carry meanwhile. */
export async function unhandledDuring(body: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const before = config.onUnhandledError;
  config.onUnhandledError = (error) => errors.push(error);
  try {
    await body();
    // They are told from a timer.
    await new Promise((resolve) => setTimeout(resolve));
  } finally {
    config.onUnhandledError = before;
  }
  return errors;
}
