import { expect, it } from '@jest/globals';
import { filter, firstValueFrom, ReplaySubject } from 'rxjs';
import { fromPg, installCapture, postgresDefinitions, type PostgresLike } from 'ddl-fanout/postgres';
import { line, Listener } from '../../helpers/postgresDatabase.js';
import { PostgresServer, postgresServer } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';

const fn = (name: string): string => `CREATE OR REPLACE FUNCTION ${name}() RETURNS int LANGUAGE sql AS 'SELECT 1';`;
describeWith(postgresServer, 'a standby of a PostgreSQL server', () => {
  it('is a clear error to begin with, is waited for in a failover, and once promoted its readers forget what it never got', async () => {
    const primary = await PostgresServer.start();
    const database = await primary.open();
    await installCapture(database.client);
    const standby = await primary.standby();
    const warnings$ = new ReplaySubject<unknown>(Infinity);
    const quiet = () => undefined;
    const warn = (_message: string, context?: { error?: unknown }) => warnings$.next(context?.error);
    let source = database.client;
    const client: PostgresLike = { connect: () => source.connect() };
    let statements = (text: string) => database.sql(text);
    const listener = new Listener(
      { ...database, client, sql: (text) => statements(text) },
      { logger: { debug: quiet, info: quiet, warn, error: quiet }, reconnect: { initialDelay: 10, maxDelay: 200 } },
    );
    await database.sql(`${fn('kept')} ${fn('dropped')}`);
    await listener.settled();

    const pool = standby.pool(database.name);
    for (let there = false; !there;) {
      const { rows } = await pool.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_proc WHERE proname = 'dropped'`,
      );
      there = rows[0]?.n === 1;
    }
    await expect(firstValueFrom(postgresDefinitions(fromPg(pool)))).rejects.toMatchObject({ code: 'READ_ONLY' });
    await standby.kill('SIGINT');

    await database.sql(`${fn('lost')} DROP FUNCTION dropped()`);
    await listener.settled();
    listener.messages.length = 0;
    await primary.kill('SIGKILL');
    await standby.up();
    source = fromPg(pool);
    await firstValueFrom(warnings$.pipe(filter((error) => String(error).includes('not promoted yet'))));
    await pool.query('SELECT pg_promote()');
    await pool.query(fn('later'));
    statements = async (text) => {
      await pool.query(text);
      return [];
    };
    await listener.settled();
    expect(listener.messages.map(line)).toEqual([
      ...['delete function public.lost()', 'put function public.kept()', 'put function public.dropped()'],
      'put function public.later()',
    ]);
    listener.stop();
    await database.close();
    await standby.stop();
    await primary.stop();
  });
});
