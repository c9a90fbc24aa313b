import { describe, expect, it } from '@jest/globals';
import { createContext, runInContext } from 'node:vm';
import { bundleForBrowser } from './helpers/bundleForBrowser.js';

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

/** More than one turn of the event loop has. */
const LONG_REPLAY = `
  import { DefinitionSyncFanout, decodeDefinitionSync } from './lib/index.js';

  const fanout = new DefinitionSyncFanout({ catalog: true });
  const payload = new Uint8Array([123, 125]);
  for (let i = 0; i < 1500; i++) fanout.broadcast({ definitionType: 'function', name: 'f' + i, action: 'put', payload });
  globalThis.result = new Promise((resolve) => {
    const deliver = ({ sequence, bytes }) => { if (sequence === 1500) resolve(decodeDefinitionSync(bytes).name); };
    fanout.register('page', deliver, { replay: true }).subscribe();
  });
`;

/** What a program leaves in `globalThis.result`, where there is nothing but the language and what `globals` have. */
async function resultOf(program: string, globals: object): Promise<unknown> {
  const context = createContext({ ...globals, console });
  runInContext(await bundleForBrowser(program), context);
  return (context as { result?: unknown }).result;
}

describe('the core in a browser', () => {
  it('needs no node: import and no Buffer', async () => {
    expect(await resultOf(PROGRAM, WEB)).toEqual({
      seen: ['größe'],
      late: 1,
      frame: 5,
      operator: 'function',
      buffer: 'undefined',
    });
  });

  it.each<[string, object]>([
    ['message ports', WEB],
    // As in jsdom: the import failed for want of a TextDecoder, and a replay of a second turn for want of a MessageChannel.
    ['timers alone, and no TextDecoder', { setTimeout, clearTimeout }],
  ])('replays on where there are %s', async (_, globals) => {
    expect(await resultOf(LONG_REPLAY, globals)).toBe('f1499');
  });

  it('loads, and the device with it, where there is nothing of the kind', async () => {
    const program = `import * as core from './lib/index.js'; import * as lite from './lib/lite/index.js';
      globalThis.result = [core.DefinitionSyncFanout, lite.connectLite, lite.fileStore].map((each) => typeof each);`;
    expect(await resultOf(program, {})).toEqual(['function', 'function', 'function']);
  });
});
