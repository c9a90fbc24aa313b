import { Packr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE } from 'msgpackr';
import { bigEndian, byteAt, viewOf } from './bytes.js';
import { HEADER_BYTES, newFrame } from './frame.js';

/** What a body is made of. A `bigint` is a u64 above 2^32-1; smaller ones are a `number`, as `packU64` makes them. */
export type Packable = string | number | bigint | boolean | null | readonly Packable[] | ReadonlyMap<string, Packable>;

const packr = new Packr({ useRecords: false });

/** msgpackr's own buffer, overwritten by the next call; what was packed lies from `start` to before `end`. */
type Slab = Uint8Array & { readonly start: number; readonly end: number };

// Without these modes each result would be a slice that keeps the 8 KiB around it alive.
const IN_SLAB = REUSE_BUFFER_MODE | RESET_BUFFER_MODE;

const FIXARRAY = 0x90;
const UINT64 = 0xcf;
const INT64 = 0xd3;

/**
 * A whole frame in a buffer of its own size: the fields as one MessagePack array, `payload` as its last element.
 * The payload goes straight into the frame, past the packer, so that its bytes are copied once.
 * @param fields fewer than 15
 * @throws {WireError} UNENCODABLE when the body would have more than 2^32-1 bytes
 */
export function packFrame(type: number, fields: readonly Packable[], payload?: Uint8Array): Uint8Array {
  const slab = packr.pack(fields, IN_SLAB) as Uint8Array as Slab;
  const head = viewOf(slab, slab.start, slab.end);
  const tail = payload === undefined ? 0 : binHeaderBytes(payload.length) + payload.length;
  const frame = newFrame(type, head.length + tail);
  frame.set(head, HEADER_BYTES);
  makeUnsigned(frame, HEADER_BYTES + head.length);
  if (payload !== undefined) {
    frame[HEADER_BYTES] = FIXARRAY | (fields.length + 1);
    writeBinHeader(frame, HEADER_BYTES + head.length, payload.length);
    frame.set(payload, frame.length - payload.length);
  }
  return frame;
}

/**
 * Rewrites the int64 markers of what was packed as uint64, in place. msgpackr writes each bigint below 2^63 as signed,
 * which the original refuses for a u64; no body has a signed field, so every int64 is one of those.
 */
function makeUnsigned(frame: Uint8Array, end: number): void {
  for (let at = HEADER_BYTES; at < end; at += tokenBytes(frame, at)) {
    if (frame[at] === INT64) frame[at] = UINT64;
  }
}

/** Bytes of one token. An array's or a map's is its header alone, for its elements follow as tokens. */
function tokenBytes(bytes: Uint8Array, at: number): number {
  const marker = byteAt(bytes, at);
  if (marker >= 0xa0 && marker <= 0xbf) return 1 + (marker & 0x1f);
  switch (marker) {
    case 0xcc: // uint8
      return 2;
    case 0xcd: // uint16, array16, map16
    case 0xdc:
    case 0xde:
      return 3;
    case 0xce: // uint32, array32, map32
    case 0xdd:
    case 0xdf:
      return 5;
    case UINT64:
      return 9;
    case 0xd9: // str8, str16, str32
      return 2 + bigEndian(bytes, at + 1, 1);
    case 0xda:
      return 3 + bigEndian(bytes, at + 1, 2);
    case 0xdb:
      return 5 + bigEndian(bytes, at + 1, 4);
    default: // nil, bools, fixints, the short headers of arrays and maps
      return 1;
  }
}

function binHeaderBytes(length: number): number {
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}

function writeBinHeader(bytes: Uint8Array, at: number, length: number): void {
  const width = binHeaderBytes(length) - 1;
  bytes[at] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6;
  for (let i = width; i > 0; i--) {
    bytes[at + i] = length;
    length = Math.floor(length / 0x100);
  }
}
