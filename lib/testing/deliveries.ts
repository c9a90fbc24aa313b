import { NEVER, type Observable, type SchedulerLike, asyncScheduler, ignoreElements, throwError, timer } from 'rxjs';

/** A `deliver` that takes one value and never finishes it: a device that stopped reading. */
export function stalledDelivery(): (value: unknown) => Observable<never> {
  return () => NEVER;
}

/**
 * A `deliver` that takes its time over every value: a device on a bad line.
 * @param duration milliseconds from the delivery's subscription to its completion
 * @param scheduler default: `asyncScheduler`, which is virtual inside `marbles`
 */
export function slowDelivery(
  duration: number,
  scheduler: SchedulerLike = asyncScheduler,
): (value: unknown) => Observable<never> {
  return () => timer(duration, scheduler).pipe(ignoreElements());
}

/**
 * A `deliver` that breaks: a device whose connection is reset.
 * @param after how many values are delivered at once before; default 0
 * @param error what every later delivery errors with; default an `Error` that says which delivery it was
 */
export function failingDelivery(after = 0, error?: Error): (value: unknown) => Observable<never> | undefined {
  let delivered = 0;
  return () => {
    if (delivered < after) {
      delivered += 1;
      return undefined;
    }
    return throwError(() => error ?? new Error(`delivery ${after + 1} failed`));
  };
}
