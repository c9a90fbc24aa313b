import { Observable } from 'rxjs';
import type { Subscriber, Subscription } from 'rxjs';

/** The least that registering can be with RxJS: an Observable that enters its subscriber into a Set and a Map. */
export class BareRegistry {
  readonly #subscribers = new Set<Subscriber<Uint8Array>>();
  readonly #byId = new Map<string, Subscriber<Uint8Array>>();

  register(id: string, deliver: (bytes: Uint8Array) => void): Subscription {
    return new Observable<Uint8Array>((subscriber) => {
      this.#subscribers.add(subscriber);
      this.#byId.set(id, subscriber);
      return () => {
        this.#subscribers.delete(subscriber);
        this.#byId.delete(id);
      };
    }).subscribe(deliver);
  }

  get size(): number {
    return this.#byId.size;
  }

  complete(): void {
    for (const subscriber of [...this.#subscribers]) subscriber.complete();
  }
}
