/** MessagePack by hand, in any form: what the strictness of a reader has to be shown with. */
export type Bytes = readonly number[];

const utf8 = new TextEncoder();

export const NIL: Bytes = [0xc0];
export const FALSE: Bytes = [0xc2];
export const TRUE: Bytes = [0xc3];

/** `value` in `width` bytes, most significant first. */
export function big(value: number | bigint, width: number): Bytes {
  return Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * (width - 1 - i))) & 0xffn));
}

/** A uint of 1, 2, 4 or 8 bytes. */
export function uint(value: number | bigint, width: 1 | 2 | 4 | 8): Bytes {
  return [0xcc + Math.log2(width), ...big(value, width)];
}

export function int(value: number | bigint, width: 1 | 2 | 4 | 8): Bytes {
  return [0xd0 + Math.log2(width), ...big(value, width)];
}

/** The bytes of a text in a str of `width` bytes of length; 0 is the short form. */
export function str(text: string | Bytes, width: 0 | 1 | 2 | 4 = 0): Bytes {
  const bytes = typeof text === 'string' ? [...utf8.encode(text)] : text;
  return width === 0
    ? [0xa0 | bytes.length, ...bytes]
    : [0xd9 + Math.log2(width), ...big(bytes.length, width), ...bytes];
}

export function bin(bytes: Bytes, width: 1 | 2 | 4 = 1): Bytes {
  return [0xc4 + Math.log2(width), ...big(bytes.length, width), ...bytes];
}

export function array(items: readonly Bytes[], width: 0 | 2 | 4 = 0): Bytes {
  const header = width === 0 ? [0x90 | items.length] : [0xdb + width / 2, ...big(items.length, width)];
  return [...header, ...items.flat()];
}

export function map(pairs: readonly (readonly [Bytes, Bytes])[], width: 0 | 2 | 4 = 0): Bytes {
  const header = width === 0 ? [0x80 | pairs.length] : [0xdd + width / 2, ...big(pairs.length, width)];
  return [...header, ...pairs.flat(2)];
}

/** A frame of any type around any body. */
export function frame(type: number, body: Bytes): Uint8Array {
  return Uint8Array.from([type, ...[...big(body.length, 4)].reverse(), ...body]);
}
