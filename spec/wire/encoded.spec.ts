import { expect, it } from '@jest/globals';
import { encodeDefinitionSync, type DefinitionSyncMsg } from 'ddl-fanout/wire';
import { frameOf, rememberEncoding } from '../../lib/wire/encoded.js';

it('remembers the frame of one message object, and of no equal one', () => {
  const msg: DefinitionSyncMsg = { definitionType: 'function', name: 'f', action: 'put', payload: new Uint8Array(0) };
  const bytes = Uint8Array.of(1);
  rememberEncoding(msg, bytes);
  expect(frameOf(msg)).toBe(bytes);
  expect(frameOf({ ...msg })).toEqual(encodeDefinitionSync(msg));
});
