import { expect, it } from '@jest/globals';
import type { DefinitionSyncMsg } from 'ddl-fanout/wire';
import { encodedFrame, rememberEncoding } from '../../lib/wire/encoded.js';

it('remembers the frame of one message object, and of no equal one', () => {
  const msg: DefinitionSyncMsg = { definitionType: 'function', name: 'f', action: 'put', payload: new Uint8Array(0) };
  const bytes = Uint8Array.of(1);
  rememberEncoding(msg, bytes);
  expect(encodedFrame(msg)).toBe(bytes);
  expect(encodedFrame({ ...msg })).toBeUndefined();
});
