import { describe, expect, it } from '@jest/globals';
import {
  decodeDefinitionSync,
  decodeFrame,
  decodeMessage,
  type DefinitionSyncMsg,
  encodeDefinitionSync,
  encodeMessage,
  type MessageOf,
  SyncMessageType,
  WireError,
} from 'ddl-fanout/wire';
import fc from 'fast-check';

const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const u16 = fc.integer({ min: 0, max: 0xffff });
const text = fc.string({ unit: 'binary', maxLength: 80 });
const option = fc.option(text);
const clock = fc.array(fc.tuple(text, u64)).map((entries) => new Map(entries));

const definition = fc
  .record(
    {
      definitionType: text,
      name: text,
      action: text,
      payload: fc.uint8Array({ maxLength: 400 }),
      scope: fc.record({ tenantId: u64, databaseId: u64 }, { noNullPrototype: true }),
    },
    { requiredKeys: ['definitionType', 'name', 'action', 'payload'], noNullPrototype: true },
  )
  .map((msg): DefinitionSyncMsg => msg);

const reason = fc.oneof(
  fc.record({ type: fc.constant('SequenceGap' as const), expected: u64, received: u64 }, { noNullPrototype: true }),
  fc.record({ type: fc.constant('ChecksumMismatch' as const), mutationId: u64 }, { noNullPrototype: true }),
  fc.constant({ type: 'CorruptedState' as const }),
);

/** A message of any kind. */
const anyMessage: fc.Arbitrary<MessageOf> = fc.oneof(
  definition.map((message) => ({ kind: 'DefinitionSync' as const, message })),
  fc
    .record({
      jwtToken: text,
      vectorClock: fc.array(fc.tuple(text, clock)).map((entries) => new Map(entries)),
      subscribedShapes: fc.array(text, { maxLength: 40 }),
      clientVersion: text,
      liteId: text,
      epoch: u64,
      wireVersion: u16,
    })
    .map((message) => ({ kind: 'Handshake' as const, message: { ...message } })),
  fc
    .record({
      success: fc.boolean(),
      sessionId: text,
      serverClock: clock,
      error: option,
      forkDetected: fc.boolean(),
      serverWireVersion: u16,
    })
    .map((message) => ({ kind: 'HandshakeAck' as const, message: { ...message } })),
  fc.record({ reason, fromMutationId: u64, collection: text }).map((message) => ({ kind: 'ResyncRequest' as const, message: { ...message } })), // prettier-ignore
  fc.record({ throttle: fc.boolean(), queueDepth: u64, suggestedRate: u64 }).map((message) => ({ kind: 'Throttle' as const, message: { ...message } })), // prettier-ignore
  fc.record({ newToken: text }).map((message) => ({ kind: 'TokenRefresh' as const, message: { ...message } })),
  fc.record({ success: fc.boolean(), error: option, expiresInSecs: u64 }).map((message) => ({ kind: 'TokenRefreshAck' as const, message: { ...message } })), // prettier-ignore
  fc.record({ timestampMs: u64, isPong: fc.boolean() }).map((message) => ({ kind: 'PingPong' as const, message: { ...message } })), // prettier-ignore
);

/** Whether every decoder gives a result or a WireError, and nothing else. */
function decodes(bytes: Uint8Array): boolean {
  for (const decode of [decodeFrame, decodeMessage, decodeDefinitionSync]) {
    try {
      decode(bytes);
    } catch (error) {
      if (!(error instanceof WireError) || error.message === '') throw error;
    }
  }
  return true;
}

/** A header of a known type with the right length, so that the body is read. */
function framed(type: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + body.length);
  frame.set(body, 5);
  frame[0] = type;
  new DataView(frame.buffer).setUint32(1, body.length, true);
  return frame;
}

describe('the wire', () => {
  it('gives back every message of every kind, from a buffer of its own size', () => {
    fc.assert(
      fc.property(anyMessage, (sent) => {
        const bytes = encodeMessage(sent.kind, sent.message);
        expect(bytes.buffer.byteLength).toBe(bytes.length);
        expect(decodeMessage(bytes)).toStrictEqual(sent);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives back every definition', () => {
    fc.assert(
      fc.property(definition, (msg) => {
        expect(decodeDefinitionSync(encodeDefinitionSync(msg))).toStrictEqual(msg);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives a result or a WireError for random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), decodes), { numRuns: 5000 });
  });

  it('gives a result or a WireError for random bodies of known types', () => {
    const types = fc.constantFrom(...Object.values(SyncMessageType));
    const marker = fc.constantFrom(
      0x80,
      0x91,
      0x92,
      0x93,
      0x94,
      0x96,
      0x97,
      0xa1,
      0xc0,
      0xc3,
      0xc4,
      0xcf,
      0xd9,
      0xdc,
      0xdf,
    );
    const body = fc.array(fc.oneof(marker, fc.integer({ min: 0, max: 255 })), { maxLength: 60 });
    fc.assert(
      fc.property(types, body, (type, bytes) => decodes(framed(type, Uint8Array.from(bytes)))),
      { numRuns: 5000 },
    );
  });

  it('gives a result or a WireError for messages of which a few bytes were changed, cut or inserted', () => {
    const change = fc.record({
      at: fc.nat(),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.nat(2),
      insert: fc.nat(2),
    });
    fc.assert(
      fc.property(anyMessage, fc.array(change, { minLength: 1, maxLength: 4 }), (sent, changes) => {
        const [type = 0, ...rest] = encodeMessage(sent.kind, sent.message);
        const body = rest.slice(4);
        for (const { at, byte, cut, insert } of changes) {
          body.splice(at % (body.length + 1), cut, ...Array<number>(insert).fill(byte));
        }
        return decodes(framed(type, Uint8Array.from(body)));
      }),
      { numRuns: 3000 },
    );
  });

  it('gives bytes or UNENCODABLE for any value at all', () => {
    const kinds = fc.constantFrom('Handshake', 'HandshakeAck', 'DefinitionSync', 'ResyncRequest', 'PingPong');
    const value = fc.anything({ withBigInt: true, withMap: true, withTypedArray: true, withNullPrototype: true });
    fc.assert(
      fc.property(kinds, value, fc.constantFrom('name', 'reason', 'error', 'jwtToken'), (kind, message, field) => {
        for (const each of [message, { [field]: message }]) {
          try {
            encodeMessage(kind as 'PingPong', each as never);
          } catch (error) {
            if (!(error instanceof WireError) || error.code !== 'UNENCODABLE') throw error;
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
