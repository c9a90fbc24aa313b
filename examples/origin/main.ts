import { migrate, printSummary } from './migrate.js';
import { readMigration } from './migration.js';
import { Complaint, help, parseOptions } from './options.js';
import { startOrigin } from './origin.js';
import { prompt } from './prompt.js';

/** The exit code: 0; 1 when `--once` did not end with the database's definitions everywhere; 2 is a complaint. */
async function main(args: readonly string[], stop: AbortSignal): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    console.log(help);
    return 0;
  }
  const files = await readMigration(options.migration);
  console.log(
    `Starting ${options.postgres === undefined ? 'PostgreSQL in this process' : 'in PostgreSQL'}, and the sessions ...`,
  );
  const origin = await startOrigin(options);
  try {
    const { url } = origin.nodes[0].server;
    console.log(`Serving at ${url}.`);
    if (!options.once)
      console.log(
        `To join with a device from another terminal:\n  npx tsx examples/device.ts ${url} ${origin.token}\n`,
      );
    await migrate(origin, files, stop);
    const converged = !stop.aborted && (await printSummary(origin));
    if (options.once) return converged ? 0 : 1;
    if (!stop.aborted) await prompt(origin, stop);
    return 0;
  } finally {
    await origin.close();
  }
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}
process.exitCode = await main(process.argv.slice(2), stop.signal).catch((error: unknown) => {
  if (!(error instanceof Complaint)) throw error;
  console.error(error.message);
  return 2;
});
