import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresServer, PostgresServer, type ServerDatabase } from '../helpers/postgresServer.js';
import { describeWith } from '../helpers/servers.js';
import { runExample } from './runExample.js';
import { summaryOf } from './summary.js';

const origin = 'origin/main.ts';
const LONG = 180_000;

describeWith(postgresServer, 'npm start on a PostgreSQL server', () => {
  let server: PostgresServer;
  let database: ServerDatabase;
  /** What of the server the run could have left behind. */
  const everything = () =>
    database.sql(`
      select datname as name from pg_database union all select rolname from pg_roles
      union all select nspname from pg_namespace union all select evtname from pg_event_trigger order by name`);

  beforeAll(async () => {
    server = await PostgresServer.start();
    database = await server.open();
  }, LONG);
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  it(
    'ends with every session holding what the database holds, and leaves the server as it was',
    async () => {
      const before = await everything();
      const { code, stdout, stderr } = await runExample(origin, ['--once', '--postgres', server.url(database.name)]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const rows = [...summaryOf(stdout).values()];
      expect(rows).toHaveLength(6);
      for (const { offered, delivered, superseded, dropped, waiting, same } of rows) {
        expect(offered).toBe(447);
        expect(delivered + superseded).toBe(447);
        expect({ dropped, waiting, same }).toEqual({ dropped: 0, waiting: 0, same: 'yes' });
      }
      expect(await everything()).toEqual(before);
    },
    LONG,
  );

  it(
    'leaves the server as it was when it is interrupted',
    async () => {
      const before = await everything();
      const args = ['--postgres', server.url(database.name)];
      const { code, stderr } = await runExample(origin, args, { interruptAt: '/459 statements' });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(await everything()).toEqual(before);
    },
    LONG,
  );

  it(
    'says in one line that a user must not, and leaves nothing behind',
    async () => {
      await database.sql('create role nobody_special login createdb');
      const before = await everything();
      const args = ['--once', '--postgres', server.url(database.name, 'nobody_special')];
      const { code, stderr } = await runExample(origin, args);
      expect(stderr).toMatch(/^installing the capture: permission denied .*\n$/);
      expect(code).toBe(2);
      expect(await everything()).toEqual(before);
    },
    LONG,
  );
});

describe('npm start without the PostgreSQL server that it is to use', () => {
  it(
    'says so in one line',
    async () => {
      const { code, stderr } = await runExample(origin, ['--once', '--postgres', 'postgres://postgres@127.0.0.1:1/x']);
      expect(stderr).toBe('cannot create a database on the server: connect ECONNREFUSED 127.0.0.1:1\n');
      expect(code).toBe(2);
    },
    LONG,
  );
});
