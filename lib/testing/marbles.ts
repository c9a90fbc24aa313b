import { deepStrictEqual } from 'node:assert';
import { isPromise } from 'node:util/types';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { badOption, functionOption } from '../options.js';

/**
 * Runs a marble spec in virtual time, under any test framework: what differs is thrown as an `AssertionError`.
 *
 *     marbles(({ hot, expectObservable }) => {
 *       const source = hot('-a-b-|');
 *       expectObservable(source).toBe('-a-b-|');
 *     });
 *
 * - Values are compared deeply and strictly (`deepStrictEqual` of Node): types and prototypes count.
 * - One frame is one millisecond; timers without a scheduler of their own run in virtual time inside `body`.
 * - A fan-out whose sessions replay or catch up needs `scheduler: asyncScheduler`, or its turns are those of the event loop.
 *
 * @param body called once, at once, with the helpers of RxJS's `TestScheduler.run`; what it throws is thrown on
 * @throws {AssertionError} when an expectation is not met
 * @throws {FanoutError} BAD_OPTION when it is no function, or returns a promise: virtual time is over before that goes on
 */
export function marbles(body: (helpers: RunHelpers) => void): void {
  functionOption('body', body);
  const scheduler = new TestScheduler((actual, expected) => {
    deepStrictEqual(actual, expected);
  });
  const inTime: (helpers: RunHelpers) => unknown = body;
  scheduler.run((helpers) => {
    const returned = inTime(helpers);
    if (!isPromise(returned)) return;
    returned.catch(() => undefined);
    throw badOption('body', 'a function that is not async: after an await, virtual time is over', body);
  });
}
