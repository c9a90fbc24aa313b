import { FanoutError } from './errors.js';

/** Text for an error message: the value as a reader would write it, cut to a line. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value).slice(0, 80);
  if (typeof value === 'bigint') return `${value.toString()}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
    if (isThenable(value)) return 'a promise';
  } catch {
    // A revoked Proxy does not even say whether it is an array.
  }
  return 'an object';
}

function isThenable(value: object): boolean {
  return typeof (value as { readonly then?: unknown }).then === 'function';
}

/** A BAD_OPTION that names the option, its rule and the value; to be thrown. */
export function badOption(option: string, rule: string, value: unknown): FanoutError {
  return new FanoutError('BAD_OPTION', `${option} must be ${rule}, got ${show(value)}`);
}

/** @throws {FanoutError} BAD_OPTION unless `value` is a whole number of `least` or more, or Infinity. */
export function wholeNumber(option: string, value: number, least = 0): number {
  if ((Number.isInteger(value) && value >= least) || value === Infinity) return value;
  throw badOption(option, `a whole number of ${least} or more, or Infinity`, value);
}

/** @throws {FanoutError} BAD_OPTION unless `value` is a whole number of 0 or more. */
export function sequenceOption(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw badOption(option, 'a whole number of 0 or more', value);
}

/** @throws {FanoutError} BAD_OPTION unless `value` is a string. */
export function stringOption(option: string, value: unknown): void {
  if (typeof value !== 'string') throw badOption(option, 'a string', value);
}

/** @throws {FanoutError} BAD_OPTION unless `value` is a function. */
export function functionOption(option: string, value: unknown): void {
  if (typeof value !== 'function') throw badOption(option, 'a function', value);
}

/** @throws {FanoutError} BAD_OPTION unless `value` is one of `choices`. */
export function oneOf<T>(option: string, value: T, choices: readonly T[]): void {
  if (!choices.includes(value)) throw badOption(option, `one of ${choices.map(show).join(', ')}`, value);
}

/** @throws {FanoutError} BAD_OPTION unless `value` is an object, but no array and no promise: those would be all defaults. */
export function objectOption<T extends object>(option: string, value: T): T {
  try {
    if (typeof value === 'object' && (value as unknown) !== null && !Array.isArray(value) && !isThenable(value))
      return value;
  } catch {
    // A revoked Proxy.
  }
  throw badOption(option, 'an object', value);
}

/** The longest that a timer takes, ms; Node takes a longer one for 1. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** @throws {FanoutError} BAD_OPTION unless `value` is a time for a timer, of `least` or more; without `least`, above 0. */
export function milliseconds(option: string, value: number, least?: number): number {
  const isTime = typeof value === 'number' && value <= LONGEST_TIMER;
  if (isTime && (least === undefined ? value > 0 : value >= least)) return value;
  throw badOption(option, `milliseconds ${least === undefined ? 'above 0' : `of ${least}`} to ${LONGEST_TIMER}`, value);
}

/** @throws {FanoutError} BAD_OPTION unless `value` is an object, or a function, with this method. */
export function methodOption(option: string, value: unknown, method: string): void {
  const object = typeof value === 'function' ? value : objectOption(option, value as object);
  functionOption(`${option}.${method}`, (object as Readonly<Record<string, unknown>>)[method]);
}

/** @throws {FanoutError} BAD_OPTION unless it is a `SchedulerLike`. */
export function schedulerOption(scheduler: unknown): void {
  for (const method of ['schedule', 'now']) methodOption('scheduler', scheduler, method);
}

/** How long to wait before connecting again, ms: at most `initialDelay` first, then ever longer up to `maxDelay`. */
export interface Backoff {
  readonly initialDelay: number;
  readonly maxDelay: number;
}

/**
 * Fills the defaults in; either one that is given moves the default of the other.
 * @throws {FanoutError} BAD_OPTION
 */
export function reconnectOption(
  reconnect: { readonly [K in keyof Backoff]?: Backoff[K] | undefined },
  defaults: Backoff,
): Backoff {
  const { initialDelay, maxDelay } = objectOption('reconnect', reconnect);
  if (initialDelay !== undefined) milliseconds('reconnect.initialDelay', initialDelay);
  if (maxDelay !== undefined) milliseconds('reconnect.maxDelay', maxDelay, initialDelay);
  return {
    initialDelay: initialDelay ?? Math.min(defaults.initialDelay, maxDelay ?? Infinity),
    maxDelay: maxDelay ?? Math.max(defaults.maxDelay, initialDelay ?? 0),
  };
}
