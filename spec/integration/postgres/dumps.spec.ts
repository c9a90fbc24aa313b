import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { firstValueFrom, Subject } from 'rxjs';
import { installCapture, postgresDefinitions } from 'ddl-fanout/postgres';
import { line } from '../../helpers/postgresDatabase.js';
import { postgresDumps } from '../../helpers/postgresPrograms.js';
import { PostgresServer, type ServerDatabase } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';

const GRANTS = `GRANT USAGE ON SCHEMA ddl_fanout TO shop;
  GRANT SELECT ON ALL TABLES IN SCHEMA ddl_fanout TO shop;
  GRANT SELECT ON ALL SEQUENCES IN SCHEMA ddl_fanout TO shop`;

describeWith(postgresDumps, 'a dump of a PostgreSQL database with a capture', () => {
  let server: PostgresServer;
  let database: ServerDatabase;
  let copy: ServerDatabase;

  beforeAll(async () => {
    server = await PostgresServer.start({ fsync: 'off' }, postgresDumps);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    [database, copy] = [await server.open(), await server.open()];
    await database.sql(`DO $$ BEGIN CREATE ROLE shop LOGIN; EXCEPTION WHEN duplicate_object THEN END $$`);
    for (const each of [database, copy]) {
      await each.sql(`ALTER DATABASE ${each.name} OWNER TO shop; GRANT ALL ON SCHEMA public TO shop`);
    }
    await installCapture(database.client);
    await database.sql(`SET ROLE shop; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; RESET ROLE`);
  });

  const dump = (role: string, ...options: string[]): string =>
    server.run('pg_dump', ['-Fc', '-d', server.url(database.name, role), ...options], `${role}.dump`);
  const restore = (file: string, role: string, ...options: string[]): string =>
    server.run('pg_restore', ['-e', '-d', server.url(copy.name, role), ...options, file]);
  /** The dump's table of contents without the capture, as a file for `-L`. */
  const listOf = (file: string): string =>
    server.file(
      'list',
      server
        .run('pg_restore', ['-l', file])
        .split('\n')
        .filter((entry) => !entry.includes(' ddl_fanout'))
        .join('\n'),
    );

  /** What a new reader of the copy is told to begin with. */
  const told = async (): Promise<string[]> => {
    const whole = new Subject<void>();
    const lines: string[] = [];
    const isWhole = firstValueFrom(whole);
    const options = { onCaughtUp: () => whole.next() };
    const reading = postgresDefinitions(copy.client, options).subscribe({
      next: (msg) => lines.push(line(msg)),
      error: (error: unknown) => whole.error(error),
    });
    await isWhole;
    reading.unsubscribe();
    return lines;
  };

  it('is made by a role with the few rights that the manual names, and restored with the capture at work', async () => {
    expect(() => dump('shop')).toThrow('permission denied for schema ddl_fanout');
    await database.sql(GRANTS);
    const file = dump('shop');
    restore(file, 'postgres');
    await copy.sql(`CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    expect(await told()).toEqual(['put function public.f()', 'put function public.g()']);
    await installCapture(copy.client);
    expect(await told()).toEqual(['put function public.f()', 'put function public.g()']);
  });

  it('lacks the event triggers when no superuser restores it, which a reader says, until it is dropped and installed', async () => {
    await database.sql(GRANTS);
    const file = dump('shop');
    expect(() => restore(file, 'shop', '-O', '-x')).toThrow('permission denied to create event trigger');
    const missing = { code: 'NOT_INSTALLED', message: expect.stringContaining('is missing') as unknown };
    await expect(told()).rejects.toMatchObject(missing);
    await expect(installCapture(copy.client)).rejects.toMatchObject({ code: 'SCHEMA_IN_USE' });
    await copy.sql('DROP SCHEMA ddl_fanout CASCADE');
    await installCapture(copy.client);
    expect(await told()).toEqual(['put function public.f()']);
  });

  it('without the capture’s schema has its event triggers still, and is restored without them by its list', async () => {
    const file = dump('shop', '-N', 'ddl_fanout');
    expect(() => restore(file, 'postgres')).toThrow('schema "ddl_fanout" does not exist');
    await copy.sql('DROP FUNCTION f()');
    restore(file, 'shop', '-L', listOf(file));
    await installCapture(copy.client);
    expect(await told()).toEqual(['put function public.f()']);
  });

  it('of everything is restored without the capture by its list', async () => {
    const file = dump('postgres');
    restore(file, 'shop', '-L', listOf(file));
    expect(await copy.sql(`SELECT nspname FROM pg_namespace WHERE nspname = 'ddl_fanout'`)).toEqual([]);
    await installCapture(copy.client);
    expect(await told()).toEqual(['put function public.f()']);
  });

  it('without comments is no capture to `installCapture`, until its schema has its comment again', async () => {
    restore(dump('postgres', '--no-comments'), 'postgres');
    await expect(installCapture(copy.client)).rejects.toMatchObject({ code: 'SCHEMA_IN_USE' });
    await copy.sql(`COMMENT ON SCHEMA ddl_fanout IS 'ddl-fanout capture'`);
    await installCapture(copy.client);
    expect(await told()).toEqual(['put function public.f()']);
  });

  it('of the data alone leaves the capture out by its schema', async () => {
    await copy.sql(`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    await installCapture(copy.client);
    restore(dump('postgres', '-a', '-N', 'ddl_fanout'), 'postgres');
    await installCapture(copy.client);
    expect(await told()).toEqual(['put function public.f()']);
  });

  it('of the data alone, with the capture, is refused its row by one that is installed, which then mends what came with it', async () => {
    await copy.sql(`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    await installCapture(copy.client);
    const file = dump('postgres', '-a');
    expect(() => server.run('pg_restore', ['-d', server.url(copy.name, 'postgres'), file])).toThrow('capture_one_row');
    expect(await copy.sql(`SELECT name FROM ddl_fanout.definition`)).toHaveLength(2);
    await installCapture(copy.client);
    await copy.sql(`CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    expect(await told()).toEqual(['put function public.f()', 'put function public.g()']);
  });
});
