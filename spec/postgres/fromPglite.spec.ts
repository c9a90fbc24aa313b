import { describe, expect, it } from '@jest/globals';
import { fromPglite } from 'ddl-fanout/postgres';
import { settle } from '../helpers/promises.js';

describe('a connection to a PGlite', () => {
  it.each([
    ['answered', ['listening', 'left']],
    ['refused', ['refused']],
    ['closed', ['closed']],
  ])('that is closed while it begins to listen leaves nothing behind, once that is %s', async (how, expected) => {
    const events: string[] = [];
    let answer: () => void = () => undefined;
    const db = {
      closed: false,
      query: () => Promise.resolve({ rows: [] }),
      exec: () => Promise.resolve(),
      listen: () =>
        new Promise<() => Promise<void>>((resolve, reject) => {
          answer = () => {
            db.closed = how === 'closed';
            events.push(db.closed ? 'closed' : how === 'refused' ? how : 'listening');
            if (how === 'refused') reject(new Error('refused'));
            else resolve(() => Promise.resolve(void events.push('left')));
          };
        }),
    };
    const connection = await fromPglite(db).connect();
    const listening = connection.listen('channel', () => undefined).catch(() => undefined);
    const closing = connection.close();
    await settle();
    answer();
    await Promise.all([listening, closing]);
    expect(events).toEqual(expected);
  });
});
