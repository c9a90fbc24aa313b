import { setImmediate as turn } from 'node:timers/promises';
import { runTransaction, statementsOf, type MigrationFile } from './migration.js';
import type { Origin } from './origin.js';
import { countsHead, countsOf, holdingsOf, summaryHead, summaryOf, takeStats } from './sessions.js';
import { settle } from './settle.js';
import { inDatabase, same } from './truth.js';
import { ProgressView, tableOf } from './view.js';

// The devices live in this process too; on machines of their own they would read while PostgreSQL works. A frame there
// and its answer back take two turns of the event loop.
const TURNS = 4;

/** Runs the migration and shows how the sessions fare; who stopped reading reads on half-way. */
export async function migrate(origin: Origin, files: readonly MigrationFile[], stop: AbortSignal): Promise<void> {
  const { db, participants } = origin;
  const view = new ProgressView(process.stdout);
  const all = statementsOf(files).length;
  let done = 0;
  const show = (): void => {
    takeStats(participants);
    view.show(done, all, () => tableOf(countsHead(participants), participants.map(countsOf)));
  };
  const redraw = setInterval(show, 100);
  try {
    for (const { path, transactions } of files) {
      for (const transaction of transactions) {
        if (stop.aborted) return;
        await runTransaction(db, path, transaction);
        const before = done;
        done += transaction.statements.length;
        if (before < all / 2 && done >= all / 2) for (const { device } of participants) device.readOn();
        for (let turns = 0; turns < TURNS; turns++) await turn();
      }
    }
    await settle(origin, 60_000, stop);
    show();
  } finally {
    clearInterval(redraw);
  }
}

/** Prints what each session got and holds; whether all that keep up hold exactly what the database holds. */
export async function printSummary({ db, nodes, participants, notices }: Origin): Promise<boolean> {
  const database = await inDatabase(db);
  takeStats(participants);
  const total = (count: 'broadcast' | 'dropped' | 'superseded'): number =>
    nodes.reduce((sum, { fanout }) => sum + fanout.stats()[count], 0);
  const by = nodes.length > 1 ? ` by ${nodes.length} nodes` : '';
  const rows = participants.map((participant) => summaryOf(participant, database));
  for (const line of ['', ...notices.lines.map((text) => `- ${text}`), '']) console.log(line);
  console.log(tableOf(summaryHead(participants), rows).join('\n'));
  console.log(
    `\nFrames: ${total('broadcast')} broadcast${by}, ${total('dropped')} dropped, ${total('superseded')} superseded.`,
  );
  console.log(`Definitions in the database: ${database.size}. Latency: from the commit to the device's catalog.\n`);
  return participants.every((participant) => !participant.keepsUp || same(holdingsOf(participant), database));
}
