import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Packed {
  filename: string;
  files: { path: string }[];
}

interface Manifest {
  exports: Record<string, unknown>;
  peerDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

describe('the packed tarball', () => {
  let project: string;
  let packed: Packed;
  let manifest: Manifest;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'ddl-fanout-pack-'));
    manifest = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project]);
    // npm prints a list, or (from 11 on) an object by package name.
    const [first] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as Record<string, Packed>);
    if (first === undefined) throw new Error(`npm pack told of no package: ${stdout}`);
    packed = first;
    const peers = Object.keys(manifest.peerDependencies).map((name) => `${name}@${manifest.devDependencies[name]}`);
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', packed.filename, ...peers], {
      cwd: project,
    });
  }, 180_000);

  afterAll(() => rm(project, { recursive: true, force: true }));

  it('holds the build, the docs, and nothing else', () => {
    const others = packed.files.map(({ path }) => path).filter((path) => !/^(dist|docs)\//.test(path));
    expect(others.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    expect(packed.files.some(({ path }) => path === 'dist/index.d.ts')).toBe(true);
  });

  it('can be imported by every subpath in an empty project', async () => {
    const subpaths = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'));
    const imports = subpaths.map(
      (subpath) => `import * as m${subpaths.indexOf(subpath)} from '${subpath.replace('.', 'ddl-fanout')}';`,
    );
    const count = `console.log([${subpaths.map((_, i) => `Object.keys(m${i}).length`).join(', ')}].join(' '));`;
    await writeFile(join(project, 'main.js'), [...imports, count].join('\n'));
    const { stdout } = await run('node', ['main.js'], { cwd: project });
    const counts = stdout.trim().split(' ').map(Number);
    expect(counts).toHaveLength(subpaths.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });
});
