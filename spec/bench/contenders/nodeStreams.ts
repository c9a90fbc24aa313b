import { Readable, Writable } from 'node:stream';
import { encodeDefinitionSync } from 'ddl-fanout';
import { CAPACITY, eachOf, Tally } from './contender.js';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { Contender, Fanned } from './contender.js';

/** A stream in object mode per session: a Writable that takes frames, a Readable where they wait. */
export const nodeStreams: Contender = {
  name: 'Node streams',
  live(sessions) {
    const tally = new Tally();
    const writables = eachOf(
      sessions,
      () =>
        new Writable({
          objectMode: true,
          write(_bytes, _encoding, done) {
            tally.frames++;
            done();
          },
        }),
    );
    return {
      tally,
      broadcast(msg) {
        const bytes = encodeDefinitionSync(msg);
        for (const writable of writables) writable.write(bytes);
      },
      drain: () => new Promise((resolve) => setImmediate(resolve)),
    };
  },
  queued: (sessions) => readables(sessions, CAPACITY),
  full: (sessions) => readables(sessions, 0),
};

function readables(sessions: number, capacity: number): Fanned {
  const tally = new Tally();
  const all = eachOf(
    sessions,
    () => new Readable({ objectMode: true, highWaterMark: capacity, read: () => undefined }),
  );
  return {
    tally,
    broadcast(msg: DefinitionSyncMsg) {
      const bytes = encodeDefinitionSync(msg);
      for (const readable of all) {
        if (readable.readableLength < capacity) readable.push(bytes);
        else tally.dropped++;
      }
    },
    drain() {
      for (const readable of all) while (readable.read() !== null) tally.frames++;
    },
  };
}
