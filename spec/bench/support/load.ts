import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type * as Groups from '../groups.js';
import type { Group } from './figure.js';

/** Run only when named: they need more of the machine than its memory and a core. */
const ON_DEMAND = ['ws', 'postgres'];

/**
 * Loads the groups, the library and the contenders with them, compiled as the package is: without the names that a
 * loader of TypeScript attaches to each closure when it is made, which no user pays for.
 * @param only empty: all but those on demand
 * @param also more names, on demand ones among them
 * @throws {Error} for a name that no group has
 */
export async function loadGroups(only: readonly string[], also: readonly string[]): Promise<readonly Group[]> {
  const { groups } = (await compiled('groups')) as typeof Groups;
  const names = [...(only.length === 0 ? groups.map((each) => each.name) : only), ...also];
  return Promise.all(
    names.map(async (name) => {
      const group = groups.find((each) => each.name === name) ?? (await onDemand(name));
      if (group !== undefined) return group;
      throw new Error(
        `there is no group ${name}; there are ${[...groups.map((each) => each.name), ...ON_DEMAND].join(', ')}`,
      );
    }),
  );
}

async function onDemand(name: string): Promise<Group | undefined> {
  if (!ON_DEMAND.includes(name) || !existsSync(sourceOf(name))) return undefined;
  return ((await compiled(name)) as { group: Group }).group;
}

async function compiled(name: string): Promise<unknown> {
  return import(pathToFileURL(await compile(name)).href);
}

/** Compiles `spec/bench/<name>.ts` and all that it needs of ours; returns the path of the module. */
export async function compile(name: string): Promise<string> {
  const outfile = resolve('.tmp/bench', `${name}.mjs`);
  await build({
    entryPoints: [sourceOf(name)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  return outfile;
}

function sourceOf(name: string): string {
  return resolve('spec/bench', `${name}.ts`);
}
