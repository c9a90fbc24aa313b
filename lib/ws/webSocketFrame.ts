/** WebSocket opcodes that this library frames itself. */
export const Opcode = { binary: 0x2, pong: 0xa } as const;

export type Opcode = (typeof Opcode)[keyof typeof Opcode];

const FIN = 0x80;

/** Bytes of a server's frame around a payload of this length: the header, which has no mask, and the payload. */
export function framedLength(payloadLength: number): number {
  return payloadLength + (payloadLength < 126 ? 2 : payloadLength < 0x1_0000 ? 4 : 10);
}

/** Writes one unfragmented frame to `target` at `at`. */
export function writeFrame(target: Uint8Array, at: number, opcode: Opcode, payload: Uint8Array): void {
  const { length } = payload;
  const view = new DataView(target.buffer, target.byteOffset);
  view.setUint8(at, FIN | opcode);
  if (length < 126) {
    view.setUint8(at + 1, length);
  } else if (length < 0x1_0000) {
    view.setUint8(at + 1, 126);
    view.setUint16(at + 2, length);
  } else {
    view.setUint8(at + 1, 127);
    view.setBigUint64(at + 2, BigInt(length));
  }
  target.set(payload, at + framedLength(length) - length);
}
