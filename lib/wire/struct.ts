import type { Field } from './fields.js';
import type { Packable } from './pack.js';
import type { Reader } from './reader.js';
import { packObject } from './scalars.js';
import { asUnencodable } from './unencodable.js';

/** The fields of a struct by name, in the order in which the wire has them. */
export type Fields<M> = { readonly [Name in keyof M]-?: Field<M[Name]> };

/** A message body: an array of its fields, in order, no more and no fewer. */
export interface Struct<M> {
  /** @throws {WireError} UNENCODABLE, naming the field; also when reading the field throws */
  readonly pack: (message: unknown) => Packable[];
  /** @throws {WireError} BAD_BODY, naming the field */
  readonly read: (reader: Reader) => M;
}

/** @param name names the struct in errors */
export function struct<M>(name: string, fields: Fields<M>): Struct<M> {
  const entries = Object.entries<Field<unknown>>(fields).map(([key, field]) => ({
    key,
    field,
    where: `${name}.${key}`,
  }));
  return {
    pack(message) {
      const values = packObject(message, name);
      return entries.map(({ key, field, where }) => {
        try {
          return field.pack(values[key], where);
        } catch (error) {
          throw asUnencodable(where, error);
        }
      });
    },
    read(reader) {
      reader.tuple(entries.length, name);
      return Object.fromEntries(entries.map(({ key, field, where }) => [key, field.read(reader, where)])) as M;
    },
  };
}
