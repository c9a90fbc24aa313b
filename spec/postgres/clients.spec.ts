import pg from 'pg';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, skip, Subject, tap } from 'rxjs';
import {
  CaptureError,
  forgetReader,
  fromPg,
  fromPglite,
  installCapture,
  type PostgresConnection,
  postgresDefinitions,
  type PostgresDefinitionsOptions,
  type PostgresLike,
  removeCapture,
} from 'ddl-fanout/postgres';
import { line } from '../helpers/postgresDatabase.js';
import { openPglite } from '../helpers/postgresPglite.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A client whose every query is answered by `answer`. */
function clientOf(
  answer: (sql: string) => Promise<readonly Record<string, unknown>[]>,
): PostgresLike & { closed: number } {
  const connection: PostgresConnection = {
    query: answer,
    run: async (script) => {
      await answer(script);
    },
    listen: () => Promise.resolve(),
    onLost: () => undefined,
    close: () => {
      client.closed++;
      return Promise.resolve();
    },
  };
  const client = { closed: 0, connect: () => Promise.resolve(connection) };
  return client;
}

const failure = (code: string) => Promise.reject(Object.assign(new Error('said the server'), { code }));

describe('a client of PostgreSQL', () => {
  it('is refused, and left untouched, when its server is older than 13', async () => {
    const asked: string[] = [];
    const client = clientOf((sql) => {
      asked.push(sql);
      return Promise.resolve([{ version: '120019' }]);
    });
    await expect(installCapture(client)).rejects.toMatchObject({ code: 'VERSION' });
    expect(asked).toHaveLength(1);
    expect(client.closed).toBe(1);
  });

  it.each([
    ['42501', 'PRIVILEGE'],
    ['28P01', 'PRIVILEGE'],
    ['42P01', 'NOT_INSTALLED'],
    ['3F000', 'NOT_INSTALLED'],
    ['25006', 'READ_ONLY'],
  ])(
    'turns SQLSTATE %s into %s, with the server’s error as its cause, and closes its connection',
    async (state, code) => {
      const client = clientOf(() => failure(state));
      const error: unknown = await firstValueFrom(postgresDefinitions(client)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CaptureError);
      expect(error).toMatchObject({
        code,
        message: expect.stringContaining('said the server'),
        cause: { code: state },
      });
      expect(client.closed).toBe(1);
    },
  );

  it('passes on an error of the server that has no meaning here and will not pass', async () => {
    await expect(firstValueFrom(postgresDefinitions(clientOf(() => failure('22012'))))).rejects.toMatchObject({
      code: '22012',
    });
  });

  it.each(['57P01', '08006', '40001', '53300', 'ECONNREFUSED', 'EPIPE'])('tries again after %s', async (code) => {
    const warnings: unknown[] = [];
    let calls = 0;
    const client = clientOf(() => failure(++calls < 4 ? code : '42501'));
    const logger = { ...quiet, warn: (...text: unknown[]) => void warnings.push(text) };
    const reading = postgresDefinitions(client, { logger, reconnect: { initialDelay: 1 } });
    await expect(firstValueFrom(reading)).rejects.toMatchObject({ code: 'PRIVILEGE' });
    expect(warnings).toHaveLength(3);
    expect(client.closed).toBe(4);
  });

  it('is a PGlite that was closed: an error, at once and while it is read', async () => {
    const { db } = await openPglite();
    const client = fromPglite(db);
    await installCapture(client);
    await db.exec(`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    expect(line(await firstValueFrom(postgresDefinitions(client)))).toBe('put function public.f()');
    const options = { snapshot: false, pollInterval: 10, reconnect: { initialDelay: 1 }, logger: quiet };
    const over = firstValueFrom(postgresDefinitions(client, options));
    const closed = expect(over).rejects.toMatchObject({ code: 'CLOSED' });
    await db.close();
    await closed;
    await expect(installCapture(client)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('outlives a transaction that is read only and that the caller has begun by hand on a PGlite', async () => {
    const { db } = await openPglite();
    const client = fromPglite(db);
    await installCapture(client);
    const warned = new Subject<void>();
    const logger = { ...quiet, warn: () => warned.next() };
    const told: string[] = [];
    const options = { pollInterval: 10, reconnect: { initialDelay: 1 }, logger };
    const reading = postgresDefinitions(client, options);
    const first = firstValueFrom(reading.pipe(tap((msg) => told.push(line(msg)))));
    const lost = firstValueFrom(warned);
    await db.exec('BEGIN READ ONLY');
    await lost;
    await db.exec(`COMMIT; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    await first;
    expect(told).toEqual(['put function public.f()']);
    await db.close();
  });

  it('counts its attempts from the last time that it could look, though nothing had changed', async () => {
    const attempts: unknown[] = [];
    const logger = {
      ...quiet,
      warn: (_text: string, { attempt }: { attempt?: unknown } = {}) => attempts.push(attempt),
    };
    const state = { version: '1', position: '7', read_only: 'off', origin: 'o', channel: 'c' };
    let looks = 0;
    const client = clientOf((sql) => {
      if (!sql.includes(' AS origin')) return Promise.resolve([{ position: '7' }]);
      // On each connection the first look says what to listen to, the second is the read that the third loses.
      if (++looks % 3 > 0) return Promise.resolve([state]);
      return failure(looks < 12 ? 'EPIPE' : '42501');
    });
    const options = { snapshot: false, pollInterval: 1, reconnect: { initialDelay: 1 }, logger };
    await expect(firstValueFrom(postgresDefinitions(client, options))).rejects.toMatchObject({ code: 'PRIVILEGE' });
    expect(attempts).toEqual([1, 1, 1]);
  });

  it('is a pg Client that stays as it was: nothing asked at the same time, no listener left', async () => {
    const state = { version: '1', position: '7', read_only: 'off', origin: 'o', channel: 'c' };
    const asked$ = new Subject<string>();
    let [running, most] = [0, 0];
    const client = Object.assign(new EventEmitter(), {
      query: async (sql: string) => {
        asked$.next(sql);
        most = Math.max(most, ++running);
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        running--;
        return { rows: [state] };
      },
    });
    const source = fromPg(client);
    for (const statements of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const asked = firstValueFrom(asked$.pipe(skip(statements - 1)));
      const reading = postgresDefinitions(source, { snapshot: false, pollInterval: 1 }).subscribe();
      await asked;
      reading.unsubscribe();
      while (running > 0) await new Promise(setImmediate);
    }
    expect(most).toBe(1);
    expect(['notification', 'error'].map((event) => client.listenerCount(event))).toEqual([0, 0]);
  });

  it.each([
    ['57P01', true],
    ['08006', true],
    ['ETIMEDOUT', true],
    ['42501', false],
    ['22012', false],
  ])('gives a pooled client back after %s; to be destroyed: %s', async (code, destroyed) => {
    const released: unknown[] = [];
    const client = Object.assign(new EventEmitter(), {
      query: () => failure(code),
      release: (destroy?: boolean) => void released.push(destroy),
    });
    const pool = { totalCount: 1, ending: false, connect: () => Promise.resolve(client) };
    await expect(installCapture(fromPg(pool))).rejects.toThrow();
    expect(released).toEqual([destroyed]);
  });

  it('outlives a pooled client that is lost as it is handed over, and connects again', async () => {
    const client = Object.assign(new EventEmitter(), {
      query: () => failure('57P01'),
      release: () => undefined,
    });
    let connects = 0;
    const pool = {
      totalCount: 1,
      ending: false,
      connect: (taken: (error: undefined, made: typeof client) => void) => {
        taken(undefined, client);
        // In the same read of the socket; without a listener it would be thrown here.
        client.emit('error', new Error('terminating connection'));
        if (++connects === 3) pool.ending = true;
      },
    };
    const reading = postgresDefinitions(fromPg(pool), { logger: quiet, reconnect: { initialDelay: 1 } });
    await expect(firstValueFrom(reading)).rejects.toMatchObject({ code: 'CLOSED' });
    expect(connects).toBe(3);
  });

  it.each<[string, (taken: (error: undefined, made: unknown) => void, client: unknown) => unknown]>([
    ['a promise', (_taken, client) => Promise.resolve(client)],
    ['a promise of its own kind', (_taken, client) => ({ then: (done: (made: unknown) => void) => done(client) })],
    ['both ways', (taken, client) => (taken(undefined, client), Promise.resolve(client))],
    ['a callback, and a promise of nothing', (taken, client) => Promise.resolve().then(() => taken(undefined, client))],
  ])('takes a client once from a pool that answers by %s', async (_way, answer) => {
    const released: unknown[] = [];
    const client = Object.assign(new EventEmitter(), {
      query: () => failure('42501'),
      release: (destroy?: boolean) => void released.push(destroy),
    });
    const pool = { totalCount: 1, ending: false, connect: (taken: never) => answer(taken, client) };
    await expect(installCapture(fromPg(pool))).rejects.toMatchObject({ code: 'PRIVILEGE' });
    expect(released).toEqual([false]);
    expect(['notification', 'error', 'end'].map((event) => client.listenerCount(event))).toEqual([0, 0, 0]);
  });

  it.each([
    ['source', () => fromPg(null as never)],
    ['source.query', () => fromPg({} as never)],
    ['source', () => fromPg(5 as never)],
    ['source.connect', () => fromPg({ totalCount: 0 } as never)],
    ['source.query', () => fromPg({ query: 'x' } as never)],
    ['db.query', () => fromPglite({ query: {} } as never)],
    ['db', () => fromPglite(null as never)],
    ['db.query', () => fromPglite({} as never)],
  ])('is refused with BAD_OPTION that names %s when it is none', (option, make) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) as unknown }),
    );
  });

  it.each([
    [{ reader: '' }, 'reader'],
    [{ reader: 5 }, 'reader'],
    [{ reader: 'a'.repeat(256) }, 'reader'],
    [{ reader: 'a\0b' }, 'reader'],
    [{ snapshot: 'no' }, 'snapshot'],
    [{ snapshot: null }, 'snapshot'],
    [{ scope: { tenantId: 1, databaseId: 2n } }, 'scope.tenantId'],
    [{ scope: null }, 'scope'],
    [{ deliver: 'no' }, 'deliver'],
    [{ pollInterval: 0 }, 'pollInterval'],
    [{ pollInterval: 0.5 }, 'pollInterval'],
    // Node takes a longer timer for one of 1 ms: it asked the server without a pause.
    [{ pollInterval: Infinity }, 'pollInterval'],
    [{ pollInterval: 2 ** 31 }, 'pollInterval'],
    [{ reconnect: null }, 'reconnect'],
    [{ reconnect: { initialDelay: 0 } }, 'reconnect.initialDelay'],
    [{ reconnect: { initialDelay: 20, maxDelay: 10 } }, 'reconnect.maxDelay'],
    [{ reconnect: { maxDelay: Number.NaN } }, 'reconnect.maxDelay'],
    [{ reconnect: { maxDelay: Infinity } }, 'reconnect.maxDelay'],
    [{ onCaughtUp: 5 }, 'onCaughtUp'],
    [{ logger: null }, 'logger'],
    [{ scheduler: null }, 'scheduler'],
    [{ scheduler: { schedule: () => undefined } }, 'scheduler.now'],
  ])('is not even connected for the option %j', (options, named) => {
    const client = { connect: () => Promise.reject(new Error('connected')) };
    const wrong = { code: 'BAD_OPTION', message: expect.stringMatching(new RegExp(`^${named} must be .*, got `)) };
    expect(() => postgresDefinitions(client, options as PostgresDefinitionsOptions)).toThrow(
      expect.objectContaining(wrong),
    );
  });

  it('is refused at the call when it is none, and so is a reader without a name', () => {
    const message = expect.stringContaining('fromPg') as unknown;
    const wrong = expect.objectContaining({ code: 'BAD_OPTION', message });
    // The driver's own have a `connect` too; nothing is connected by making them.
    for (const none of [undefined, null, {}, new pg.Pool(), new pg.Client()] as unknown as PostgresLike[]) {
      expect(() => postgresDefinitions(none)).toThrow(wrong);
      expect(() => installCapture(none)).toThrow(wrong);
      expect(() => removeCapture(none)).toThrow(wrong);
      expect(() => forgetReader(none, 'a')).toThrow(wrong);
    }
    expect(() =>
      forgetReader(
        clientOf(() => Promise.resolve([])),
        '',
      ),
    ).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });
});
