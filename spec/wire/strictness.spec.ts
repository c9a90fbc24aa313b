import { describe, expect, it } from '@jest/globals';
import { decodeDefinitionSync, decodeMessage, SyncMessageType, WireError } from 'ddl-fanout/wire';
import { array, big, bin, type Bytes, FALSE, frame, int, map, NIL, str, TRUE, uint } from './msgpack.js';

const put = str('put');
const fn = str('function');
const name = str('f');
const payload = bin([1, 2]);
const float32: Bytes = [0xca, 0, 0, 0, 0];
const float64: Bytes = [0xcb, 0, 0, 0, 0, 0, 0, 0, 0];
const ext: Bytes = [0xd4, 0, 0];

const definition = (...fields: readonly Bytes[]) => frame(SyncMessageType.DefinitionSync, array(fields));
const ping = (timestamp: Bytes, pong: Bytes = FALSE) => frame(SyncMessageType.PingPong, array([timestamp, pong]));
const resync = (reason: Bytes) => frame(SyncMessageType.ResyncRequest, array([reason, [0], str('')]));
const ack = (clock: Bytes, version: Bytes, error: Bytes = NIL) =>
  frame(SyncMessageType.HandshakeAck, array([TRUE, str('s'), clock, error, FALSE, version]));
const handshake = (clock: Bytes, shapes: Bytes) =>
  frame(SyncMessageType.Handshake, array([str('t'), clock, shapes, str('v'), str('l'), [1], [1]]));

function failure(act: () => unknown): WireError {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const accepted: readonly (readonly [string, Uint8Array, unknown])[] = [
  ['bytes after the frame', Uint8Array.from([...ping([5]), 0xde, 0xad]), { timestampMs: 5n, isPong: false }],
  [
    'bytes inside the body after the value',
    frame(SyncMessageType.PingPong, [...array([[5], TRUE]), 0xc1, 0xff]),
    { timestampMs: 5n, isPong: true },
  ],
  ...([2, 4] as const).map(
    (width) =>
      [
        `an array${8 * width} header for a struct`,
        frame(SyncMessageType.PingPong, array([[5], TRUE], width)),
        { timestampMs: 5n, isPong: true },
      ] as const,
  ),
  ...([1, 2, 4] as const).map(
    (width) =>
      [
        `str${8 * width} and bin${8 * width} headers longer than needed`,
        definition(str('function', width), str('f', width), str('put', width), bin([1, 2], width)),
        { definitionType: 'function', name: 'f', action: 'put', payload: Uint8Array.of(1, 2) },
      ] as const,
  ),
  ...([1, 2, 4, 8] as const).map(
    (width) =>
      [`a uint${8 * width} longer than needed`, ping(uint(7, width)), { timestampMs: 7n, isPong: false }] as const,
  ),
  [
    'a leading BOM and a NUL in a string',
    definition(str('\ufefft'), str('\u0000'), str('\ufeff'), payload),
    { definitionType: '\ufefft', name: '\u0000', action: '\ufeff', payload: Uint8Array.of(1, 2) },
  ],
  [
    'any text as definition_type or action',
    definition(str('VIEW'), name, str(''), payload),
    { definitionType: 'VIEW', name: 'f', action: '', payload: Uint8Array.of(1, 2) },
  ],
  ...([1, 2] as const).map(
    (width) =>
      [
        `a u16 as uint${8 * width}`,
        ack(map([]), uint(7, width)),
        { ...ackOf(new Map()), serverWireVersion: 7 },
      ] as const,
  ),
  [
    'a duplicate map key, of which the last wins',
    ack(map([[str('c'), [1]], [str('d'), [2]], [str('c'), [3]]]), [1]), // prettier-ignore
    ackOf(new Map([['c', 3n], ['d', 2n]])), // prettier-ignore
  ],
  ...([2, 4] as const).map(
    (width) =>
      [
        `a map${8 * width} header longer than needed`,
        ack(map([[str('c'), [1]]], width), [1]),
        ackOf(new Map([['c', 1n]])),
      ] as const,
  ),
  ['an enum variant with fields', resync(array([str('SequenceGap'), array([[1], uint(2, 8)])])), resyncOf({ type: 'SequenceGap', expected: 1n, received: 2n })], // prettier-ignore
  ['an enum variant with one field', resync(array([str('ChecksumMismatch'), array([[9]])])), resyncOf({ type: 'ChecksumMismatch', mutationId: 9n })], // prettier-ignore
  ['a unit variant', resync(array([str('CorruptedState'), NIL])), resyncOf({ type: 'CorruptedState' })],
];

function ackOf(serverClock: ReadonlyMap<string, bigint>): object {
  return { success: true, sessionId: 's', serverClock, error: null, forkDetected: false, serverWireVersion: 1 };
}

function resyncOf(reason: object): object {
  return { reason, fromMutationId: 0n, collection: '' };
}

/** What is refused, and the field and the finding that the error names. */
const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['a body of length 0', frame(SyncMessageType.DefinitionSync, []), /^DefinitionSync .*the end of the body/],
  ['a struct with fewer elements', ping([5]).fill(0x91, 5, 6), /^PingPong must be an array of 2, found an array of 1/],
  ['a struct with more elements', frame(SyncMessageType.PingPong, array([[5], TRUE, NIL])), /found an array of 3/],
  ['a definition of 3 fields', definition(fn, name, put), /^DefinitionSync must be an array of 4 or 6, .*of 3/],
  ['a definition of 5 fields', definition([1], fn, name, put, payload), /found an array of 5/],
  ['a definition of 7 fields', definition([1], [2], fn, name, put, payload, NIL), /found an array of 7/],
  ['a struct as a map', frame(SyncMessageType.PingPong, map([[[5], TRUE]])), /^PingPong must be an array, found a map/],
  ['a nil body', frame(SyncMessageType.PingPong, NIL), /found nil/],
  ['a body of the unused marker', frame(SyncMessageType.PingPong, [0xc1]), /found the unused marker 0xc1/],
  ['a payload as str', definition(fn, name, put, str('x')), /^DefinitionSync.payload must be a bin, found a str/],
  ['a payload as array', definition(fn, name, put, array([[1]])), /payload .* found an array/],
  ['a payload as nil', definition(fn, name, put, NIL), /payload .* found nil/],
  ['a payload as ext', definition(fn, name, put, ext), /payload .* found an ext/],
  ['a payload as the marker 32 above bin8', definition(fn, name, put, [0xe4, 1, 1]), /found a negative fixint/],
  ['a string as bin', definition(bin([1]), name, put, payload), /definitionType must be a str, found a bin/],
  ['a string as nil', definition(fn, NIL, put, payload), /DefinitionSync.name must be a str, found nil/],
  ['a string as int', definition(fn, name, [7], payload), /action must be a str, found a positive fixint/],
  ['a lone surrogate', definition(fn, str([0xed, 0xa0, 0x80]), put, payload), /name must be valid UTF-8/],
  ['an overlong form', definition(fn, str([0xc0, 0xaf]), put, payload), /name must be valid UTF-8/],
  ['truncated UTF-8', definition(fn, str([0xe6, 0xbc]), put, payload), /name must be valid UTF-8/],
  ['long text that is no UTF-8', definition(fn, str(Array<number>(64).fill(0xff), 1), put, payload), /valid UTF-8/],
  ['a tenant as a string', definition(str('1'), [2], fn, name, put, payload), /scope.tenantId must be a u64, .*a str/],
  ['a database as nil', definition([1], NIL, fn, name, put, payload), /scope.databaseId must be a u64, found nil/],
  ...([1, 2, 4, 8] as const).map(
    (width) => [`a u64 as int${8 * width}`, ping(int(5, width)), /timestampMs must be a u64, found a signed/] as const,
  ),
  ['a u64 as a negative fixint', ping([0xff]), /found a negative fixint/],
  ['a u64 as the marker 32 above uint8', ping([0xec, 1]), /found a negative fixint/],
  ['a u64 as float32', ping(float32), /found a float/],
  ['a u64 as float64', ping(float64), /found a float/],
  ['a u16 as uint32', ack(map([]), uint(1, 4)), /serverWireVersion must be a u16, found a uint32/],
  ['a u16 as uint64', ack(map([]), uint(1, 8)), /serverWireVersion must be a u16, found a uint64/],
  ['a u16 as a bool', ack(map([]), TRUE), /found a bool/],
  ['a bool as int', ping([5], [1]), /PingPong.isPong must be a bool, found a positive fixint/],
  ['a bool as nil', ping([5], NIL), /isPong must be a bool, found nil/],
  ['a map as nil', ack(NIL, [1]), /HandshakeAck.serverClock must be a map, found nil/],
  ['a map as an array', ack(array([]), [1]), /serverClock must be a map, found an array/],
  ['a map key that is no str', ack(map([[[1], [1]]]), [1]), /serverClock must be a str, found a positive fixint/],
  ['an inner map as nil', handshake(map([[str('c'), NIL]]), array([])), /Handshake.vectorClock must be a map/],
  ['an element that is no str', handshake(map([]), array([[0xcd, 1, 2]])), /subscribedShapes .* found a uint16/],
  ['an Option as a number', ack(map([]), [1], uint(200, 1)), /HandshakeAck.error must be a str, found a uint8/],
  ['a map that claims 4,294,967,295 pairs', ack([0xdf, ...big(0xffff_ffff, 4)], [1]), /serverClock/],
  ['an array that claims 4,294,967,295 elements', handshake(map([]), [0xdd, ...big(0xffff_ffff, 4)]), /Handshake/],
  ['a str that claims 4,294,967,295 bytes', definition([0xdb, ...big(0xffff_ffff, 4)]).fill(0x94, 5, 6), /Type must be whole/], // prettier-ignore
  ['an enum as a bare string', resync(str('CorruptedState')), /ResyncRequest.reason must be an array, found a str/],
  ['an enum as [tag]', resync(array([str('CorruptedState')])), /reason must be an array of 2, found an array of 1/],
  ['a unit variant with []', resync(array([str('CorruptedState'), array([])])), /reason must be nil, found an array/],
  ['an unknown tag', resync(array([str('Other'), NIL])), /reason must be SequenceGap, .*found "Other"/],
  ['an enum as a map', resync(map([[str('CorruptedState'), NIL]])), /reason must be an array, found a map/],
  ['a variant with too few fields', resync(array([str('SequenceGap'), array([[1]])])), /reason must be an array of 2/],
  ['a variant with nil for its fields', resync(array([str('ChecksumMismatch'), NIL])), /reason must be an array/],
];

describe('the strictness of the original', () => {
  it.each(accepted)('accepts %s', (_, bytes, message) => {
    expect(decodeMessage(bytes)?.message).toStrictEqual(message);
  });

  it.each(refused)('refuses %s', (_, bytes, finding) => {
    const error = failure(() => decodeMessage(bytes));
    expect(error.code).toBe('BAD_BODY');
    expect(error.message).toMatch(finding);
  });

  it('reads the two ids of a scope', () => {
    const bytes = definition(uint(1n << 63n, 8), [2], fn, name, put, payload);
    expect(decodeDefinitionSync(bytes).scope).toStrictEqual({ tenantId: 1n << 63n, databaseId: 2n });
  });

  it('does not read the body of a known type that the library does not speak', () => {
    expect(decodeMessage(frame(SyncMessageType.DeltaPush, [0xc1, 0xff]))).toBeUndefined();
  });

  it('refuses as a definition any other type, and says which', () => {
    const error = failure(() => decodeDefinitionSync(ping([5])));
    expect(error.code).toBe('BAD_BODY');
    expect(error.message).toBe('DefinitionSync must be of type 0x70, found type 0xff');
  });

  const samples = [
    ...accepted.slice(2).map(([, bytes]) => bytes),
    handshake(map([[str('c'), map([[str('d'), uint(300, 2)]])]]), array([str('x'), str('y')])),
    definition(uint(1n << 40n, 8), uint(9, 4), fn, str('n'.repeat(40), 1), put, bin([1, 2, 3], 2)),
  ];

  it('refuses every sample cut at every byte', () => {
    for (const bytes of samples) {
      for (let cut = 0; cut < bytes.length; cut++) {
        expect(failure(() => decodeMessage(bytes.subarray(0, cut))).code).toBe('TRUNCATED');
      }
    }
  });

  it('refuses every sample whose header cuts its value, also when the rest of the value follows', () => {
    for (const bytes of samples) {
      for (let length = 0; length < bytes.length - 5; length++) {
        const cut = Uint8Array.from(bytes);
        new DataView(cut.buffer).setUint32(1, length, true);
        expect(failure(() => decodeMessage(cut)).code).toBe('BAD_BODY');
      }
    }
  });
});
