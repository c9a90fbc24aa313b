import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { loadGroups } from './support/load.js';
import { pageOf } from './support/page.js';
import { plotOf } from './support/plot.js';
import { tableOf } from './support/table.js';
import type { Result } from './support/table.js';

const USAGE = `npm run bench -- [options]
  --only <groups>   these groups alone, separated by commas
  --also <groups>   besides the others the groups that run only when named: ws, postgres
  --json            the figures as JSON, and nothing else
  --plot            draws an SVG per group into spec/bench/plots
  --markdown        writes BENCHMARKS.md
  --effort <n>      so many times the rounds; default 1`;

const PLOTS = 'spec/bench/plots';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      also: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      plot: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      effort: { type: 'string', default: '1' },
    },
  });
  const effort = Number(values.effort);
  if (!(effort > 0)) throw new Error(`--effort must be a number above 0, got ${values.effort}`);
  const groups = await loadGroups(namesIn(values.only), namesIn(values.also));
  const results: Result[] = [];
  for (const group of groups) {
    const result = { group, figures: await group.run({ effort }) };
    results.push(result);
    if (!values.json) console.log(tableOf(result));
    if (values.plot) drawPlot(result);
  }
  const machine = {
    node: process.versions.node,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
  };
  if (values.json) console.log(JSON.stringify({ machine, groups: results.map(jsonOf) }, null, 2));
  if (values.markdown) await writePage(pageOf(results, machine, PLOTS));
}

function namesIn(list: string): string[] {
  return list.split(',').filter((name) => name !== '');
}

function jsonOf({ group: { name, title, about, axis = 'sessions' }, figures }: Result): object {
  return { name, title, about, axis, figures };
}

function drawPlot(result: Result): void {
  if (result.group.plotted === false) return;
  mkdirSync(PLOTS, { recursive: true });
  writeFileSync(`${PLOTS}/${result.group.name}.svg`, plotOf(result));
}

async function writePage(page: string): Promise<void> {
  const options = await resolveConfig('BENCHMARKS.md');
  writeFileSync('BENCHMARKS.md', await format(page, { ...options, parser: 'markdown' }));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error, `\n${USAGE}`);
  process.exitCode = 1;
});
