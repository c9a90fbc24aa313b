import { connect } from '@nats-io/transport-node';
import { DefinitionSyncFanout, type DefinitionSyncMsg, type OverflowStrategy } from 'ddl-fanout';
import { isUndeliverable, natsDefinitions } from 'ddl-fanout/nats';
import type { PostgresDefinitionsOptions } from 'ddl-fanout/postgres';
import type { Authenticate } from 'ddl-fanout/ws';
import { defer, type Observable } from 'rxjs';
import type { Cleanup } from './cleanup.js';
import type { Notices } from './notices.js';
import { serve, type OriginServer } from './server.js';

/** A fan-out and the server of its sessions. */
export interface OriginNode {
  /** Where there are several. */
  readonly name: string | undefined;
  readonly fanout: DefinitionSyncFanout;
  readonly server: OriginServer;
}

interface NodeOptions {
  readonly port: number;
  readonly overflow: OverflowStrategy;
  readonly authenticate: Authenticate;
  readonly notices: Notices;
  readonly cleanup: Cleanup;
}

/** Reads the database's capture. */
export type Capture = (
  options?: Pick<PostgresDefinitionsOptions, 'reader' | 'deliver'>,
) => Observable<DefinitionSyncMsg>;

/** The one node there is: what the capture tells goes straight to its fan-out. */
export async function startAlone(capture: Capture, options: NodeOptions): Promise<OriginNode> {
  const node = await startNode(undefined, options);
  const reading = capture().subscribe(node.fanout);
  options.cleanup.add(() => {
    reading.unsubscribe();
  });
  return node;
}

/**
 * One node of several, which live in this process, but share nothing but the bucket in NATS and the database: its
 * fan-out follows the bucket, and when it leads it publishes there what the capture tells.
 */
export async function startInCluster(
  capture: Capture,
  nats: string,
  name: string,
  options: NodeOptions,
): Promise<OriginNode> {
  const { notices, cleanup } = options;
  const connection = await connect({ servers: nats, name, maxReconnectAttempts: -1 });
  cleanup.add(() => connection.close());
  const definitions = await natsDefinitions(connection, { logger: notices });
  const node = await startNode(name, options);
  await new Promise<void>((resolve) => {
    definitions
      .commits({
        onCaughtUp: () => {
          resolve();
        },
      })
      .subscribe(node.fanout);
  });

  // All read under one name, after their publishes: what a leader could not publish any more the next one is told again.
  const leading = definitions
    .lead(({ publish }) =>
      defer(() => {
        notices.lines.push(`${name} leads: it reads the database's capture`);
        return capture({
          reader: 'leader',
          // What the bucket can never hold must not keep back what commits after it.
          deliver: (msg) =>
            publish(msg, { unlessStored: true }).catch((error: unknown) => {
              if (!isUndeliverable(error)) throw error;
              notices.error(`no node is told of ${msg.name}: ${String(error)}`);
            }),
        });
      }),
    )
    .subscribe();
  cleanup.add(() => {
    leading.unsubscribe();
  });
  return node;
}

async function startNode(name: string | undefined, options: NodeOptions): Promise<OriginNode> {
  const { port, overflow, authenticate, notices, cleanup } = options;
  const fanout = new DefinitionSyncFanout({ catalog: true, overflow, logger: notices });
  const server = await serve({ fanout, port, authenticate, logger: notices });
  cleanup.add(() => server.close());
  return { name, fanout, server };
}
