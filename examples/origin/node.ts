import { connect } from '@nats-io/transport-node';
import { DefinitionSyncFanout, type DefinitionSyncMsg, type OverflowStrategy } from 'ddl-fanout';
import { natsDefinitions } from 'ddl-fanout/nats';
import type { Authenticate } from 'ddl-fanout/ws';
import { concat, concatMap, defer, ignoreElements, take, type Observable } from 'rxjs';
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

/** Reads the database's capture under a name; what is let go of under it meanwhile is told later. */
export type Capture = (reader?: string) => Observable<DefinitionSyncMsg>;

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

  // From the first look on the capture keeps for this node what it would miss, should another one lead, and fall.
  const firstLook$ = capture(name).pipe(take(1), ignoreElements());
  const leading$ = definitions.lead(({ publish }) =>
    defer(() => {
      notices.lines.push(`${name} leads: it reads the database's capture`);
      return capture(name).pipe(concatMap((msg) => publish(msg)));
    }),
  );
  const leading = concat(firstLook$, leading$).subscribe();
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
