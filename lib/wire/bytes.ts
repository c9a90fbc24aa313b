/** Whether `value` is a Uint8Array of any realm; a Node `Buffer` is one. */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    ArrayBuffer.isView(value) && (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Uint8Array'
  );
}

/** A plain Uint8Array over the same memory, from `start` to before `end`, whatever subclass `bytes` is of. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** One byte that the caller knows to be there. Making a `DataView` costs more than all the reads of a small frame. */
export function byteAt(bytes: Uint8Array, at: number): number {
  return Number(bytes[at]);
}

/** An unsigned integer of `width` bytes, up to 4, most significant first. */
export function bigEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 0x100 + byteAt(bytes, at + i);
  return value;
}
