import { NEVER, type Observable, type SchedulerLike, asyncScheduler, ignoreElements, throwError, timer } from 'rxjs';
import { milliseconds, schedulerOption, wholeNumber } from '../options.js';

/** A `deliver` that takes one value and never finishes it: a device that stopped reading. */
export function stalledDelivery(): (value: unknown) => Observable<never> {
  return () => NEVER;
}

/**
 * A `deliver` that takes its time over every value: a device on a bad line.
 * @param duration milliseconds from the delivery's subscription to its completion, 0 to 2^31-1
 * @param scheduler default: `asyncScheduler`, which is virtual inside `marbles`
 * @throws {FanoutError} BAD_OPTION
 */
export function slowDelivery(
  duration: number,
  scheduler: SchedulerLike = asyncScheduler,
): (value: unknown) => Observable<never> {
  milliseconds('duration', duration, 0);
  schedulerOption(scheduler);
  return () => timer(duration, scheduler).pipe(ignoreElements());
}

/**
 * A `deliver` that breaks: a device whose connection is reset.
 * @param after how many values are delivered at once before; default 0
 * @param error what every later delivery errors with; default an `Error` that says which delivery it was
 * @throws {FanoutError} BAD_OPTION unless `after` is a whole number of 0 or more, or Infinity
 */
export function failingDelivery(after = 0, error?: Error): (value: unknown) => Observable<never> | undefined {
  wholeNumber('after', after);
  let deliveries = 0;
  return () => {
    const number = ++deliveries;
    return number <= after ? undefined : throwError(() => error ?? new Error(`delivery ${number} failed`));
  };
}
