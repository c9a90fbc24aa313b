import { expect, it } from '@jest/globals';
import { Observable, observable, Subscription } from 'rxjs';
import { subscribeChained } from '../lib/subscribeChained.js';

it('tears another library’s Observable down', () => {
  let tornDown = 0;
  let push: (value: number) => void = () => undefined;
  const foreign = {
    [observable]: () => ({
      subscribe: (observer: { next(value: number): void }) => {
        push = (value) => observer.next(value);
        return new Subscription(() => tornDown++);
      },
    }),
  } as unknown as Observable<number>;
  const got: number[] = [];
  const subscription = new Observable<never>((subscriber) => {
    subscribeChained(foreign, subscriber, { next: (value) => got.push(value), complete: () => undefined });
  }).subscribe();
  push(1);
  subscription.unsubscribe();
  push(2);
  expect([got, tornDown]).toEqual([[1], 1]);
});
