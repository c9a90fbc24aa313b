import { from, Observable } from 'rxjs';
import type { ObservableInput, Observer, Subscription } from 'rxjs';

/**
 * Subscribes `observer` to `input`, and hands the subscription to `chain` before the first value can arrive.
 * A consumer that unsubscribes during a synchronous run can then stop it, which the subscription that
 * `subscribe` returns comes too late for.
 *
 * An `input` that is no ObservableInput is an error of the stream (a TypeError), as in RxJS.
 */
export function subscribeChained<T>(
  input: ObservableInput<T>,
  chain: (subscription: Subscription) => void,
  observer: Observer<T>,
): Subscription {
  return new Observable<T>((subscriber) => {
    chain(subscriber);
    from(input).subscribe(subscriber);
  }).subscribe(observer);
}
