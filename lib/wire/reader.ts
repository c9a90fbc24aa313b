import { WireError } from '../errors.js';
import { bigEndian, byteAt, viewOf } from './bytes.js';
import { found } from './found.js';
import { utf8 } from './utf8.js';

/** Markers of a kind of value that begins with a number, mostly a count. */
interface Numbered {
  readonly what: string;
  /** The first marker that holds the number itself, and how many such markers there are. */
  readonly short: number;
  readonly shorts: number;
  /** The first marker that the number follows, in `width` bytes; each further one doubles the width, up to `widest`. */
  readonly long: number;
  readonly width: number;
  readonly widest: number;
}

const STR: Numbered = { what: 'a str', short: 0xa0, shorts: 0x20, long: 0xd9, width: 1, widest: 4 };
const BIN: Numbered = { what: 'a bin', short: 0xc4, shorts: 0, long: 0xc4, width: 1, widest: 4 };
const ARRAY: Numbered = { what: 'an array', short: 0x90, shorts: 0x10, long: 0xdc, width: 2, widest: 4 };
const MAP: Numbered = { what: 'a map', short: 0x80, shorts: 0x10, long: 0xde, width: 2, widest: 4 };
const U16: Numbered = { what: 'a u16', short: 0, shorts: 0x80, long: 0xcc, width: 1, widest: 2 };
/** But for uint64, which a `number` cannot hold. */
const U64: Numbered = { what: 'a u64', short: 0, shorts: 0x80, long: 0xcc, width: 1, widest: 4 };

/**
 * A cursor over one MessagePack body, as strict as the original's decoder and no stricter.
 *
 * - Each method reads the next value and moves past it; `where` names the field in errors.
 * - A header longer than needed is accepted. A claimed length allocates nothing.
 * - Each method throws `WireError` BAD_BODY that says which field, what it must be, and what was found.
 */
export class Reader {
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly end: number,
  ) {}

  /** The number of elements that follow. */
  array(where: string): number {
    return this.number(ARRAY, where);
  }

  /** The header of an array of exactly `length` elements. */
  tuple(length: number, where: string): void {
    const count = this.array(where);
    if (count !== length) throw badBody(where, `an array of ${length}`, `an array of ${count}`);
  }

  /** The number of pairs that follow. */
  map(where: string): number {
    return this.number(MAP, where);
  }

  string(where: string): string {
    const start = this.skip(this.number(STR, where), where);
    const text = utf8(this.bytes, start, this.at);
    if (text === undefined) throw badBody(where, 'valid UTF-8', 'bytes that are not');
    return text;
  }

  /** A view on the memory that the body came in. */
  bin(where: string): Uint8Array {
    const start = this.skip(this.number(BIN, where), where);
    return viewOf(this.bytes, start, this.at);
  }

  bool(where: string): boolean {
    const marker = this.peek();
    if (marker !== 0xc2 && marker !== 0xc3) throw badBody(where, 'a bool', found(marker));
    this.at++;
    return marker === 0xc3;
  }

  nil(where: string): void {
    if (!this.skipNil()) throw badBody(where, 'nil', found(this.peek()));
  }

  /** Moves past a nil and says so, or stays. */
  skipNil(): boolean {
    if (this.peek() !== 0xc0) return false;
    this.at++;
    return true;
  }

  /** An unsigned integer in a form of at most 16 bits. */
  u16(where: string): number {
    return this.number(U16, where);
  }

  /** An unsigned integer in any form. */
  u64(where: string): bigint {
    if (this.peek() !== 0xcf) return BigInt(this.number(U64, where));
    this.at++;
    const at = this.skip(8, where);
    return (BigInt(bigEndian(this.bytes, at, 4)) << 32n) | BigInt(bigEndian(this.bytes, at + 4, 4));
  }

  /** The next byte, which tells what the next value is; -1 at the end. */
  private peek(): number {
    return this.at < this.end ? byteAt(this.bytes, this.at) : -1;
  }

  private number({ what, short, shorts, long, width, widest }: Numbered, where: string): number {
    const marker = this.peek();
    const value = marker - short;
    if (value >= 0 && value < shorts) {
      this.at++;
      return value;
    }
    const step = marker - long;
    const bytes = width << step;
    if (step < 0 || step > 2 || bytes > widest) throw badBody(where, what, found(marker));
    this.at++;
    return bigEndian(this.bytes, this.skip(bytes, where), bytes);
  }

  /** Moves over `length` bytes and returns where they began. */
  private skip(length: number, where: string): number {
    const start = this.at;
    if (length > this.end - start) throw badBody(where, 'whole', `${this.end - start} of ${length} bytes`);
    this.at = start + length;
    return start;
  }
}

/** The error that says what `where` must be and what it is */
export function badBody(where: string, rule: string, what: string): WireError {
  return new WireError('BAD_BODY', `${where} must be ${rule}, found ${what}`);
}
