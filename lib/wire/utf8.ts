import { viewOf } from './bytes.js';

// A byte order mark is text here, and bytes that are no UTF-8 are an error.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to this many bytes a loop over ASCII beats the decoder. */
const SHORT = 24;

/** The text of the bytes from `start` to before `end`, or `undefined` when they are not valid UTF-8. */
export function utf8(view: DataView, start: number, end: number): string | undefined {
  return (end - start <= SHORT ? shortAscii(view, start, end) : undefined) ?? decode(viewOf(view, start, end));
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Four characters at a time; `undefined` at the first byte that is not ASCII. */
function shortAscii(view: DataView, at: number, end: number): string | undefined {
  let text = '';
  for (; at + 4 <= end; at += 4) {
    const a = view.getUint8(at);
    const b = view.getUint8(at + 1);
    const c = view.getUint8(at + 2);
    const d = view.getUint8(at + 3);
    if ((a | b | c | d) > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < end; at++) {
    const a = view.getUint8(at);
    if (a > 0x7f) return undefined;
    text += String.fromCharCode(a);
  }
  return text;
}
