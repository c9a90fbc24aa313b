import { DefinitionSyncFanout } from 'ddl-fanout';
import { Observable } from 'rxjs';
import { silent } from './contenders/ours.js';
import { interleave } from './support/interleave.js';
import { message } from './support/message.js';
import type { DefinitionFrame, DefinitionSyncMsg } from 'ddl-fanout';
import type { Subscriber } from 'rxjs';
import type { Figure, Group } from './support/figure.js';
import type { Runner } from './support/interleave.js';

const DEFINITIONS = 1_000;
const SESSIONS = [10, 100, 1_000];
const LIVE = 'the same deliveries live';

export const group: Group = {
  name: 'replay',
  title: 'Replay and catch-up',
  about:
    `Per frame and session, of ${DEFINITIONS.toLocaleString('en')} definitions of 1 KB. Replay: the sessions register together ` +
    'with `replay: true`. Catch-up: sessions whose delivery in flight held them back while all was broadcast pull it from the ' +
    'log. Both take turns of the event loop, until every session is live. Live: the same number of broadcasts to as many sessions.',
  async run({ effort }) {
    const figures: Figure[] = [];
    for (const size of SESSIONS) {
      const storm = new Storm(size);
      const behind = new Behind(size);
      const runners = [storm, behind, liveRunner(size)];
      const rounds = Math.max(3, Math.round((size === 1_000 ? 9 : 21) * effort));
      const times = await interleave(runners, { warmUp: 3, rounds });
      for (const [{ name, note }, atMost] of [
        [storm, 1.5],
        [behind, 2],
      ] as const) {
        figures.push({
          what: name,
          size,
          unit: 'ns',
          ours: times.spread(name),
          control: { ...times.cost(LIVE), own: true },
          ratio: times.ratio(name, LIVE),
          target: { of: 'ratio', atMost },
          note,
        });
      }
    }
    return figures;
  },
};

/** Messages that count how often they are encoded: nothing else reads a payload. */
class Encodings {
  count = 0;

  message(index: number): DefinitionSyncMsg {
    const { payload, ...rest } = message(`public.f${index}()`);
    const read = (): Uint8Array => {
      this.count++;
      return payload;
    };
    return Object.defineProperty(rest, 'payload', { get: read, enumerable: true }) as DefinitionSyncMsg;
  }
}

/** Sessions that come together and want all definitions first. */
class Storm implements Runner {
  readonly name = 'replay storm';
  readonly #fanout = new DefinitionSyncFanout({ catalog: true });
  readonly #encodings = new Encodings();

  constructor(private readonly sessions: number) {
    for (let i = 0; i < DEFINITIONS; i++) this.#fanout.broadcast(this.#encodings.message(i));
    this.#encodings.count = 0;
  }

  get note(): string {
    return `${this.#encodings.count} encodings`;
  }

  async run(): Promise<number> {
    let frames = 0;
    const deliver = () => {
      frames++;
    };
    const caughtUp = allCaughtUp(this.#fanout, this.sessions);
    for (let i = 0; i < this.sessions; i++) {
      this.#fanout.register(`session-${i}`, deliver, { replay: true }).subscribe();
    }
    await caughtUp;
    const operations = this.sessions * DEFINITIONS;
    if (frames !== operations) throw new Error(`${frames} frames of ${operations} were replayed`);
    return operations;
  }

  prepare(): void {
    for (let i = 0; i < this.sessions; i++) this.#fanout.unregister(`session-${i}`);
  }
}

/** Sessions that were held back by one delivery while everything changed. */
class Behind implements Runner {
  readonly name = 'catch-up';
  readonly note = undefined;
  readonly #fanout = new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', capacity: 0, logger: silent });
  readonly #held: Subscriber<never>[] = [];
  readonly #messages = Array.from({ length: DEFINITIONS }, (_, i) => message(`public.f${i}()`));
  #frames = 0;
  #open = true;

  constructor(private readonly sessions: number) {
    const delivery = new Observable<never>((subscriber) => {
      this.#held.push(subscriber);
    });
    for (let i = 0; i < sessions; i++) {
      const deliver = ({ bytes }: DefinitionFrame) => {
        if (!this.#open) return delivery;
        if (bytes.length > 0) this.#frames++;
        return undefined;
      };
      this.#fanout.register(`session-${i}`, deliver).subscribe();
    }
  }

  prepare(): void {
    this.#open = false;
    this.#fanout.broadcast(message('what holds them back'));
    for (const msg of this.#messages) this.#fanout.broadcast(msg);
    this.#open = true;
  }

  async run(): Promise<number> {
    this.#frames = 0;
    const caughtUp = allCaughtUp(this.#fanout, this.sessions);
    for (const subscriber of this.#held.splice(0)) subscriber.complete();
    await caughtUp;
    const operations = this.sessions * DEFINITIONS;
    if (this.#frames !== operations) throw new Error(`${this.#frames} frames of ${operations} were pulled`);
    return operations;
  }
}

function liveRunner(sessions: number): Runner {
  const fanout = new DefinitionSyncFanout({ catalog: true });
  const messages = Array.from({ length: DEFINITIONS }, (_, i) => message(`public.f${i}()`));
  let frames = 0;
  for (let i = 0; i < sessions; i++) {
    const deliver = () => {
      frames++;
    };
    fanout.register(`session-${i}`, deliver).subscribe();
  }
  return {
    name: LIVE,
    run() {
      frames = 0;
      for (const msg of messages) fanout.broadcast(msg);
      return frames;
    },
  };
}

function allCaughtUp({ events$ }: DefinitionSyncFanout, sessions: number): Promise<void> {
  return new Promise((resolve) => {
    let left = sessions;
    const telling = events$.subscribe(({ type }) => {
      if (type !== 'caught-up' || --left > 0) return;
      telling.unsubscribe();
      resolve();
    });
  });
}
