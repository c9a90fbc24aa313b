import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, Subject, Subscription } from 'rxjs';
import { type PostgresConnection, postgresDefinitions, type PostgresLike } from 'ddl-fanout/postgres';
import { recordingLogger } from 'ddl-fanout/testing';
import { settle } from '../helpers/promises.js';

const STATE = { version: '1', position: '1', read_only: 'off', origin: 'o', channel: 'c' };
const SNAPSHOT = [{ head: '1', position: '1', definition_type: 'function', name: 'f()', action: 'put', payload: '{}' }];

/** A database with one function. Its first connection keeps the answer to the `n`-th statement that has `text` in it back. */
class SlowDatabase implements PostgresLike {
  /** Each statement, with the number of its connection. */
  readonly asked: string[] = [];
  readonly held$ = new Subject<void>();
  release: () => void = () => undefined;
  lose: (error: unknown) => void = () => undefined;
  #connections = 0;

  constructor(
    private readonly text: string,
    private n = 1,
  ) {}

  connect(): Promise<PostgresConnection> {
    const number = ++this.#connections;
    return Promise.resolve({
      query: async (sql) => {
        this.asked.push(`${number} ${sql}`);
        if (number === 1 && sql.includes(this.text) && --this.n === 0) {
          await new Promise<void>((resolve) => {
            this.release = resolve;
            this.held$.next();
          });
        }
        if (sql.includes('AS channel')) return [STATE];
        return sql.includes('AS head') ? SNAPSHOT : [];
      },
      run: () => Promise.resolve(),
      listen: () => Promise.resolve(),
      onLost: (tell) => void (this.lose = number === 1 ? tell : () => undefined),
      close: () => Promise.resolve(),
    });
  }
}

describe('a read of the capture', () => {
  it('delivers nothing once unsubscribed: it did deliver what was asked for before', async () => {
    const database = new SlowDatabase('AS head');
    const delivered: string[] = [];
    const held = firstValueFrom(database.held$);
    const reading = postgresDefinitions(database, { deliver: ({ name }) => void delivered.push(name) }).subscribe();
    await held;
    reading.unsubscribe();
    database.release();
    await settle();
    expect(delivered).toEqual([]);
  });

  it('asks nothing once unsubscribed: a reader was noted over a connection that was given back', async () => {
    const database = new SlowDatabase('AS channel', 2); // the first answer says what to listen to
    const held = firstValueFrom(database.held$);
    const reading = postgresDefinitions(database).subscribe();
    await held;
    reading.unsubscribe();
    const { length } = database.asked;
    database.release();
    await settle();
    expect(database.asked.slice(length)).toEqual([]);
  });

  it('delivers nothing beside its successor when it is answered after its connection was given up', async () => {
    const database = new SlowDatabase('AS head');
    const delivered: string[] = [];
    const options = {
      deliver: ({ name }: { name: string }) => void delivered.push(name),
      logger: recordingLogger(),
      reconnect: { initialDelay: 1 },
    };
    const held = firstValueFrom(database.held$);
    const reading = new Subscription();
    const caughtUp = new Promise((resolve) => {
      reading.add(postgresDefinitions(database, { ...options, onCaughtUp: resolve }).subscribe());
    });
    await held;
    database.lose(new Error('lost'));
    await caughtUp;
    const { length } = database.asked;
    database.release();
    await settle();
    expect(delivered).toEqual(['f()']);
    expect(database.asked.slice(length)).toEqual([]);
    reading.unsubscribe();
  });

  it('delivers nothing once its connection is lost, also while the next is waited for: all of it came twice', async () => {
    const database = new SlowDatabase('AS head');
    const delivered: string[] = [];
    const held = firstValueFrom(database.held$);
    const reading = postgresDefinitions(database, {
      deliver: ({ name }) => void delivered.push(name),
      logger: recordingLogger(),
      reconnect: { initialDelay: 60_000, maxDelay: 60_000 },
    }).subscribe();
    await held;
    database.lose(new Error('lost'));
    await settle();
    const { length } = database.asked;
    database.release();
    await settle();
    reading.unsubscribe();
    expect([delivered, database.asked.slice(length)]).toEqual([[], []]);
  });
});
