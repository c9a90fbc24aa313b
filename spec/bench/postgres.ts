import { firstValueFrom, filter, map } from 'rxjs';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { installCapture, postgresDefinitions, removeCapture } from 'ddl-fanout/postgres';
import { openPglite } from '../helpers/postgresPglite.js';
import { PostgresServer, postgresServer } from '../helpers/postgresServer.js';
import { ratioOf, spreadOf } from './support/figure.js';
import type { TestDatabase } from '../helpers/postgresDatabase.js';
import type { Figure, Group } from './support/figure.js';

const ROUNDS = 200;
/** How many definitions the server's database holds. */
const DEFINITIONS = [0, 5_000];

const STATEMENTS: readonly [what: string, statement: (round: number) => string][] = [
  [
    'CREATE OR REPLACE FUNCTION',
    (i) => `CREATE OR REPLACE FUNCTION f${i}(a int) RETURNS int LANGUAGE sql AS 'SELECT ${i}'`,
  ],
  ['ALTER TABLE', (i) => `ALTER TABLE t ALTER COLUMN a SET DEFAULT ${i}`],
  ['CREATE TEMP TABLE', (i) => `CREATE TEMP TABLE temp${i} (a int)`],
];

export const group: Group = {
  name: 'postgres',
  title: 'Capturing PostgreSQL',
  axis: 'definitions',
  plotted: false,
  about:
    'Per statement in its own transaction, in a database with so many functions; the control is the same without a capture. A ' +
    'server, where there is one, runs with `fsync` off: what the disk adds to both sides varies more than the capture costs. ' +
    'To the frame: from sending a CREATE FUNCTION to the frame that a fan-out has made of it.',
  async run({ effort }) {
    const rounds = Math.max(10, Math.round(ROUNDS * effort));
    const figures = await measure('PGlite', await openPglite(), 0, rounds);
    if (!postgresServer.available) return figures;
    const server = await PostgresServer.start({ fsync: 'off' });
    try {
      for (const definitions of DEFINITIONS) {
        figures.push(...(await measure('PostgreSQL', await server.open(), definitions, rounds)));
      }
    } finally {
      await server.stop();
    }
    return figures;
  },
};

async function measure(origin: string, database: TestDatabase, definitions: number, rounds: number): Promise<Figure[]> {
  await database.sql(`CREATE TABLE t (a int); DO $$ BEGIN FOR i IN 1..${definitions} LOOP
    EXECUTE format('CREATE FUNCTION d%s(a int) RETURNS int LANGUAGE sql AS ''SELECT 1''', i); END LOOP; END $$`);
  const without = await costs(database, rounds);
  await database.sql('DISCARD TEMP');
  await installCapture(database.client);
  const captured = await costs(database, rounds);
  const toFrame = await latencies(database, rounds);
  await removeCapture(database.client);
  await database.close();
  const common = { size: definitions, unit: 'ms' };
  return [
    ...STATEMENTS.map(([what], i): Figure => {
      const [ours, control] = [captured[i] ?? [], without[i] ?? []];
      return {
        ...common,
        what: `${origin}, ${what}`,
        ours: spreadOf(ours),
        control: { name: 'without a capture', cost: spreadOf(control) },
        ratio: ratioOf(ours, control),
      };
    }),
    { ...common, what: `${origin}, to the frame`, ours: spreadOf(toFrame) },
  ];
}

/** Milliseconds, by statement and round. */
async function costs(database: TestDatabase, rounds: number): Promise<number[][]> {
  const all: number[][] = [];
  for (const [, statement] of STATEMENTS) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      await database.sql(statement(round));
      times.push(performance.now() - start);
    }
    all.push(times);
  }
  return all;
}

/** Milliseconds; the first tenth of the rounds, which warm up, left out. */
async function latencies(database: TestDatabase, rounds: number): Promise<number[]> {
  const fanout = new DefinitionSyncFanout();
  const reading = postgresDefinitions(database.client).subscribe(fanout);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const took = firstValueFrom(
      fanout.frames$.pipe(
        filter(({ msg }) => msg.name === `public.g${round}()`),
        map(() => performance.now() - start),
      ),
    );
    await database.sql(`CREATE FUNCTION g${round}() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    times.push(await took);
  }
  reading.unsubscribe();
  return times.slice(rounds / 10);
}
