interface PayloadCase {
  readonly create: string;
  readonly told: Readonly<Record<string, unknown>>;
  /** Texts that `definition` holds. */
  readonly definition: readonly string[];
  /** The same where PostgreSQL 13 writes it in another way. */
  readonly definition13?: readonly string[];
  /** The first PostgreSQL version that knows the statement; default 13. */
  readonly since?: number;
}

const RUN = `CREATE TABLE s.t (a int, b text);
  CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';`;

/** What a definition's payload holds; every case starts with an empty schema `s`, and the last message counts. */
export const payloads: Readonly<Record<string, PayloadCase>> = {
  'a function': {
    create: `CREATE FUNCTION s.add(a integer, b integer) RETURNS integer LANGUAGE sql AS $$ SELECT a + b $$`,
    told: {
      name: 's.add(integer,integer)',
      parameters: [
        { name: 'a', data_type: 'integer' },
        { name: 'b', data_type: 'integer' },
      ],
      return_type: 'integer',
      body_sql: ' SELECT a + b ',
      owner: 'postgres',
    },
    definition: ['CREATE OR REPLACE FUNCTION s.add(a integer, b integer)\n RETURNS integer\n LANGUAGE sql\n'],
  },
  'every mode of argument, a default and a name that is missing': {
    create: `CREATE FUNCTION s.f(text, IN x numeric(4,2), OUT y int, INOUT z text DEFAULT 'q', VARIADIC rest int[] DEFAULT '{}')
      LANGUAGE plpgsql AS 'BEGIN END'`,
    told: {
      name: 's.f(text,numeric,text,integer[])',
      parameters: [
        { name: '$1', data_type: 'text' },
        { name: 'x', data_type: 'numeric' },
        { name: 'z', data_type: 'text' },
        { name: 'rest', data_type: 'integer[]' },
      ],
      return_type: 'record',
    },
    definition: ['OUT y integer', "INOUT z text DEFAULT 'q'::text", "VARIADIC rest integer[] DEFAULT '{}'::integer[]"],
  },
  'an argument without a name behind what comes out, as the body calls it': {
    create: `CREATE FUNCTION s.f(OUT o int, int) LANGUAGE sql AS 'SELECT $1 + 1'`,
    told: { parameters: [{ name: '$1', data_type: 'integer' }], body_sql: 'SELECT $1 + 1' },
    definition: ['OUT o integer, integer'],
  },
  'an argument without a name in another language, which counts what comes out too': {
    create: `CREATE FUNCTION s.f(OUT int, int) LANGUAGE plpgsql AS 'BEGIN $1 := $2 + 1; END'`,
    told: { parameters: [{ name: '$2', data_type: 'integer' }], body_sql: 'BEGIN $1 := $2 + 1; END' },
    definition: ['OUT integer, integer'],
  },
  'a function that returns a table': {
    create: `CREATE FUNCTION s.f(n int) RETURNS TABLE (a int, "B" text) LANGUAGE sql AS $$ SELECT 1, 'x' $$`,
    told: { parameters: [{ name: 'n', data_type: 'integer' }], return_type: 'TABLE(a integer, "B" text)' },
    definition: ['RETURNS TABLE(a integer, "B" text)'],
  },
  'a function that returns a set of rows of a table': {
    create: `CREATE TABLE s.t (a int); CREATE FUNCTION s.f() RETURNS SETOF s.t LANGUAGE sql STABLE AS 'SELECT * FROM s.t'`,
    told: { parameters: [], return_type: 'SETOF s.t' },
    definition: ['RETURNS SETOF s.t', 'STABLE'],
  },
  'a window function': {
    create: `CREATE FUNCTION s.rn() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number'`,
    told: { name: 's.rn()', return_type: 'bigint', body_sql: 'window_row_number' },
    definition: ['WINDOW'],
  },
  'a function with a parsed body': {
    create: `CREATE FUNCTION s.f(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT n + 1; END`,
    told: { body_sql: 'BEGIN ATOMIC\n SELECT (n + 1);\nEND' },
    definition: ['BEGIN ATOMIC'],
    since: 14,
  },
  'quoted, non-ASCII names and a body of many bytes a character': {
    create: `CREATE FUNCTION s."Größe ""x"""("Ⅷ" text) RETURNS text LANGUAGE sql AS $$ SELECT '😀\\' || "Ⅷ" $$`,
    told: { name: 's."Größe ""x"""(text)', parameters: [{ name: 'Ⅷ', data_type: 'text' }] },
    definition: ['"Größe ""x"""("Ⅷ" text)', `SELECT '😀\\' ||`],
  },
  'a procedure': {
    create: `CREATE PROCEDURE s.p(a int, INOUT b text, VARIADIC c int[]) LANGUAGE plpgsql AS 'BEGIN END'`,
    told: {
      name: 's.p(integer,text,integer[])',
      parameters: [
        { name: 'a', data_type: 'integer', direction: 'IN' },
        { name: 'b', data_type: 'text', direction: 'INOUT' },
        { name: 'c', data_type: 'integer[]', direction: 'IN' },
      ],
      body_sql: 'BEGIN END',
      max_iterations: 0,
      timeout_secs: 0,
      owner: 'postgres',
    },
    definition: ['CREATE OR REPLACE PROCEDURE s.p(IN a integer, INOUT b text, VARIADIC c integer[])'],
    definition13: ['CREATE OR REPLACE PROCEDURE s.p(a integer, INOUT b text, VARIADIC c integer[])'],
  },
  'a procedure with an output argument': {
    create: `CREATE PROCEDURE s.p(a int, OUT b text) LANGUAGE plpgsql AS 'BEGIN END'`,
    told: {
      name: 's.p(integer)',
      parameters: [
        { name: 'a', data_type: 'integer', direction: 'IN' },
        { name: 'b', data_type: 'text', direction: 'OUT' },
      ],
    },
    definition: ['OUT b text'],
    since: 14,
  },
  'a trigger': {
    create: `${RUN} CREATE TRIGGER trg BEFORE INSERT OR UPDATE OF a ON s.t FOR EACH ROW
      WHEN (NEW.a > 1) EXECUTE FUNCTION s.run('x', 'it''s')`,
    told: {
      name: 'trg on s.t',
      collection: 's.t',
      timing: 'BEFORE',
      events: ['INSERT', 'UPDATE'],
      granularity: 'ROW',
      when_condition: '(new.a > 1)',
      body_sql: `EXECUTE FUNCTION s.run('x', 'it''s')`,
      priority: 0,
      enabled: true,
      execution_mode: 'SYNC',
      owner: 'postgres',
    },
    definition: [
      'CREATE TRIGGER trg BEFORE INSERT OR UPDATE OF a ON s.t FOR EACH ROW WHEN ((new.a > 1)) EXECUTE FUNCTION s.run(',
    ],
  },
  'a trigger whose names and texts look like its own clauses': {
    create: `${RUN} CREATE TABLE s."FOR EACH ROW WHEN (" ("WHEN (" text);
      CREATE TRIGGER ") EXECUTE FUNCTION " AFTER UPDATE OF "WHEN (" ON s."FOR EACH ROW WHEN (" FOR EACH ROW
      WHEN (OLD."WHEN (" IS DISTINCT FROM NEW."WHEN (" || ') EXECUTE FUNCTION "') EXECUTE FUNCTION s.run(') EXECUTE FUNCTION ')`,
    told: {
      name: '") EXECUTE FUNCTION " on s."FOR EACH ROW WHEN ("',
      when_condition: `(old."WHEN (" IS DISTINCT FROM (new."WHEN (" || ') EXECUTE FUNCTION "'::text))`,
      body_sql: `EXECUTE FUNCTION s.run(') EXECUTE FUNCTION ')`,
    },
    definition: ['CREATE TRIGGER ") EXECUTE FUNCTION " AFTER UPDATE OF "WHEN ("'],
  },
  'a trigger of statements, disabled': {
    create: `${RUN} CREATE TRIGGER trg AFTER DELETE ON s.t REFERENCING OLD TABLE AS gone EXECUTE FUNCTION s.run();
      ALTER TABLE s.t DISABLE TRIGGER trg`,
    told: {
      timing: 'AFTER',
      events: ['DELETE'],
      granularity: 'STATEMENT',
      when_condition: null,
      body_sql: 'EXECUTE FUNCTION s.run()',
      enabled: false,
    },
    definition: ['REFERENCING OLD TABLE AS gone'],
  },
  'a trigger instead of a view’s inserts': {
    create: `${RUN} CREATE VIEW s.v AS SELECT 1 AS a;
      CREATE TRIGGER trg INSTEAD OF INSERT ON s.v FOR EACH ROW EXECUTE FUNCTION s.run()`,
    told: { collection: 's.v', timing: 'INSTEAD OF', granularity: 'ROW' },
    definition: ['INSTEAD OF INSERT ON s.v'],
  },
  'a constraint trigger that waits for the commit': {
    create: `${RUN} CREATE CONSTRAINT TRIGGER trg AFTER INSERT ON s.t DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION s.run()`,
    told: { execution_mode: 'DEFERRED' },
    definition: ['CREATE CONSTRAINT TRIGGER trg', 'DEFERRABLE INITIALLY DEFERRED'],
  },
  'a trigger on TRUNCATE, an event that the payload has no word for': {
    create: `${RUN} CREATE TRIGGER trg BEFORE TRUNCATE ON s.t EXECUTE FUNCTION s.run()`,
    told: { events: [], granularity: 'STATEMENT' },
    definition: ['BEFORE TRUNCATE ON s.t'],
  },
  'a definition made under settings that change how texts read': {
    create: `SET quote_all_identifiers = on; SET standard_conforming_strings = off; SET escape_string_warning = off;
      SET datestyle = 'German'; SET search_path = s, pg_catalog;
      CREATE FUNCTION f(a timestamptz DEFAULT '2020-01-02 03:04:05+00', b text DEFAULT E'\\\\') RETURNS int LANGUAGE sql AS 'SELECT 1';
      RESET ALL`,
    told: { name: 's.f(timestamp with time zone,text)' },
    definition: [
      `s.f(a timestamp with time zone DEFAULT '2020-01-02 03:04:05+00'::timestamp with time zone`,
      `'\\'::text`,
    ],
  },
};
