import type { OverflowStrategy } from 'ddl-fanout';
import { CaptureError, installCapture, postgresDefinitions } from 'ddl-fanout/postgres';

import { Cleanup } from './cleanup.js';
import type { Database } from './database.js';
import { embeddedDatabase } from './embedded.js';
import { CommitClock } from './latency.js';
import { startNatsServer } from './natsServer.js';
import { startAlone, startInCluster, type Capture, type OriginNode } from './node.js';
import { Notices } from './notices.js';
import { Complaint, type Options } from './options.js';
import { scratchDatabase } from './scratch.js';
import { connectAll, type Participant } from './sessions.js';
import { createTokens } from './tokens.js';

/** All that runs: the database, the nodes that its definitions flow through, and the devices behind them. */
export interface Origin {
  readonly db: Database;
  /** The first of them is the one that others join, and that the prompt watches. */
  readonly nodes: readonly [OriginNode, ...OriginNode[]];
  readonly overflow: OverflowStrategy;
  readonly notices: Notices;
  /** What a device of another process joins with. */
  readonly token: string;
  readonly participants: readonly Participant[];
  /** Ends the devices, the nodes, what they share, and the database. */
  close(): Promise<void>;
}

type OriginOptions = Pick<Options, 'port' | 'sessions' | 'overflow' | 'postgres' | 'nodes'>;

/** Begins all of it, or ends what was begun and throws. */
export async function startOrigin(options: OriginOptions): Promise<Origin> {
  const cleanup = new Cleanup();
  try {
    return { ...(await start(options, cleanup)), close: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function start(options: OriginOptions, cleanup: Cleanup): Promise<Omit<Origin, 'close'>> {
  const { sessions, overflow, postgres } = options;
  const notices = new Notices();
  const clock = new CommitClock();
  const tokens = createTokens();

  const db = postgres === undefined ? await embeddedDatabase() : await scratchDatabase(postgres);
  cleanup.add(() => db.close());
  const database = clock.watch(db.client);
  await installCapture(database).catch((error: unknown) => {
    throw error instanceof CaptureError ? new Complaint(error.message) : error;
  });
  const capture: Capture = (options) =>
    postgresDefinitions(database, {
      ...options,
      logger: notices,
      deliver: (msg) => {
        clock.told(msg);
        return options?.deliver?.(msg);
      },
    });

  const nodes = await startNodes(capture, options, { overflow, notices, cleanup, authenticate: tokens.authenticate });
  const participants = await connectAll(nodes, tokens, sessions, clock);
  cleanup.add(() => {
    for (const { device } of participants) device.close();
  });
  const told = participants.map(({ device, node }) =>
    node.fanout.events$.subscribe((event) => {
      if ('sessionId' in event && event.sessionId === device.sessionId) notices.event(event, device.name);
    }),
  );
  cleanup.add(() => {
    for (const subscription of told) subscription.unsubscribe();
  });
  return { db, nodes, overflow, notices, token: await tokens.tokenFor('guest'), participants };
}

type Shared = Omit<Parameters<typeof startAlone>[1], 'port'>;

async function startNodes(
  capture: Capture,
  { nodes, port }: OriginOptions,
  shared: Shared,
): Promise<[OriginNode, ...OriginNode[]]> {
  if (nodes === 1) return [await startAlone(capture, { ...shared, port })];
  const nats = await startNatsServer();
  shared.cleanup.add(() => nats.close());
  const start = (index: number) =>
    startInCluster(capture, nats.address, `node-${index + 1}`, { ...shared, port: index === 0 ? port : 0 });
  const rest = Array.from({ length: nodes - 1 }, (_, index) => index + 1);
  return [await start(0), ...(await Promise.all(rest.map(start)))];
}
