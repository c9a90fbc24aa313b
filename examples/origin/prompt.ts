import { createInterface } from 'node:readline';
import type { DefinitionFrame, DefinitionSyncFanout } from 'ddl-fanout';
import { distinct, filter, map, type Observable } from 'rxjs';
import type { Result } from './database.js';
import { runTransaction } from './migration.js';
import { Complaint } from './options.js';
import type { Origin } from './origin.js';
import { holdingsOf } from './sessions.js';
import { settle } from './settle.js';
import { splitSql, transactionsOf, type Transaction } from './sql.js';
import { inDatabase, same } from './truth.js';
import { tableOf } from './view.js';

/** Takes SQL until `.quit`, the end of the input or `stop`, and shows the frames that go out. */
export async function prompt(origin: Origin, stop: AbortSignal): Promise<void> {
  const { fanout, server } = origin.nodes[0];
  console.log(`Sessions are served at ${server.url}. Type SQL; .quit or Ctrl-C ends.`);
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  stop.addEventListener('abort', () => {
    lines.close();
  });
  const frames = fanout.frames$.subscribe((frame) => {
    console.log(lineOf(frame));
  });
  const joined = newSessions(fanout).subscribe((id) => {
    console.log(`  a device has joined: session ${id}`);
  });
  const ask = (question: string): void => {
    if (!process.stdin.isTTY || stop.aborted) return;
    lines.setPrompt(question);
    lines.prompt();
  };
  let input = '';
  ask('origin=# ');
  for await (const line of lines) {
    if (line.trim() === '.quit') break;
    if (input === '' && line.trim().startsWith('.')) {
      console.log('There is no such command; .quit or Ctrl-C ends, anything else is SQL.');
      ask('origin=# ');
      continue;
    }
    input += `${line}\n`;
    const { statements, rest } = splitSql(input);
    const { transactions, open } = transactionsOf(statements);
    const whole = rest === undefined && open === undefined;
    if (whole) {
      input = '';
      await run(origin, transactions, stop);
    }
    ask(whole ? 'origin=# ' : 'origin-# ');
  }
  if (input.trim() !== '' && !stop.aborted)
    console.log('The last statement or transaction has no end and was not run.');
  lines.close();
  frames.unsubscribe();
  joined.unsubscribe();
}

/** The ids of the sessions that begin from now on; a resync begins a session anew. */
const newSessions = ({ events$ }: DefinitionSyncFanout): Observable<string> =>
  events$.pipe(
    filter((event) => event.type === 'registered'),
    map(({ sessionId }) => sessionId),
    distinct(),
  );

const lineOf = ({ sequence, msg, bytes }: DefinitionFrame): string =>
  `  -> DefinitionSync #${sequence}  ${msg.action} ${msg.definitionType} ${msg.name}  ${bytes.length} bytes`;

async function run(origin: Origin, transactions: readonly Transaction[], stop: AbortSignal): Promise<void> {
  const { db, nodes, participants } = origin;
  const { fanout } = nodes[0];
  const before = fanout.stats().broadcast;
  try {
    for (const transaction of transactions) {
      const results = await runTransaction(db, 'input', transaction);
      for (const result of results) printRows(result);
    }
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    console.log(error.message);
  }
  await settle(origin, 5_000, stop);
  if (fanout.stats().broadcast === before) return;
  const database = await inDatabase(db);
  const holding = participants.filter((participant) => same(holdingsOf(participant), database)).length;
  console.log(`  ${holding} of ${participants.length} sessions hold what the database holds`);
}

function printRows({ fields, rows }: Result): void {
  if (fields.length === 0) return;
  const cell = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const names = fields.map(({ name }) => name);
  console.log(
    tableOf(
      names,
      rows.map((row) => names.map((name) => cell(row[name]))),
    ).join('\n'),
  );
}
