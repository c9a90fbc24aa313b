import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const run = promisify(execFile);
const pages = ['README.md', ...(await readdir('docs')).map((page) => `docs/${page}`)];

/** The TypeScript on a page, block by block; each stands for itself. */
async function codeOf(page: string): Promise<string[]> {
  const text = await readFile(page, 'utf8');
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);
}

describe('the manual', () => {
  let folder: string;
  const files = new Map<string, string>();

  beforeAll(async () => {
    // Inside the project, so that its packages are found.
    folder = await mkdtemp('.tmp-docs-');
    for (const page of pages) {
      for (const [i, code] of (await codeOf(page)).entries()) {
        const file = join(folder, `${page.replace(/\W/g, '_')}_${i}.ts`);
        files.set(`${page} ${i}`, file);
        await writeFile(file, code);
      }
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has code that compiles as it stands', () => {
    const { config } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
    const program = ts.createProgram([...files.values()], { ...options, noUnusedLocals: false });
    const wrong = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const at = file && start !== undefined ? ` (${file.getLineAndCharacterOfPosition(start).line + 1})` : '';
      return `${file?.fileName ?? ''}${at}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
    expect(files.size).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it.each([
    ['README.md 0', '1 tax 27\n'],
    ['docs/postgres.md 1', 'put public.tax()\n'],
    ['docs/wire.md 0', /^true 31\n\d{13}n\n$/],
    ['docs/testing.md 0', ''],
    ['docs/testing.md 1', ''],
    ['docs/metrics.md 0', /'ddl_fanout\.broadcasts'/],
  ])(
    'has code that runs as it stands: %s',
    async (block, says) => {
      const { stdout } = await run(process.execPath, ['--import', 'tsx', files.get(block) ?? block]);
      if (typeof says === 'string') expect(stdout).toBe(says);
      else expect(stdout).toMatch(says);
    },
    60_000,
  );
});
