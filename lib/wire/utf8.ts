import { byteAt, viewOf } from './bytes.js';

/** Made when it is needed: where there is none, as in jsdom, the rest works all the same. */
let decoder: TextDecoder | undefined;

/** Up to this many bytes, joining ASCII characters is faster than a call of the decoder. */
const SHORT = 32;

/** The text of the bytes from `start` to before `end`, or `undefined` when they are not valid UTF-8. */
export function utf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  return (end - start <= SHORT ? ascii(bytes, start, end) : undefined) ?? decode(viewOf(bytes, start, end));
}

function decode(bytes: Uint8Array): string | undefined {
  // A byte order mark is text here, and bytes that are no UTF-8 are an error.
  decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** `undefined` at the first byte that is not ASCII. Four characters at a time, for each joining costs the same. */
function ascii(bytes: Uint8Array, at: number, end: number): string | undefined {
  let text = '';
  for (; at + 4 <= end; at += 4) {
    const a = byteAt(bytes, at);
    const b = byteAt(bytes, at + 1);
    const c = byteAt(bytes, at + 2);
    const d = byteAt(bytes, at + 3);
    if ((a | b | c | d) > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < end; at++) {
    const a = byteAt(bytes, at);
    if (a > 0x7f) return undefined;
    text += String.fromCharCode(a);
  }
  return text;
}
