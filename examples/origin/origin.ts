import { DefinitionSyncFanout, type OverflowStrategy } from 'ddl-fanout';
import { CaptureError, installCapture, postgresDefinitions } from 'ddl-fanout/postgres';
import { tap } from 'rxjs';
import { Cleanup } from './cleanup.js';
import type { Database } from './database.js';
import { embeddedDatabase } from './embedded.js';
import { CommitClock } from './latency.js';
import { Notices } from './notices.js';
import { Complaint, type Options } from './options.js';
import { scratchDatabase } from './scratch.js';
import { serve } from './server.js';
import { connectAll, type Participant } from './sessions.js';
import { createTokens } from './tokens.js';

/** All that runs: the database, the fan-out that its definitions flow through, and the devices behind it. */
export interface Origin {
  readonly db: Database;
  readonly fanout: DefinitionSyncFanout;
  readonly overflow: OverflowStrategy;
  readonly notices: Notices;
  readonly url: string;
  /** What a device of another process joins with. */
  readonly token: string;
  readonly participants: readonly Participant[];
  /** Ends the devices, the server and the database. */
  close(): Promise<void>;
}

type OriginOptions = Pick<Options, 'port' | 'sessions' | 'overflow' | 'postgres'>;

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

async function start(
  { port, sessions, overflow, postgres }: OriginOptions,
  cleanup: Cleanup,
): Promise<Omit<Origin, 'close'>> {
  const notices = new Notices();
  const clock = new CommitClock();
  const tokens = createTokens();
  const fanout = new DefinitionSyncFanout({ catalog: true, overflow, logger: notices });
  const server = await serve({ fanout, port, authenticate: tokens.authenticate, logger: notices });
  cleanup.add(() => server.close());

  const db = postgres === undefined ? await embeddedDatabase() : await scratchDatabase(postgres);
  cleanup.add(() => db.close());
  const database = clock.watch(db.client);
  await installCapture(database).catch((error: unknown) => {
    throw error instanceof CaptureError ? new Complaint(error.message) : error;
  });
  const capture = postgresDefinitions(database, { logger: notices }).pipe(
    tap((msg) => {
      clock.told(msg);
    }),
  );
  const reading = capture.subscribe(fanout);
  cleanup.add(() => {
    reading.unsubscribe();
  });

  const participants = await connectAll(server, tokens, sessions, clock);
  cleanup.add(() => {
    for (const { device } of participants) device.close();
  });
  const told = fanout.events$.subscribe((event) => {
    const one = participants.find(({ device }) => 'sessionId' in event && device.sessionId === event.sessionId);
    if (one !== undefined) notices.event(event, one.device.name);
  });
  cleanup.add(() => {
    told.unsubscribe();
  });
  return { db, fanout, overflow, notices, url: server.url, token: await tokens.tokenFor('guest'), participants };
}
