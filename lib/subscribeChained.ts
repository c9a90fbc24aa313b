import { from, Observable, type Subscriber } from 'rxjs';

/**
 * Subscribes to `source` for `subscriber`, which gets its errors, and chains the two before the first value can arrive: a
 * consumer that unsubscribes during a synchronous run can then stop it, which the subscription that `subscribe` returns comes
 * too late for.
 */
export function subscribeChained<T>(
  source: Observable<T>,
  subscriber: Subscriber<unknown>,
  observer: { next(value: T): void; complete(): void },
): void {
  new Observable<T>((chained) => {
    subscriber.add(chained);
    // Another library's Observable gets a subscriber that it can be torn down by.
    from(source).subscribe(chained);
  }).subscribe({
    next: (value) => observer.next(value),
    error: (error: unknown) => subscriber.error(error),
    complete: () => observer.complete(),
  });
}
