import { describe, expect, it } from '@jest/globals';
import {
  decodeDefinitionSync,
  decodeFrame,
  decodeMessage,
  encodeDefinitionSync,
  encodeFrame,
  encodeMessage,
  type DefinitionSyncMsg,
  type MessageKind,
} from 'ddl-fanout/wire';
import { expectedFingerprint, fingerprint, goldenVectors, kindOf, messageOf } from './goldenVectors.js';

describe('golden vectors of the original', () => {
  it.each(goldenVectors.map((vector) => [vector.id, vector] as const))('%s goes both ways', (_, vector) => {
    const kind = kindOf(vector) as MessageKind;
    const message = messageOf(vector);
    const frame = encodeMessage(kind, message as never);
    expect(fingerprint(vector, frame)).toBe(expectedFingerprint(vector));
    expect(frame.buffer.byteLength).toBe(frame.length);
    expect(decodeMessage(frame)).toStrictEqual({ kind, message });
    expect(decodeFrame(frame).type).toBe(vector.type);
    expect(encodeFrame(vector.type, decodeFrame(frame).body)).toStrictEqual(frame);
  });

  const definitions = goldenVectors.filter((vector) => kindOf(vector) === 'DefinitionSync');

  it.each(definitions.map((vector) => [vector.id, vector] as const))(
    '%s goes both ways as a definition',
    (_, vector) => {
      const message = messageOf(vector) as unknown as DefinitionSyncMsg;
      const frame = encodeDefinitionSync({ ...message, position: 7n });
      expect(fingerprint(vector, frame)).toBe(expectedFingerprint(vector));
      expect(frame.buffer.byteLength).toBe(frame.length);
      expect(decodeDefinitionSync(frame)).toStrictEqual(message);
    },
  );

  it('keep the order of the entries of a map', () => {
    const clock = new Map([
      ['10', 1n],
      ['9', 2n],
      ['__proto__', 3n],
    ]);
    const frame = encodeMessage('HandshakeAck', {
      success: true,
      sessionId: 's',
      serverClock: clock,
      error: null,
      forkDetected: false,
      serverWireVersion: 1,
    });
    const decoded = decodeMessage(frame);
    expect(decoded?.kind === 'HandshakeAck' && [...decoded.message.serverClock]).toStrictEqual([...clock]);
  });
});
