import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { spreadOf } from './support/figure.js';
import type { Group } from './support/figure.js';

const EXPORTS = [
  ['all of the core', '*'],
  ['DefinitionSyncFanout', '{ DefinitionSyncFanout }'],
  ['boundedBuffer', '{ boundedBuffer }'],
  ['encodeDefinitionSync, decodeDefinitionSync', '{ encodeDefinitionSync, decodeDefinitionSync }'],
] as const;

export const group: Group = {
  name: 'bundle',
  title: 'Bundle',
  plotted: false,
  about: 'Bytes of what esbuild makes of an import from the core: minified, gzipped, without rxjs, msgpackr and tslog.',
  async run() {
    const figures = [];
    for (const [what, names] of EXPORTS) {
      const bytes = spreadOf([await bundledBytes(names)]);
      figures.push({ what, size: 1, unit: 'bytes', ours: bytes, target: { of: 'cost', atMost: 6 * 1_024 } as const });
    }
    return figures;
  },
};

async function bundledBytes(names: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export ${names} from './lib/index.ts'`, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['rxjs', 'msgpackr', 'tslog'],
    write: false,
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
}
