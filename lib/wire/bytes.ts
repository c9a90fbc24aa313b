/** Whether `value` is a Uint8Array of any realm; a Node `Buffer` is one. */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    ArrayBuffer.isView(value) && (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'Uint8Array'
  );
}

/** A plain Uint8Array over the same memory, from `start` to before `end`, whatever subclass `bytes` is of. */
export function viewOf(bytes: ArrayBufferView, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** The same memory as numbers of any width. */
export function dataViewOf(bytes: ArrayBufferView): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
