import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runExample, startExample, type Running } from './runExample.js';

const LONG = 120_000;

describe('a device that joins `npm start` from another terminal', () => {
  let folder: string;
  let origin: Running;
  let url: string;
  let token: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'join-'));
    await writeFile(join(folder, '1.sql'), "create function first() returns int language sql as 'select 1';");
    origin = startExample('origin/main.ts', ['--migration', folder, '--sessions', '1']);
    const output = await origin.until('Type SQL');
    [, url = '', token = ''] = /npx tsx examples\/device\.ts (ws:\S+) (\S+)/.exec(output) ?? [];
  }, LONG);
  afterAll(async () => {
    origin.interrupt();
    await origin.ended;
    await rm(folder, { recursive: true });
  }, LONG);

  it(
    'with the command that was printed gets what exists, then what commits, until it is interrupted',
    async () => {
      const device = startExample('device.ts', [url, token]);
      await device.until('live, with 1 definitions');
      await origin.until('a device has joined');
      origin.type("create function second() returns int language sql as 'select 2';\n");
      await device.until('second');
      device.interrupt();
      const { code, stdout, stderr } = await device.ended;
      expect(stdout.trimEnd().split('\n')).toEqual([
        ...['connecting', 'syncing'],
        expect.stringMatching(/^ {2}put function public\.first\(\) {2}\d+ bytes$/),
        'live, with 1 definitions',
        expect.stringMatching(/^ {2}put function public\.second\(\) {2}\d+ bytes$/),
        'closed',
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
    LONG,
  );

  it(
    'is not let in with a token that the origin has not signed',
    async () => {
      const { code, stdout } = await runExample('device.ts', [url, `${token.slice(0, -2)}aa`]);
      expect(stdout.split('\n')).toContain('the server refused the token: invalid token');
      expect(code).toBe(1);
    },
    LONG,
  );
});
