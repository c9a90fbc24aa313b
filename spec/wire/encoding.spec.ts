import vm from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import {
  decodeDefinitionSync,
  decodeMessage,
  type DefinitionSyncMsg,
  encodeDefinitionSync,
  encodeMessage,
  type Handshake,
  type HandshakeAck,
  type MessageKind,
  WireError,
} from 'ddl-fanout/wire';

const definition: DefinitionSyncMsg = {
  definitionType: 'function',
  name: 'f',
  action: 'put',
  payload: Uint8Array.of(1),
};
const handshake: Handshake = {
  jwtToken: 't',
  vectorClock: new Map(),
  subscribedShapes: [],
  clientVersion: 'v',
  liteId: 'l',
  epoch: 1n,
  wireVersion: 1,
};
const ack: HandshakeAck = {
  success: true,
  sessionId: 's',
  serverClock: new Map(),
  error: null,
  forkDetected: false,
  serverWireVersion: 1,
};
const resync = (reason: unknown) => ({ reason, fromMutationId: 0n, collection: '' });
const throwing = (field: string, thrown: unknown = new Error('no')) => ({
  get [field](): never {
    throw thrown;
  },
});

/** What cannot be encoded: kind, message, and what the error says. */
const rows: readonly (readonly [string, string, unknown, RegExp])[] = [
  ['null', 'DefinitionSync', null, /^DefinitionSync must be an object, got null$/],
  ['undefined', 'PingPong', undefined, /^PingPong must be an object, got undefined$/],
  ['a string', 'Throttle', 'x', /^Throttle must be an object, got "x"$/],
  ['a missing name', 'DefinitionSync', { ...definition, name: undefined }, /\.name must be a string, got undefined/],
  [
    'a number as type',
    'DefinitionSync',
    { ...definition, definitionType: 5 },
    /definitionType must be a string, got 5/,
  ],
  ['a null action', 'DefinitionSync', { ...definition, action: null }, /action must be a string, got null/],
  ['a lone surrogate', 'DefinitionSync', { ...definition, name: 'a\ud800b' }, /name contains a lone surrogate$/],
  ['a payload as string', 'DefinitionSync', { ...definition, payload: '{}' }, /payload must be a Uint8Array, got "{}"/],
  [
    'a payload as array',
    'DefinitionSync',
    { ...definition, payload: [1] },
    /payload must be a Uint8Array, got an array/,
  ],
  [
    'another view',
    'DefinitionSync',
    { ...definition, payload: new DataView(new ArrayBuffer(1)) },
    /payload must be a U/,
  ],
  ['a null scope', 'DefinitionSync', { ...definition, scope: null }, /scope must be an object, got null/],
  ['half a scope', 'DefinitionSync', { ...definition, scope: { tenantId: 1n } }, /scope.databaseId .* got undefined/],
  ['a number for a u64', 'DefinitionSync', { ...definition, scope: { tenantId: 1, databaseId: 1n } }, /tenantId .* 2\^64-1, got 1$/], // prettier-ignore
  ['a negative u64', 'PingPong', { timestampMs: -1n, isPong: true }, /PingPong.timestampMs must be .*, got -1n/],
  ['a u64 of 2^64', 'PingPong', { timestampMs: 1n << 64n, isPong: true }, /got 18446744073709551616n/],
  ['a number as bool', 'PingPong', { timestampMs: 1n, isPong: 1 }, /PingPong.isPong must be a boolean, got 1/],
  ['a u16 of 65536', 'Handshake', { ...handshake, wireVersion: 65536 }, /wireVersion must be a whole number .* 65536/],
  ['a negative u16', 'Handshake', { ...handshake, wireVersion: -1 }, /wireVersion .* got -1/],
  ['a u16 of 1.5', 'Handshake', { ...handshake, wireVersion: 1.5 }, /wireVersion .* got 1.5/],
  ['a u16 as bigint', 'Handshake', { ...handshake, wireVersion: 1n }, /wireVersion .* got 1n/],
  ['a record for a map', 'Handshake', { ...handshake, vectorClock: {} }, /vectorClock must be a Map, got an object/],
  ['a null inner map', 'Handshake', { ...handshake, vectorClock: new Map([['c', null]]) }, /vectorClock must be a Map/],
  [
    'a number as key',
    'Handshake',
    { ...handshake, vectorClock: new Map([[1, new Map()]]) },
    /vectorClock must be a str/,
  ],
  ['a number in a clock', 'HandshakeAck', { ...ack, serverClock: new Map([['c', 1]]) }, /serverClock must be a bigint/],
  ['a string for a list', 'Handshake', { ...handshake, subscribedShapes: 'a' }, /subscribedShapes must be an array/],
  ['a hole in a list', 'Handshake', { ...handshake, subscribedShapes: Array(1) }, /subscribedShapes must be a string/],
  [
    'an undefined Option',
    'HandshakeAck',
    { ...ack, error: undefined },
    /error must be a string or null, got undefined/,
  ],
  ['a lone surrogate in an Option', 'HandshakeAck', { ...ack, error: '\udc00' }, /error contains a lone surrogate$/],
  ['an unknown reason', 'ResyncRequest', resync({ type: 'Other' }), /ResyncRequest.reason.type must be .*"Other"/],
  ['a reason as string', 'ResyncRequest', resync('CorruptedState'), /reason must be an object, got "CorruptedState"/],
  ['half a gap', 'ResyncRequest', resync({ type: 'SequenceGap', expected: 1n }), /reason.received must be a bigint/],
  ['an unknown kind', 'DeltaPush', {}, /^kind must be one of Handshake, .*PingPong, got "DeltaPush"$/],
  ['a kind of the prototype', 'toString', {}, /^kind must be one of/],
  ['a kind that is no string', null as unknown as string, {}, /^kind must be one of .*got null$/],
];

function failure(act: () => unknown): WireError {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('encodeMessage', () => {
  it.each(rows)('refuses %s', (_, kind, message, finding) => {
    const error = failure(() => encodeMessage(kind as MessageKind, message as never));
    expect(error.code).toBe('UNENCODABLE');
    expect(error.message).toMatch(finding);
  });

  it.each(['definitionType', 'name', 'action', 'payload', 'scope'])('names %s when reading it throws', (field) => {
    const cause = new Error('no');
    const message = Object.defineProperties(
      { ...definition },
      Object.getOwnPropertyDescriptors(throwing(field, cause)),
    );
    const error = failure(() => encodeDefinitionSync(message));
    expect(error).toMatchObject({ code: 'UNENCODABLE', message: `DefinitionSync.${field} cannot be encoded`, cause });
  });

  it('gives its own error also when a getter throws one of another code', () => {
    const thrown = new WireError('BAD_BODY', 'x');
    for (const [kind, field] of [
      ['PingPong', 'timestampMs'],
      ['DefinitionSync', 'definitionType'],
    ] as const) {
      // prettier-ignore
      const error = failure(() => encodeMessage(kind, throwing(field, thrown) as never));
      expect(error).toMatchObject({
        code: 'UNENCODABLE',
        message: `${kind}.${field} cannot be encoded`,
        cause: thrown,
      });
    }
  });

  it('gives its own error when a Map is none', () => {
    const serverClock = { [Symbol.toStringTag]: 'Map' } as unknown as Map<string, bigint>;
    expect(failure(() => encodeMessage('HandshakeAck', { ...ack, serverClock })).code).toBe('UNENCODABLE');
  });

  it('refuses a body of more than 2^32-1 bytes', () => {
    const payload = new Uint8Array(2 ** 32 - 8);
    const error = failure(() => encodeDefinitionSync({ ...definition, payload }));
    expect(error.message).toMatch(/a body must have at most 4294967295 bytes/);
  });

  it('takes maps, arrays and bytes of another realm', () => {
    const foreign = vm.runInNewContext(
      '({ clock: new Map([["c", new Map([["d", 5n]])]]), shapes: ["a"], payload: Uint8Array.of(7) })',
    ) as { clock: Handshake['vectorClock']; shapes: string[]; payload: Uint8Array };
    const frame = encodeMessage('Handshake', {
      ...handshake,
      vectorClock: foreign.clock,
      subscribedShapes: foreign.shapes,
    });
    expect(decodeMessage(frame)?.message).toStrictEqual({
      ...handshake,
      vectorClock: new Map([['c', new Map([['d', 5n]])]]),
      subscribedShapes: ['a'],
    });
    expect(
      decodeDefinitionSync(encodeDefinitionSync({ ...definition, payload: foreign.payload })).payload,
    ).toStrictEqual(Uint8Array.of(7));
  });

  it('takes a Buffer as payload and gives a plain view back', () => {
    const frame = encodeDefinitionSync({ ...definition, payload: Buffer.from('{}') });
    const { payload } = decodeDefinitionSync(Buffer.from(frame));
    expect(payload.constructor).toBe(Uint8Array);
    expect(Buffer.from(payload).toString()).toBe('{}');
    expect(decodeDefinitionSync(frame).payload.buffer).toBe(frame.buffer);
  });

  it('encodes an undefined scope as none, and leaves the position behind', () => {
    const frame = encodeDefinitionSync({ ...definition, scope: undefined, position: 9n });
    expect(frame).toStrictEqual(encodeDefinitionSync(definition));
    expect(decodeDefinitionSync(frame)).toStrictEqual(definition);
  });

  it('encodes bodies that outgrow the buffer of the packer, and small ones after them', () => {
    const large = { ...definition, name: 'n'.repeat(100_000), payload: new Uint8Array(70_000).fill(3) };
    expect(decodeDefinitionSync(encodeDefinitionSync(large))).toStrictEqual(large);
    const clock = new Map(Array.from({ length: 70_000 }, (_, i) => [String(i), 2n ** 33n + BigInt(i)] as const));
    expect(decodeMessage(encodeMessage('HandshakeAck', { ...ack, serverClock: clock }))?.message).toStrictEqual({
      ...ack,
      serverClock: clock,
    });
    const shapes = Array.from({ length: 70_000 }, () => 'x'.repeat(40));
    expect(
      decodeMessage(encodeMessage('Handshake', { ...handshake, subscribedShapes: shapes }))?.message,
    ).toStrictEqual({
      ...handshake,
      subscribedShapes: shapes,
    });
    expect(encodeDefinitionSync(definition).buffer.byteLength).toBe(24);
  });
});
