import vm from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { FanoutError } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import {
  decodeDefinitionSync,
  decodeFrame,
  decodeMessage,
  encodeDefinitionSync,
  encodeFrame,
  encodeMessage,
  SyncMessageType,
} from 'ddl-fanout/wire';

const header = (type: number, length: number) =>
  Uint8Array.from([type, length & 0xff, (length >>> 8) & 0xff, (length >>> 16) & 0xff, length >>> 24]);

describe('encodeFrame', () => {
  it('writes the type, the little-endian length and the body into a buffer of its own size', () => {
    const frame = encodeFrame(SyncMessageType.PingPong, new Uint8Array(0x01_02_03).fill(7));
    expect([...frame.subarray(0, 6)]).toStrictEqual([0xff, 0x03, 0x02, 0x01, 0x00, 7]);
    expect(frame.buffer.byteLength).toBe(frame.length);
    expect(encodeFrame(0x01, Buffer.from([9])).constructor).toBe(Uint8Array);
  });

  it.each([0, 0x03, 0x71, 256, -1, 1.5, NaN, '112', undefined])('refuses %p, which is no type', (type) => {
    expect(() => encodeFrame(type as number, new Uint8Array(0))).toThrow(
      expect.objectContaining({
        code: 'UNENCODABLE',
        message: expect.stringMatching(/^type must be a SyncMessageType/),
      }),
    );
  });

  it.each(['x', null, [1], new Uint16Array(1), new ArrayBuffer(1)])('refuses %p, which is no Uint8Array', (body) => {
    expect(() => encodeFrame(0x70, body as never)).toThrow(expect.objectContaining({ code: 'UNENCODABLE' }));
  });

  it('refuses a body whose length does not fit the header', () => {
    const body = new Uint8Array(2 ** 32);
    expect(() => encodeFrame(0x70, body)).toThrow(
      expect.objectContaining({ code: 'UNENCODABLE', message: expect.stringContaining('4294967295') }),
    );
  });
});

describe('decodeFrame', () => {
  it.each(Object.values(SyncMessageType))('takes type %p', (type) => {
    expect(decodeFrame(encodeFrame(type, Uint8Array.of(1)))).toStrictEqual({ type, body: Uint8Array.of(1) });
  });

  it('gives a plain view on the input, without the bytes that follow', () => {
    const bytes = Buffer.from([0, 0, 0x70, 2, 0, 0, 0, 8, 9, 10]).subarray(2);
    const { body } = decodeFrame(bytes);
    expect(body).toStrictEqual(Uint8Array.of(8, 9));
    expect(body.buffer).toBe(bytes.buffer);
    expect(body.constructor).toBe(Uint8Array);
  });

  it('takes a Uint8Array of another realm', () => {
    const bytes = vm.runInNewContext('Uint8Array.of(0x70, 1, 0, 0, 0, 8)') as Uint8Array;
    expect([...decodeFrame(bytes).body]).toStrictEqual([8]);
  });

  it.each([
    ['fewer than 5 bytes', header(0x03, 1).subarray(0, 4), 'TRUNCATED'],
    ['no bytes', new Uint8Array(0), 'TRUNCATED'],
    ['an unknown type, also too large and truncated', header(0x03, 0xffff_ffff), 'UNKNOWN_TYPE'],
    ['a frame over the limit, also truncated', header(0x70, 0xffff_ffff), 'TOO_LARGE'],
    ['fewer bytes than the header says', header(0x70, 5), 'TRUNCATED'],
  ])('finds first: %s', (_, bytes, code) => {
    expect(() => decodeFrame(bytes, { maxFrameBytes: 10 })).toThrow(
      expect.objectContaining({ name: 'WireError', code }),
    );
    expect(() => decodeMessage(bytes, { maxFrameBytes: 10 })).toThrow(expect.objectContaining({ code }));
  });

  it('allocates nothing for a claimed length', () => {
    for (const decode of [decodeFrame, decodeMessage, decodeDefinitionSync]) {
      expect(() => decode(header(0x70, 0xffff_ffff))).toThrow(expect.objectContaining({ code: 'TRUNCATED' }));
    }
  });

  it('counts the header towards the limit', () => {
    const frame = encodeFrame(0x70, new Uint8Array(5));
    expect(decodeFrame(frame, { maxFrameBytes: 10 }).body).toHaveLength(5);
    expect(decodeFrame(frame, { maxFrameBytes: undefined }).body).toHaveLength(5);
    expect(() => decodeFrame(frame, { maxFrameBytes: 9 })).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(() => decodeFrame(frame, { maxFrameBytes: 1 })).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it.each([0, -1, 1.5, NaN, '9'])('refuses the limit %p at call time', (maxFrameBytes) => {
    const limits = { maxFrameBytes: maxFrameBytes as number };
    expect(() => decodeFrame(encodeFrame(0x70, new Uint8Array(0)), limits)).toThrow(FanoutError);
    expect(() => decodeMessage(new Uint8Array(0), limits)).toThrow(/maxFrameBytes must be a whole number of 1 or more/);
  });

  it.each(['x', null, undefined, 5, new Uint16Array(9), new ArrayBuffer(9)])(
    'refuses %p, which is no bytes',
    (input) => {
      for (const decode of [decodeFrame, decodeMessage, decodeDefinitionSync]) {
        expect(() => decode(input as never)).toThrow(
          expect.objectContaining({
            code: 'BAD_BODY',
            message: expect.stringMatching(/^a frame must be a Uint8Array/),
          }),
        );
      }
    },
  );
});

describe('a frame that was taken apart already', () => {
  const pong = { timestampMs: 5n, isPong: true };
  const put = definition('f', { scope: { tenantId: 7n, databaseId: 9n } });

  it('is decoded as the whole frame is', () => {
    expect(decodeMessage(decodeFrame(encodeMessage('PingPong', pong)))).toEqual({ kind: 'PingPong', message: pong });
    const apart = decodeFrame(encodeDefinitionSync(put));
    expect(decodeDefinitionSync(apart)).toEqual(put);
    expect(decodeDefinitionSync(apart).payload.buffer).toBe(apart.body.buffer);
    expect(decodeMessage({ type: SyncMessageType.DeltaPush, body: new Uint8Array(0) })).toBeUndefined();
  });

  it.each([
    ['UNKNOWN_TYPE', { type: 0x03, body: new Uint8Array(9) }],
    ['TOO_LARGE', { type: SyncMessageType.PingPong, body: new Uint8Array(6) }],
    ['BAD_BODY', { type: SyncMessageType.PingPong, body: new Uint8Array(0) }],
    ['BAD_BODY', { type: SyncMessageType.PingPong, body: 'x' as unknown as Uint8Array }],
    ['UNKNOWN_TYPE', { type: undefined as unknown as number, body: new Uint8Array(1) }],
    ['UNKNOWN_TYPE', { type: null as unknown as number, body: new Uint8Array(1) }],
  ])('is refused with %s as the whole frame is', (code, frame) => {
    expect(() => decodeMessage(frame, { maxFrameBytes: 10 })).toThrow(expect.objectContaining({ code }));
  });
});
