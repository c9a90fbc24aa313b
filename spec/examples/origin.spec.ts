import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMigration, statementsOf } from '../../examples/origin/migration.js';
import { runExample } from './runExample.js';
import { summaryOf } from './summary.js';

const origin = 'origin/main.ts';
const LONG = 120_000;

describe('npm start', () => {
  let folder: string;
  /** A migration folder with one file. */
  const migration = async (name: string, sql: string): Promise<string> => {
    const path = await mkdtemp(join(folder, 'm-'));
    await writeFile(join(path, name), sql);
    return path;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'origin-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('has at least 300 DDL statements on functions, procedures and triggers', async () => {
    const statements = statementsOf(await readMigration('examples/origin/migration'));
    const ddl = /^(?:create|alter|drop)\b(?: or replace)?(?: constraint)? (?:function|procedure|routine|trigger)\b/i;
    expect(statements.filter(({ text }) => ddl.test(text)).length).toBeGreaterThanOrEqual(300);
  });

  it(
    'with --once ends with every session holding what the database holds, also the one that stopped reading',
    async () => {
      const { code, stdout, stderr } = await runExample(origin, ['--once']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const rows = summaryOf(stdout);
      expect([...rows.keys()]).toEqual([
        ...['keeps-up-1', 'keeps-up-2', 'keeps-up-3', 'keeps-up-4'],
        ...['slow', 'stops-reading'],
      ]);
      for (const { offered, delivered, superseded, dropped, waiting, same } of rows.values()) {
        expect(offered).toBe(447);
        expect(delivered + superseded).toBe(447);
        expect({ dropped, waiting, same }).toEqual({ dropped: 0, waiting: 0, same: 'yes' });
      }
      expect(rows.get('stops-reading')?.superseded).toBeGreaterThan(0);
    },
    LONG,
  );

  it(
    'with --overflow drop-incoming leaves the session that stopped reading stale',
    async () => {
      const { code, stdout } = await runExample(origin, ['--once', '--overflow', 'drop-incoming', '--sessions', '1']);
      const rows = summaryOf(stdout);
      const { dropped = 0, delivered = 0, superseded, same } = rows.get('stops-reading') ?? {};
      expect(dropped).toBeGreaterThan(0);
      expect(delivered + dropped).toBe(447);
      expect({ superseded, same }).toEqual({ superseded: 0, same: 'no' });
      expect(code).toBe(rows.get('keeps-up-1')?.same === 'yes' ? 0 : 1);
    },
    LONG,
  );

  it(
    'takes SQL at its prompt, shows the frames that go out, and ends with the input',
    async () => {
      const path = await migration('1.sql', "create function first() returns int language sql as 'select 1';");
      const input = `.help
        create function second(text) returns text language sql
        as $$ select $1; $$;
        begin; drop function first(); rollback;
        select 1 as one;
        select nonsense;
        alter function second rename to third;
        select 'no end'`;
      const { code, stdout, stderr } = await runExample(origin, ['--migration', path, '--sessions', '1'], { input });
      expect(stdout.split('\n').filter((line) => line.startsWith('  -> '))).toEqual([
        expect.stringMatching(/^ {2}-> DefinitionSync #2 {2}put function public\.second\(text\) {2}\d+ bytes$/),
        expect.stringMatching(/^ {2}-> DefinitionSync #3 {2}delete function public\.second\(text\) {2}\d+ bytes$/),
        expect.stringMatching(/^ {2}-> DefinitionSync #4 {2}put function public\.third\(text\) {2}\d+ bytes$/),
      ]);
      expect(stdout).toContain('There is no such command');
      expect(stdout).toContain('\none\n---\n1\n');
      expect(stdout).toContain('PostgreSQL says: column "nonsense" does not exist');
      expect(stdout).toContain('3 of 3 sessions hold what the database holds');
      expect(stdout).toContain('has no end and was not run');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
    LONG,
  );

  it.each([['Type SQL'], ['/459 statements']])(
    'ends cleanly when it is interrupted at "%s"',
    async (interruptAt) => {
      const args = interruptAt === 'Type SQL' ? ['--migration', await migration('1.sql', 'create schema quiet;')] : [];
      const { code, stderr } = await runExample(origin, args, { interruptAt });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
    LONG,
  );

  it(
    'names file, line and reason when PostgreSQL refuses a statement',
    async () => {
      const sql = 'create schema a;\n\ncreate function a.f() returns int language sql as $$\n  select nope();\n$$;';
      const path = await migration('bad.sql', sql);
      const { code, stderr } = await runExample(origin, ['--once', '--migration', path]);
      expect(stderr).toMatch(/^\S*bad\.sql:4: PostgreSQL says: function nope\(\) does not exist\n$/);
      expect(code).toBe(2);
    },
    LONG,
  );

  it(
    'says in one line that the port is in use',
    async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((listening) => server.once('listening', listening));
      const { port } = server.address() as AddressInfo;
      const { code, stderr } = await runExample(origin, ['--port', String(port)]);
      server.close();
      expect({ code, stderr }).toEqual({ code: 2, stderr: `port ${port} is in use\n` });
    },
    LONG,
  );

  it.each([
    [['--bogus'], /^Unknown option '--bogus'/],
    [['extra'], /^Unexpected argument 'extra'/],
    [['--port', '70000'], /^--port must be a whole number of 0 to 65535, got "70000"\n$/],
    [['--sessions', 'few'], /^--sessions must be a whole number of 1 to 1000, got "few"\n$/],
    [['--overflow', 'burst'], /^--overflow must be one of .*, got "burst"\n$/],
    [['--nodes', '0'], /^--nodes must be a whole number of 1 to 9, got "0"\n$/],
    [['--postgres', 'localhost'], /^--postgres must be a URL postgres:.*\n$/],
    [['--migration', 'no/such/folder'], /^cannot read the migration folder: .*no\/such\/folder'\n$/],
  ])(
    'refuses %j in one line',
    async (args, line) => {
      const { code, stdout, stderr } = await runExample(origin, args);
      expect(stderr).toMatch(line);
      expect(stderr.trimEnd()).not.toContain('\n');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    },
    LONG,
  );
});
