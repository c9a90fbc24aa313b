import { describe, expect, it } from '@jest/globals';
import { framedLength, Opcode, writeFrame } from '../../lib/ws/webSocketFrame.js';

describe('writeFrame', () => {
  it.each([
    [0, '8200'],
    [1, '8201'],
    [125, '827d'],
    [126, '827e007e'],
    [65_535, '827effff'],
    [65_536, '827f0000000000010000'],
    [1_000_000, '827f00000000000f4240'],
  ])('puts an unmasked, final header before %d bytes', (length, header) => {
    const payload = new Uint8Array(length).fill(7);
    const target = new Uint8Array(framedLength(length) + 2);
    writeFrame(target, 1, Opcode.binary, payload);
    const end = target.length - 1;
    expect(Buffer.from(target.subarray(1, end - length)).toString('hex')).toBe(header);
    expect(target.subarray(end - length, end).every((byte) => byte === 7)).toBe(true);
    expect([target[0], target[end]]).toEqual([0, 0]);
  });

  it('writes pongs', () => {
    const target = new Uint8Array(framedLength(1));
    writeFrame(target, 0, Opcode.pong, new Uint8Array([5]));
    expect([...target]).toEqual([0x8a, 1, 5]);
  });
});
