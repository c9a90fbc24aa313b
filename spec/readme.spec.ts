import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

describe('the README', () => {
  it('has a first use that runs as it stands', async () => {
    const readme = await readFile('README.md', 'utf8');
    const code = /## First use\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme)?.[1];
    if (code === undefined) throw new Error('README.md has no code under "First use"');
    // Inside the project, so that its packages are found.
    const folder = await mkdtemp(join('.tmp-readme-'));
    try {
      await writeFile(join(folder, 'first.ts'), code);
      const { stdout } = await run(process.execPath, ['--import', 'tsx', join(folder, 'first.ts')]);
      expect(stdout).toBe('1 tax 27\n');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
