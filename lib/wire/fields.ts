import type { Packable } from './pack.js';
import type { Reader } from './reader.js';
import { packBool, packString, packU16, packU64 } from './scalars.js';
import { unencodable } from './unencodable.js';

/** How one field goes onto the wire and comes off it; `where` names it in errors. */
export interface Field<T> {
  /** @throws {WireError} UNENCODABLE when the wire cannot carry `value` */
  readonly pack: (value: unknown, where: string) => Packable;
  /** @throws {WireError} BAD_BODY when the next value is something else */
  readonly read: (reader: Reader, where: string) => T;
}

export const str: Field<string> = { pack: packString, read: (reader, where) => reader.string(where) };
export const u64: Field<bigint> = { pack: packU64, read: (reader, where) => reader.u64(where) };
export const u16: Field<number> = { pack: packU16, read: (reader, where) => reader.u16(where) };
export const bool: Field<boolean> = { pack: packBool, read: (reader, where) => reader.bool(where) };

/** An Option of a string: absent is `null` here and nil there. */
export const strOrNull: Field<string | null> = {
  pack(value, where) {
    if (value === null) return null;
    if (typeof value !== 'string') throw unencodable(where, 'a string or null', value);
    return packString(value, where);
  },
  read: (reader, where) => (reader.skipNil() ? null : reader.string(where)),
};

export function listOf<T>(item: Field<T>): Field<readonly T[]> {
  return {
    pack(value, where) {
      if (!Array.isArray(value)) throw unencodable(where, 'an array', value);
      return Array.from(value, (each: unknown) => item.pack(each, where));
    },
    read(reader, where) {
      const items: T[] = [];
      for (let left = reader.array(where); left > 0; left--) items.push(item.read(reader, where));
      return items;
    },
  };
}

/** A map with string keys, in the order of its entries; of a key that comes twice the last value is read. */
export function mapOf<T>(item: Field<T>): Field<ReadonlyMap<string, T>> {
  return {
    pack(value, where) {
      if (!isMap(value)) throw unencodable(where, 'a Map', value);
      const packed = new Map<string, Packable>();
      for (const [key, each] of value) packed.set(packString(key, where), item.pack(each, where));
      return packed;
    },
    read(reader, where) {
      const map = new Map<string, T>();
      for (let left = reader.map(where); left > 0; left--) map.set(reader.string(where), item.read(reader, where));
      return map;
    },
  };
}

/** Whether `value` is a Map of any realm. */
function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return Object.prototype.toString.call(value) === '[object Map]';
}
