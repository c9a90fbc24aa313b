import { WireError } from '../errors.js';
import { isBytes } from './bytes.js';
import { unencodable } from './unencodable.js';

export const U64_MAX = 0xffff_ffff_ffff_ffffn;
const U32_MAX = 0xffff_ffff;

/** @throws {WireError} UNENCODABLE unless `value` is a string without lone surrogates */
export function packString(value: unknown, where: string): string {
  if (typeof value !== 'string') throw unencodable(where, 'a string', value);
  if (!value.isWellFormed()) throw new WireError('UNENCODABLE', `${where} contains a lone surrogate`);
  return value;
}

/**
 * A u64 as the packer takes it: a number as far as that gives the shortest form, a bigint above.
 * @throws {WireError} UNENCODABLE unless `value` is a bigint of 0 to 2^64-1
 */
export function packU64(value: unknown, where: string): number | bigint {
  if (typeof value === 'bigint') {
    // A conversion first: comparing bigints costs more, and few ids are so large that they need it.
    const number = Number(value);
    if (number >= 0 && number <= U32_MAX) return number;
    if (value >= 0n && value <= U64_MAX) return value;
  }
  throw unencodable(where, 'a bigint of 0 to 2^64-1', value);
}

/** @throws {WireError} UNENCODABLE unless `value` is a whole number of 0 to 65535 */
export function packU16(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff) return value;
  throw unencodable(where, 'a whole number of 0 to 65535', value);
}

/** @throws {WireError} UNENCODABLE unless `value` is a boolean */
export function packBool(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw unencodable(where, 'a boolean', value);
}

/** @throws {WireError} UNENCODABLE unless `value` is a Uint8Array */
export function packBin(value: unknown, where: string): Uint8Array {
  if (isBytes(value)) return value;
  throw unencodable(where, 'a Uint8Array', value);
}

/** The fields of an `M` as long as they are still to be looked at. */
export type Unchecked<M> = { readonly [Name in keyof M]?: unknown };

/** @throws {WireError} UNENCODABLE unless `value` is an object */
export function packObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw unencodable(where, 'an object', value);
}
