import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { installCapture } from 'ddl-fanout/postgres';
import { listening } from '../../helpers/postgresDatabase.js';
import { majors, postgresMajor } from '../../helpers/postgresPrograms.js';
import { PostgresServer } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';
import { captureConformance } from '../../postgres/captureConformance.js';
import { costConformance } from '../../postgres/costConformance.js';
import { payloadConformance } from '../../postgres/payloadConformance.js';
import { statementConformance } from '../../postgres/statementConformance.js';

for (const major of majors) {
  const programs = postgresMajor(major);

  describeWith(programs, `PostgreSQL ${major} as the Origin`, () => {
    let server: PostgresServer;

    beforeAll(async () => {
      server = await PostgresServer.start({ fsync: 'off' }, programs);
    });
    afterAll(() => server.stop());

    statementConformance(() => server.open());
    captureConformance(() => server.open());
    payloadConformance(() => server.open());
    costConformance(() => server.open());

    it.each([
      ['WIN1252', '81'],
      ['EUC_JP', 'a9a1'],
      ['SQL_ASCII', 'ff'],
    ])('leaves out what UTF-8 cannot hold in a database of %s, and tells all else', async (encoding, bytes) => {
      const database = await server.open(encoding);
      const listener = await listening(database);
      const create = (name: string): string => `CREATE OR REPLACE FUNCTION ${name}() RETURNS int LANGUAGE sql AS`;
      const bad = `convert_from('\\x${bytes}', '${encoding}')`;
      const told = await listener.after(`${create('f')} 'SELECT 1'; ${create('g')} 'SELECT 1';
        DO $$ BEGIN EXECUTE '${create('f')} ''SELECT 2 -- ' || ${bad} || '''';
          EXECUTE format('ALTER FUNCTION g() RENAME TO %I', ${bad}); END $$;
        ${create('h')} 'SELECT 1'`);
      expect(told).toEqual([
        ...['put function public.f()', 'put function public.g()'],
        ...['delete function public.f()', 'delete function public.g()', 'put function public.h()'],
      ]);
      await installCapture(database.client);
      expect(await listener.after(`${create('f')} 'SELECT 1'`)).toEqual(['put function public.f()']);
      listener.stop();
      await database.close();
    });
  });
}
