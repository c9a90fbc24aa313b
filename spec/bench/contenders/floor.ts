import { encodeDefinitionSync } from 'ddl-fanout';
import { CAPACITY, eachOf, Tally } from './contender.js';
import type { Contender } from './contender.js';

/** Plain arrays and a loop: what nothing that keeps a queue per session can be much faster than. No names, no errors, no end. */
export const floor: Contender = {
  name: 'plain arrays and a loop',
  live(sessions) {
    const tally = new Tally();
    const delivers = eachOf(sessions, () => (bytes: Uint8Array) => {
      if (bytes.length > 0) tally.frames++;
    });
    return {
      tally,
      broadcast(msg) {
        const bytes = encodeDefinitionSync(msg);
        for (const deliver of delivers) deliver(bytes);
      },
    };
  },
  queued: (sessions) => queues(sessions, CAPACITY),
  full: (sessions) => queues(sessions, 0),
};

function queues(sessions: number, capacity: number) {
  const tally = new Tally();
  const take = (bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined) tally.frames++;
  };
  const all = eachOf(sessions, (): Uint8Array[] => []);
  const dropped = eachOf(sessions, () => 0);
  return {
    tally,
    broadcast(msg: Parameters<typeof encodeDefinitionSync>[0]) {
      const bytes = encodeDefinitionSync(msg);
      for (let i = 0; i < all.length; i++) {
        const queue = all[i];
        if (queue === undefined) continue;
        if (queue.length < capacity) queue.push(bytes);
        else {
          dropped[i] = (dropped[i] ?? 0) + 1;
          tally.dropped++;
        }
      }
    },
    drain() {
      for (const queue of all) {
        // Whichever is faster: an array whose length is set to 0 gives its memory back, and takes new the next time.
        if (queue.length === 1) take(queue.shift());
        else {
          for (const bytes of queue) take(bytes);
          queue.length = 0;
        }
      }
    },
  };
}
