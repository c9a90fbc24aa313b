import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { type LiteConnection, connectLite } from 'ddl-fanout/lite';
import { installCapture } from 'ddl-fanout/postgres';
import type { ClusterNodeOptions } from '../../helpers/clusterNode.js';
import { NatsFixture, type NatsServer, freePort, natsServer } from '../../helpers/nats.js';
import { PostgresServer, postgresServer } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';

const both = {
  name: [natsServer, postgresServer]
    .filter(({ available }) => !available)
    .map(({ name }) => name)
    .join(' and '),
  remedy: 'Debian: apt-get install nats-server postgresql',
  available: natsServer.available && postgresServer.available,
};
const seed = Number(process.env['DDL_FANOUT_SEED'] ?? Date.now() % 1_000_000);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

class NodeProcess {
  /** The one that said last that it leads. */
  static leader: NodeProcess | undefined;
  #child: ChildProcess | undefined;

  constructor(readonly options: ClusterNodeOptions) {}

  async start(): Promise<void> {
    const script = fileURLToPath(new URL('../../helpers/clusterNode.ts', import.meta.url));
    const command = ['--import', 'tsx', script, JSON.stringify(this.options)];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const lines = createInterface(child.stdout);
    await new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        if (line === 'ready') resolve();
        if (line === 'leads') NodeProcess.leader = this;
      });
    });
  }

  /** For longer than its lease; the process goes on where it was. */
  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP');
    await pause(5_000);
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

describeWith(both, `three nodes with a hundred devices each (seed ${seed})`, () => {
  const fixture = new NatsFixture();
  const sockets = new Set<WebSocket>();
  let nats: NatsServer[];
  let postgres: PostgresServer;
  let database: Awaited<ReturnType<PostgresServer['open']>>;
  const sql = (text: string) => database.sql(text);
  let nodes: NodeProcess[];
  let devices: LiteConnection[];

  /** The `ws` of Node, of which the spec can break any. */
  class BreakableSocket extends WebSocket {
    constructor(url: string | URL) {
      super(url);
      sockets.add(this);
      this.on('close', () => sockets.delete(this));
    }
  }

  beforeAll(async () => {
    [nats, postgres] = await Promise.all([fixture.cluster(), PostgresServer.start()]);
    database = await postgres.open();
    await installCapture(database.client);
    await sql('CREATE FUNCTION first() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$');
    nodes = await Promise.all(
      ['a', 'b', 'c'].map(
        async (name) =>
          new NodeProcess({
            name,
            servers: nats.map(({ url }) => url),
            postgres: postgres.url(database.name),
            port: await freePort(),
          }),
      ),
    );
    await Promise.all(nodes.map((node) => node.start()));
    devices = nodes.flatMap(({ options: { port } }) =>
      Array.from({ length: 100 }, (_, n) =>
        connectLite({
          url: `ws://127.0.0.1:${port}/sync`,
          token: `device ${n}`,
          WebSocket: BreakableSocket,
          reconnect: { initialDelay: 100, maxDelay: 1_000 },
        }),
      ),
    );
  }, 120_000);

  afterAll(async () => {
    for (const device of devices) device.close();
    await Promise.all(nodes.map((node) => node.kill()));
    await fixture.close();
    await database.close();
    await postgres.stop();
  });

  const pick = <T>(from: readonly T[], at: number): T => {
    const chosen = from[at % from.length];
    if (chosen === undefined) throw new Error('there is nothing to choose from');
    return chosen;
  };

  /** One statement of DDL on one of twenty functions. */
  const statement = (n: number, version: number): string =>
    version % 4 === 0
      ? `DROP FUNCTION IF EXISTS f${n}()`
      : `CREATE OR REPLACE FUNCTION f${n}() RETURNS int LANGUAGE sql AS $$ SELECT ${version} $$`;

  /** What the database has, as the devices name it, with the body that tells the version. */
  async function expected(): Promise<Map<string, string>> {
    const rows = await sql(`SELECT 'function:' || n.nspname || '.' || p.proname || '()' AS key, p.prosrc AS body
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' ORDER BY 1`);
    return new Map(rows.map(({ key, body }) => [String(key), String(body)]));
  }

  const held = ({ definitions }: LiteConnection): Map<string, string> => {
    const bodies = [...definitions].map(([key, { payload }]): [string, string] => {
      const { body_sql } = JSON.parse(new TextDecoder().decode(payload)) as { body_sql: string };
      return [key, body_sql];
    });
    return new Map(bodies.sort(([a], [b]) => (a < b ? -1 : 1)));
  };

  /** What happens between two halves of a round's DDL, and until the round is over. */
  const troubles: Record<string, (victim: number, meanwhile: () => Promise<void>) => Promise<void>> = {
    node: async (victim, meanwhile) => {
      await pick(nodes, victim).kill();
      await meanwhile();
      await pick(nodes, victim).start();
    },
    'leading node': async (_, meanwhile) => {
      const leader = NodeProcess.leader;
      await leader?.kill();
      await meanwhile();
      await leader?.start();
    },
    'paused leader': async (_, meanwhile) => {
      await Promise.all([NodeProcess.leader?.pause(), meanwhile()]);
    },
    server: async (victim, meanwhile) => {
      await pick(nats, victim).kill();
      await meanwhile();
      await pick(nats, victim).start();
    },
    'all servers': async (_, meanwhile) => {
      await Promise.all(nats.map((server) => server.kill()));
      await meanwhile();
      await Promise.all(nats.map((server) => server.start()));
    },
    sockets: async (_, meanwhile) => {
      for (const socket of [...sockets].slice(0, 150)) socket.terminate();
      await meanwhile();
    },
  };

  it("ends with exactly the database's definitions on every device, after nodes, servers and sockets were killed at random", async () => {
    const twice = Object.keys(troubles).flatMap((trouble) => [trouble, trouble]);
    const round = fc.record({
      victim: fc.nat(2),
      ddl: fc.array(fc.tuple(fc.nat(19), fc.integer({ min: 1, max: 1_000 })), { minLength: 5, maxLength: 30 }),
    });
    const plan = fc.tuple(
      fc.shuffledSubarray(twice, { minLength: twice.length }),
      fc.array(round, { minLength: twice.length, maxLength: twice.length }),
    );
    const [[order, rounds] = [[], []]] = fc.sample(plan, { numRuns: 1, seed });
    for (const [at, { victim, ddl }] of rounds.entries()) {
      const commit = async (from: number, to: number): Promise<void> => {
        for (const [n, version] of ddl.slice(from, to)) await sql(statement(n, version));
      };
      const half = ddl.length >> 1;
      await commit(0, half);
      await troubles[order[at] ?? '']?.(victim, async () => {
        await commit(half, ddl.length);
        await pause(victim * 1_000);
      });
    }
    expect(order).toHaveLength(12);
    await sql('CREATE OR REPLACE FUNCTION first() RETURNS int LANGUAGE sql AS $$ SELECT 2 $$');
    const wanted = await expected();
    expect(wanted.get('function:public.first()')).toContain('SELECT 2');
    const same = (device: LiteConnection): boolean =>
      JSON.stringify([...held(device)]) === JSON.stringify([...wanted].sort(([a], [b]) => (a < b ? -1 : 1)));
    const deadline = performance.now() + 90_000;
    while (performance.now() < deadline && !devices.every(same)) await pause(250);
    for (const device of devices) expect(held(device)).toEqual(wanted);
    expect(devices).toHaveLength(300);
  }, 240_000);
});
