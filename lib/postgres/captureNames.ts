import { badOption } from '../options.js';

/** The names of one capture in one database, quoted for SQL where they stand in it. */
export interface CaptureNames {
  /** The schema, as an identifier. */
  readonly schema: string;
  /** The schema, as a string literal. */
  readonly literal: string;
  /** Opens and closes a function body; a text that the schema's name does not hold. */
  readonly quote: string;
  /** The two event triggers, as identifiers; they belong to the database, not to the schema. */
  readonly onCommandEnd: string;
  readonly onDrop: string;
}

/** The comment on a capture's schema: by it a capture knows itself and others, whose code it does not tell. */
export const captureMark = 'ddl-fanout capture';

// An identifier has 63 bytes, and the event triggers' names add up to 9 to the schema's.
const MOST_BYTES = 54;

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A string literal that means the same whatever `standard_conforming_strings` says. */
const literal = (text: string): string =>
  `${text.includes('\\') ? ' E' : ''}'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/**
 * @param schema default `ddl_fanout`; any name of up to 54 bytes, quoted where it needs to be
 * @throws {FanoutError} BAD_OPTION when it is empty, too long, holds a NUL or begins with `pg_`
 */
export function captureNames(schema = 'ddl_fanout'): CaptureNames {
  const bytes = typeof schema === 'string' ? new TextEncoder().encode(schema).length : 0;
  if (bytes < 1 || bytes > MOST_BYTES || schema.includes('\0') || schema.startsWith('pg_')) {
    throw badOption('schema', `a name of 1 to ${MOST_BYTES} bytes without NUL that does not begin with "pg_"`, schema);
  }
  return {
    schema: identifier(schema),
    literal: literal(schema),
    quote: schema.includes('$') ? `$b${schema.replaceAll(/[^a-z]/g, '')}$` : '$body$',
    onCommandEnd: identifier(`${schema}_end`),
    onDrop: identifier(`${schema}_drop`),
  };
}

/** SQL for the channel of its notifications: a plain identifier, the same after it was removed and installed again. */
export function channelOf(names: CaptureNames): string {
  return `'ddl_fanout_' || pg_catalog.to_hex(pg_catalog.hashtext(${names.literal}))`;
}

/** SQL for the comment on a whole object. The function that PostgreSQL 13 has for it looks for its operators in the session's path. */
export function commentOn(catalog: 'pg_class' | 'pg_namespace', oid: string): string {
  return `(SELECT c.description FROM pg_catalog.pg_description c
    WHERE c.objoid = ${oid} AND c.classoid = 'pg_catalog.${catalog}'::pg_catalog.regclass::oid AND c.objsubid = 0)`;
}
