/**
 * A node of a cluster as a process of its own, so that a spec can kill it: follows the bucket, serves devices, and reads
 * the database's capture when it leads. Run with a JSON of `ClusterNodeOptions` as its argument; says `ready` on stdout,
 * and `leads` each time that it begins to.
 */
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { natsDefinitions } from 'ddl-fanout/nats';
import { fromPg, postgresDefinitions } from 'ddl-fanout/postgres';
import { serveDefinitions } from 'ddl-fanout/ws';

export interface ClusterNodeOptions {
  readonly name: string;
  readonly servers: readonly string[];
  readonly postgres: string;
  readonly port: number;
}

const options = JSON.parse(process.argv[2] ?? '') as ClusterNodeOptions;
const { name, servers, postgres, port } = options;
const silent = (): void => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: silent };

const connection = await connect({ servers: [...servers], maxReconnectAttempts: -1, reconnectTimeWait: 200 });
const definitions = await natsDefinitions(connection, { timeout: 60_000, logger });
const fanout = new DefinitionSyncFanout({ catalog: true, overflow: 'catch-up', logger });
await new Promise<void>((resolve) => {
  const onCaughtUp = (): void => {
    resolve();
  };
  definitions.commits({ onCaughtUp }).subscribe(fanout);
});

const pool = new pg.Pool({ connectionString: postgres, max: 4 });
pool.on('error', silent);
// All read under one name, and a position is noted behind the publishes: what a leader that was killed could not publish
// any more, the next one is told again.
definitions
  .lead(
    ({ publish }) => {
      process.stdout.write('leads\n');
      return postgresDefinitions(fromPg(pool), {
        reader: 'leader',
        deliver: (msg) => publish(msg, { unlessStored: true }),
        logger,
      });
    },
    { lease: 2_000, holder: name },
  )
  .subscribe();

await serveDefinitions({ fanout, port, logger, authenticate: (token) => ({ subject: token }) });
process.stdout.write('ready\n');
