import { DefinitionSyncFanout } from 'ddl-fanout';
import { NEVER } from 'rxjs';
import { eachOf } from './contenders/contender.js';
import { silent } from './contenders/ours.js';
import { ratioOf, spreadOf } from './support/figure.js';
import { heapUsed } from './support/heap.js';
import { message } from './support/message.js';
import type { Figure, Group } from './support/figure.js';

const DEFINITIONS = 1_000;
const SESSIONS = 10_000;
const COMMITS = [2_000, 20_000, 100_000] as const;

export const group: Group = {
  name: 'behind',
  title: 'Memory of a session that is behind',
  axis: 'commits',
  about:
    `Heap bytes per session, of ${SESSIONS.toLocaleString('en')} whose first delivery never ends, with \`overflow: 'catch-up'\`, ` +
    `after so many commits over ${DEFINITIONS.toLocaleString('en')} definitions; the session itself and its delivery in flight ` +
    'included, the log they share not. The control is ours after the fewest commits, since what counts is that the bytes do not grow.',
  run() {
    const stalled = new Stalled();
    const control = stalled.after(COMMITS[0]);
    const figures = COMMITS.map((size): Figure => {
      const bytes = stalled.after(size);
      return {
        what: 'behind',
        size,
        unit: 'bytes',
        ours: spreadOf([bytes]),
        control: { name: `ours after ${COMMITS[0].toLocaleString('en')}`, cost: spreadOf([control]), own: true },
        ratio: ratioOf([bytes], [control]),
        target: { of: 'ratio', atMost: 1.01 },
        note: stalled.note,
      };
    });
    stalled.close();
    return Promise.resolve(figures);
  },
};

class Stalled {
  readonly #fanout = new DefinitionSyncFanout({ catalog: true, capacity: 8, overflow: 'catch-up', logger: silent });
  readonly #before: number;
  readonly #subscriptions;
  #committed = 0;

  constructor() {
    for (let i = 0; i < DEFINITIONS; i++) this.#commit();
    this.#before = heapUsed();
    this.#subscriptions = eachOf(SESSIONS, (i) => this.#fanout.register(`session-${i}`, () => NEVER).subscribe());
    this.#committed = 0;
  }

  get note(): string {
    const { superseded, dropped } = this.#fanout.stats();
    return `${superseded.toLocaleString('en')} superseded, ${dropped} dropped`;
  }

  /** Bytes per session after so many commits in all. */
  after(commits: number): number {
    while (this.#committed < commits) this.#commit();
    return (heapUsed() - this.#before) / SESSIONS;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #commit(): void {
    this.#fanout.broadcast(message(`public.f${this.#committed++ % DEFINITIONS}()`));
  }
}
