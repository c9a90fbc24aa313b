import { EventEmitter } from 'node:events';
import { encodeDefinitionSync } from 'ddl-fanout';
import { CAPACITY, eachOf, Tally } from './contender.js';
import type { Contender, Fanned } from './contender.js';

/** Node's EventEmitter, with an array per session where frames wait. A listener that throws ends the broadcast. */
export const eventEmitter: Contender = {
  name: 'EventEmitter',
  live(sessions) {
    const tally = new Tally();
    const emitter = unlimited();
    for (let i = 0; i < sessions; i++) {
      emitter.on('frame', () => {
        tally.frames++;
      });
    }
    return { tally, broadcast: (msg) => void emitter.emit('frame', encodeDefinitionSync(msg)) };
  },
  queued: (sessions) => queues(sessions, CAPACITY),
  full: (sessions) => queues(sessions, 0),
};

function queues(sessions: number, capacity: number): Fanned {
  const tally = new Tally();
  const emitter = unlimited();
  const all = eachOf(sessions, () => {
    const queue: Uint8Array[] = [];
    emitter.on('frame', (bytes: Uint8Array) => {
      if (queue.length < capacity) queue.push(bytes);
      else tally.dropped++;
    });
    return queue;
  });
  return {
    tally,
    broadcast: (msg) => void emitter.emit('frame', encodeDefinitionSync(msg)),
    drain() {
      for (const queue of all) {
        while (queue.shift() !== undefined) tally.frames++;
      }
    },
  };
}

function unlimited(): EventEmitter {
  return new EventEmitter().setMaxListeners(Infinity);
}
