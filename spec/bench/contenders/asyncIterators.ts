import { encodeDefinitionSync } from 'ddl-fanout';
import { CAPACITY, eachOf, Tally } from './contender.js';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { Contender, Fanned } from './contender.js';

/** A queue that a consumer iterates over; it drops when it is full. */
class Queue implements AsyncIterableIterator<Uint8Array> {
  readonly #waiting: Uint8Array[] = [];
  #ask: ((result: IteratorResult<Uint8Array>) => void) | undefined = undefined;

  constructor(private readonly capacity: number) {}

  push(bytes: Uint8Array): boolean {
    const ask = this.#ask;
    if (ask !== undefined) {
      this.#ask = undefined;
      ask({ done: false, value: bytes });
      return true;
    }
    if (this.#waiting.length >= this.capacity) return false;
    this.#waiting.push(bytes);
    return true;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#waiting.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    return new Promise((resolve) => (this.#ask = resolve));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** `for await` over a queue per session. */
export const asyncIterators: Contender = {
  name: 'async iterators',
  queued(sessions) {
    const fanned = iterated(sessions);
    return { ...fanned, drain: () => new Promise((resolve) => setImmediate(resolve)) };
  },
  full(sessions) {
    const tally = new Tally();
    const queues = eachOf(sessions, () => new Queue(0));
    return { tally, broadcast: (msg) => pushAll(queues, msg, tally) };
  },
};

function iterated(sessions: number): Fanned {
  const tally = new Tally();
  const queues = eachOf(sessions, () => {
    const queue = new Queue(CAPACITY);
    void consume(queue, tally);
    return queue;
  });
  return { tally, broadcast: (msg) => pushAll(queues, msg, tally) };
}

async function consume(queue: Queue, tally: Tally): Promise<void> {
  for await (const bytes of queue) if (bytes.length > 0) tally.frames++;
}

function pushAll(queues: readonly Queue[], msg: DefinitionSyncMsg, tally: Tally): void {
  const bytes = encodeDefinitionSync(msg);
  for (const queue of queues) if (!queue.push(bytes)) tally.dropped++;
}
