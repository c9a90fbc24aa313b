import { Observable, Subject } from 'rxjs';
import type { DefinitionsTerm } from 'ddl-fanout/nats';

/** Work of a leader that hands its terms out and goes on until it is unsubscribed. */
export class Work {
  readonly terms: DefinitionsTerm[] = [];
  working = 0;
  readonly #begun$ = new Subject<void>();

  readonly work = (term: DefinitionsTerm): Observable<never> =>
    new Observable(() => {
      this.working += 1;
      this.terms.push(term);
      this.#begun$.next();
      return () => {
        this.working -= 1;
      };
    });

  /** The `n`-th term, once it has begun. */
  async term(n: number): Promise<DefinitionsTerm> {
    for (;;) {
      const term = this.terms[n];
      if (term !== undefined) return term;
      await new Promise<void>((resolve) => {
        const once = this.#begun$.subscribe(() => {
          once.unsubscribe();
          resolve();
        });
      });
    }
  }
}
