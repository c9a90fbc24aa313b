import { setTimeout as sleep } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import { DefinitionCatalog, DefinitionSyncFanout, type OverflowStrategy } from 'ddl-fanout';
import { fromPglite, installCapture, postgresDefinitions } from 'ddl-fanout/postgres';
import { CommitClock } from './latency.js';
import { Notices } from './notices.js';
import { connectAll, sessionOptions, takeStats, type Participant } from './sessions.js';
import { serveDefinitions } from './sockets.js';
import { inDatabase, inMessages, same } from './truth.js';

/** All that runs: the database, the fan-out that its definitions flow through, and the devices behind it. */
export interface Origin {
  readonly db: PGlite;
  readonly fanout: DefinitionSyncFanout;
  readonly notices: Notices;
  readonly url: string;
  readonly participants: readonly Participant[];
  /** Whether every committed definition has gone out and every session has taken all that waited for it. */
  isSettled(): Promise<boolean>;
  /** Completes the sessions, then closes the sockets, the server and the database. */
  close(): Promise<void>;
}

interface OriginOptions {
  readonly port: number;
  readonly sessions: number;
  readonly overflow: OverflowStrategy;
}

export async function startOrigin({ port, sessions, overflow }: OriginOptions): Promise<Origin> {
  const notices = new Notices();
  const catalog = new DefinitionCatalog();
  const fanout = new DefinitionSyncFanout({ catalog, overflow, logger: notices });
  const clock = new CommitClock();
  fanout.events$.subscribe((event) => {
    notices.event(event);
  });
  fanout.frames$.subscribe((frame) => {
    clock.broadcast(frame);
  });

  const server = await serveDefinitions({ fanout, port, sessionOptions });
  const db = await PGlite.create();
  db.onNotification(() => {
    clock.commit();
  });
  const database = fromPglite(db);
  await installCapture(database);
  const capture = postgresDefinitions(database, { logger: notices }).subscribe(fanout);
  const participants = await connectAll(server.url, sessions, clock);

  return {
    db,
    fanout,
    notices,
    url: server.url,
    participants,
    async isSettled() {
      const sent = inMessages(Array.from(catalog.snapshot(), ({ msg }) => msg));
      if (!same(sent, await inDatabase(db))) return false;
      takeStats(participants, fanout);
      const { waiting, inFlight } = fanout.stats();
      return waiting + inFlight === 0;
    },
    async close() {
      capture.unsubscribe();
      fanout.complete();
      await Promise.all(participants.map(({ device }) => device.close()));
      await server.close();
      await db.close();
    },
  };
}

/** Waits until the origin has settled, at most `limit` ms, or until `stop`. */
export async function settle(origin: Origin, limit: number, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + limit;
  while (!stop.aborted && performance.now() < deadline && !(await origin.isSettled())) await sleep(10);
}
