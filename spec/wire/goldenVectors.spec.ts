import { describe, expect, it } from '@jest/globals';
import { decodeDefinitionSync, encodeDefinitionSync, type DefinitionSyncMsg } from 'ddl-fanout/wire';
import { expectedFingerprint, fingerprint, goldenVectors, kindOf, messageOf } from './goldenVectors.js';

describe('golden vectors of the original', () => {
  const definitions = goldenVectors.filter((vector) => kindOf(vector) === 'DefinitionSync');

  it.each(definitions.map((vector) => [vector.id, vector] as const))('%s: a definition goes both ways', (_, vector) => {
    const message = messageOf(vector) as unknown as DefinitionSyncMsg;
    const frame = encodeDefinitionSync(message);
    expect(fingerprint(vector, frame)).toBe(expectedFingerprint(vector));
    expect(frame.buffer.byteLength).toBe(frame.length);
    expect(decodeDefinitionSync(frame)).toStrictEqual(message);
  });
});
