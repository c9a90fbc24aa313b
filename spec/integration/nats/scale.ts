/**
 * What sharing definitions costs, on one server and on a cluster of three, all on this machine:
 *
 *     npx tsx --expose-gc spec/integration/nats/scale.ts [definitions, default 20000]
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { type NatsDefinitions, natsDefinitions } from 'ddl-fanout/nats';
import { definition } from 'ddl-fanout/testing';
import { NatsFixture, type NatsServer } from '../../helpers/nats.js';

const count = Number(process.argv[2] ?? 20_000);
const payload = new Uint8Array(1_024).fill(0x20);
const msg = (n: number) =>
  definition(`public.f${n}(integer, text)`, { payload, scope: { tenantId: BigInt(n % 100), databaseId: 1n } });
const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}

async function bytesOf(dir: string): Promise<number> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true });
  const sizes = entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}

/** Publishes with `lanes` publishes under way at a time. */
async function fill({ publish }: NatsDefinitions, lanes: number, most: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < most) await publish(msg(next++));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** A node as it starts: it reads the bucket into a fan-out with a catalog. */
async function startNode(definitions: NatsDefinitions): Promise<DefinitionSyncFanout> {
  const fanout = new DefinitionSyncFanout({ catalog: true });
  await new Promise<void>((resolve) => {
    definitions
      .commits({
        onCaughtUp: () => {
          resolve();
        },
      })
      .subscribe(fanout);
  });
  return fanout;
}

async function measure(title: string, servers: NatsServer[], fixture: NatsFixture): Promise<void> {
  const line = (what: string, figure: number, unit: string): void => {
    process.stdout.write(
      `${title.padEnd(12)}${what.padEnd(52)}${figure.toFixed(figure < 10 ? 2 : 0).padStart(10)} ${unit}\n`,
    );
  };
  const [server] = servers;
  if (server === undefined) return;
  const connection = await fixture.connect(server.url);
  const definitions = await natsDefinitions(connection);
  line('publishes a second, 256 under way', count / (await seconds(() => fill(definitions, 256, count))), '/s');
  const few = Math.min(count, 2_000);
  line('publishes a second, one under way', few / (await seconds(() => fill(definitions, 1, few))), '/s');
  const led = await seconds(() =>
    definitions
      .lead(async function* ({ publish }) {
        for (let n = 0; n < few; n += 1) yield await publish(msg(n));
      })
      .forEach(() => undefined),
  );
  line('publishes a second, by a leader', few / led, '/s');
  const { state } = await (await jetstreamManager(connection)).streams.info('KV_definitions');
  line('bytes a definition, as the stream counts them', state.bytes / state.messages, 'B');
  line('bytes a definition, on one disk', (await bytesOf(server.options.dir)) / count, 'B');
  collect();
  const before = process.memoryUsage();
  let node: DefinitionSyncFanout | undefined;
  const reading = await seconds(async () => {
    node = await startNode(definitions);
  });
  line('definitions a second, read by a node that starts', count / reading, '/s');
  collect();
  const after = process.memoryUsage();
  const used = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  line('memory a definition, in the catalog of a node', used / (node?.stats().broadcast ?? 1), 'B');
}

const fixture = new NatsFixture();
try {
  await measure('alone', [await fixture.single()], fixture);
  await measure('three', await fixture.cluster(), fixture);
} finally {
  await fixture.close();
}
