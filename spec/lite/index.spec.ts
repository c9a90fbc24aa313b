import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import * as lite from 'ddl-fanout/lite';

describe('ddl-fanout/lite', () => {
  it('exports these names', () => {
    expect(Object.keys(lite)).toEqual(['LiteError', 'connectLite', 'definitionKey', 'fileStore', 'memoryStore']);
  });

  it('is bundled for a browser without a module of Node and without a logger', async () => {
    const { metafile } = await build({
      entryPoints: ['lib/lite/index.ts'],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'esm',
      logLevel: 'silent',
    });
    const inputs = Object.keys(metafile.inputs).join('\n');
    expect(inputs).not.toMatch(/node:|tslog/);
  });
});
