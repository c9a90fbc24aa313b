import type { Field } from './fields.js';
import type { Packable } from './pack.js';
import { packObject } from './scalars.js';
import { asUnencodable } from './unencodable.js';

/** The fields of a struct by name, in the order in which the wire has them. */
type Fields<M> = { readonly [Name in keyof M]-?: Field<M[Name]> };

/** Packs to an array. */
export interface Struct<M> extends Field<M> {
  readonly pack: (message: unknown, where: string) => Packable[];
}

/** A message body, or what is built like one: an array of its fields, in order, no more and no fewer. */
export function struct<M>(fields: Fields<M>): Struct<M> {
  const entries = Object.entries<Field<unknown>>(fields);
  return {
    pack(message, where) {
      const values = packObject(message, where);
      return entries.map(([name, field]) => {
        try {
          return field.pack(values[name], `${where}.${name}`);
        } catch (error) {
          throw asUnencodable(`${where}.${name}`, error);
        }
      });
    },
    read(reader, where) {
      reader.tuple(entries.length, where);
      return Object.fromEntries(entries.map(([name, field]) => [name, field.read(reader, `${where}.${name}`)])) as M;
    },
  };
}
