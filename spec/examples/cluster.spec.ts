import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsServer } from '../helpers/nats.js';
import { describeWith } from '../helpers/servers.js';
import { runExample } from './runExample.js';
import { summaryOf } from './summary.js';

const origin = 'origin/main.ts';
const LONG = 180_000;

describeWith(natsServer, 'npm start -- --nodes 3', () => {
  let folder: string;
  /** The folders of the nats-servers, each of which goes when its server has ended. */
  const leftBehind = async () => (await readdir(folder)).filter((name) => name.startsWith('ddl-fanout-example-'));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cluster-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it(
    'spreads the sessions over nodes that share one order, and every session ends with what the database holds',
    async () => {
      const { code, stdout, stderr } = await runExample(origin, ['--once', '--nodes', '3'], {
        env: { TMPDIR: folder },
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const rows = summaryOf(stdout);
      expect(Array.from(rows, ([name, { node }]) => `${name} ${String(node)}`)).toEqual([
        ...['keeps-up-1 node-1', 'keeps-up-2 node-2', 'keeps-up-3 node-3', 'keeps-up-4 node-1'],
        ...['slow node-2', 'stops-reading node-3'],
      ]);
      for (const { offered, delivered, superseded, dropped, waiting, same } of rows.values()) {
        expect(delivered + superseded).toBe(offered);
        expect({ dropped, waiting, same }).toEqual({ dropped: 0, waiting: 0, same: 'yes' });
      }
      expect(rows.get('stops-reading')?.superseded).toBeGreaterThan(0);
      expect(stdout).toMatch(/^- node-\d leads: it reads the database's capture$/m);
      expect(await leftBehind()).toEqual([]);
    },
    LONG,
  );

  it(
    'ends cleanly, and nats-server with it, when it is interrupted',
    async () => {
      const { code, stderr } = await runExample(origin, ['--nodes', '3'], {
        interruptAt: '/459 statements',
        env: { TMPDIR: folder },
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(await leftBehind()).toEqual([]);
    },
    LONG,
  );
});

describe('npm start -- --nodes 2 without nats-server on the PATH', () => {
  it(
    'says in one line how to get one',
    async () => {
      const { code, stderr } = await runExample(origin, ['--nodes', '2'], { env: { PATH: '/nowhere' } });
      expect(stderr).toMatch(/^--nodes needs nats-server on the PATH \(apt-get install nats-server.*\)\n$/);
      expect(code).toBe(2);
    },
    LONG,
  );
});
