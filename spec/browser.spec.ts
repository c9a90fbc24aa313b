import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { createContext, runInContext } from 'node:vm';

/** What a browser has and this context is given; above all there is no Buffer and no process. */
const WEB = {
  TextEncoder,
  TextDecoder,
  MessageChannel,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  queueMicrotask,
};

const PROGRAM = `
  import { DefinitionSyncFanout, decodeDefinitionSync } from './lib/index.js';
  import { encodeFrame } from './lib/wire/index.js';
  import { boundedBuffer } from './lib/operators/index.js';

  const seen = [];
  const fanout = new DefinitionSyncFanout({ catalog: true });
  fanout.register('page', ({ bytes }) => { seen.push(decodeDefinitionSync(bytes).name); }).subscribe();
  fanout.broadcast({ definitionType: 'function', name: 'größe', action: 'put', payload: new Uint8Array([123, 125]) });
  const late = fanout.receiver('late', { replay: true });
  globalThis.result = {
    seen,
    late: late.tryReceive()?.sequence,
    frame: encodeFrame(0x70, new Uint8Array(0)).length,
    operator: typeof boundedBuffer(() => undefined),
    buffer: typeof Buffer,
  };
`;

describe('the core in a browser', () => {
  it('needs no node: import and no Buffer', async () => {
    const bundle = await build({
      stdin: { contents: PROGRAM, resolveDir: process.cwd(), loader: 'ts' },
      bundle: true,
      platform: 'browser',
      format: 'iife',
      write: false,
      logLevel: 'silent',
    });
    const context = createContext({ ...WEB, console });
    runInContext(bundle.outputFiles[0]?.text ?? '', context);
    expect((context as { result?: unknown }).result).toEqual({
      seen: ['größe'],
      late: 1,
      frame: 5,
      operator: 'function',
      buffer: 'undefined',
    });
  });
});
