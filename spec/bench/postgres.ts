import { firstValueFrom, filter, map, take, tap } from 'rxjs';
import { pathToFileURL } from 'node:url';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { installCapture, postgresDefinitions, removeCapture } from 'ddl-fanout/postgres';
import type { TestDatabase } from '../helpers/postgresDatabase.js';
import { openPglite } from '../helpers/postgresPglite.js';
import { PostgresServer, postgresServer } from '../helpers/postgresServer.js';

/** What capturing costs; times are medians in milliseconds, ratios are with the capture over without. */
export interface PostgresBench {
  readonly origin: 'PostgreSQL' | 'PGlite';
  /** How many definitions the database holds. */
  readonly definitions: number;
  readonly createFunction: { readonly without: number; readonly with: number; readonly ratio: number };
  readonly alterTable: { readonly without: number; readonly with: number; readonly ratio: number };
  readonly createTempTable: { readonly without: number; readonly with: number; readonly ratio: number };
  /** From sending the statement to the frame that a fan-out has made of it. */
  readonly statementToFrame: number;
}

const ROUNDS = 200;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function time(database: TestDatabase, statement: (round: number) => string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await database.sql(statement(round));
    times.push(performance.now() - start);
  }
  return median(times);
}

async function costs(database: TestDatabase): Promise<readonly [create: number, alter: number, temp: number]> {
  return [
    await time(database, (i) => `CREATE OR REPLACE FUNCTION f${i}(a int) RETURNS int LANGUAGE sql AS 'SELECT ${i}'`),
    await time(database, (i) => `ALTER TABLE t ALTER COLUMN a SET DEFAULT ${i}`),
    await time(database, (i) => `CREATE TEMP TABLE temp${i} (a int)`),
  ];
}

async function latency(database: TestDatabase): Promise<number> {
  const fanout = new DefinitionSyncFanout();
  const reading = postgresDefinitions(database.client).subscribe(fanout);
  const named = (i: number) => `public.g${i}()`;
  const create = (i: number) => database.sql(`CREATE FUNCTION g${i}() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const frame = firstValueFrom(
      fanout.frames$.pipe(
        filter(({ msg }) => msg.name === named(round)),
        take(1),
        map(() => performance.now() - start),
        tap((took) => times.push(took)),
      ),
    );
    await create(round);
    await frame;
  }
  reading.unsubscribe();
  return median(times.slice(ROUNDS / 10));
}

const compared = (without: number, withCapture: number) => ({
  without,
  with: withCapture,
  ratio: withCapture / without,
});

async function measure(
  origin: PostgresBench['origin'],
  database: TestDatabase,
  definitions: number,
): Promise<PostgresBench> {
  await database.sql(`CREATE TABLE t (a int); DO $$ BEGIN FOR i IN 1..${definitions} LOOP
    EXECUTE format('CREATE FUNCTION d%s(a int) RETURNS int LANGUAGE sql AS ''SELECT 1''', i); END LOOP; END $$`);
  const [create, alter, temp] = await costs(database);
  await database.sql(`DISCARD TEMP`);
  await installCapture(database.client);
  const [createWith, alterWith, tempWith] = await costs(database);
  const statementToFrame = await latency(database);
  await removeCapture(database.client);
  await database.close();
  return {
    origin,
    definitions,
    createFunction: compared(create, createWith),
    alterTable: compared(alter, alterWith),
    createTempTable: compared(temp, tempWith),
    statementToFrame,
  };
}

/** Measures a PostgreSQL server (with `fsync` off: what the disk adds to both sides varies more than the capture costs) where there is one, and PGlite. */
export async function postgresBench(): Promise<readonly PostgresBench[]> {
  const results: PostgresBench[] = [];
  if (postgresServer.available) {
    const server = await PostgresServer.start({ fsync: 'off' });
    try {
      for (const definitions of [0, 5_000]) results.push(await measure('PostgreSQL', await server.open(), definitions));
    } finally {
      await server.stop();
    }
  }
  results.push(await measure('PGlite', await openPglite(), 0));
  return results;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { origin, definitions, statementToFrame, ...costsOf } of await postgresBench()) {
    process.stdout.write(
      `${origin}, ${definitions} definitions: statement to frame ${statementToFrame.toFixed(2)} ms\n`,
    );
    for (const [what, { without, with: captured, ratio }] of Object.entries(costsOf)) {
      process.stdout.write(
        `  ${what.padEnd(16)} ${without.toFixed(3)} ms, captured ${captured.toFixed(3)} ms, ratio ${ratio.toFixed(2)}\n`,
      );
    }
  }
}
