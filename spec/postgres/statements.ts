/** A statement, and what is told for it: the table of `docs/postgres.md`, to be run against every server. */
export interface StatementCase {
  /** What is there before: SQL. */
  readonly given?: string;
  readonly run: string;
  readonly told: readonly string[];
  /** The first PostgreSQL version that knows the statement; default 13. */
  readonly since?: number;
}

const F = (name: string, body = 'SELECT 1'): string =>
  `CREATE OR REPLACE FUNCTION ${name} RETURNS int LANGUAGE sql AS '${body}';`;
const TABLE = `CREATE TABLE s.t (a int, b text);
  CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';`;
const TRIGGER = `${TABLE} CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run();`;
const TRG = 'trigger trg on s.t';

/** Every case starts with an empty schema `s`. */
export const statements: Readonly<Record<string, StatementCase>> = {
  'CREATE FUNCTION': { run: F('s.f(int)'), told: ['put function s.f(integer)'] },
  'CREATE OR REPLACE FUNCTION with the same text': {
    given: F('s.f()'),
    run: F('s.f()'),
    told: ['put function s.f()'],
  },
  'CREATE FUNCTION that overloads': { given: F('s.f(int)'), run: F('s.f(text)'), told: ['put function s.f(text)'] },
  'ALTER FUNCTION ... RENAME': {
    given: F('s.f()'),
    run: 'ALTER FUNCTION s.f() RENAME TO g',
    told: ['delete function s.f()', 'put function s.g()'],
  },
  'ALTER FUNCTION ... RENAME of a function that a trigger runs': {
    given: TRIGGER,
    run: 'ALTER FUNCTION s.run() RENAME TO act',
    told: ['delete function s.run()', 'put function s.act()', `put ${TRG}`],
  },
  'ALTER FUNCTION ... SET SCHEMA': {
    given: F('s.f()'),
    run: 'ALTER FUNCTION s.f() SET SCHEMA public',
    told: ['delete function s.f()', 'put function public.f()'],
  },
  'ALTER FUNCTION ... OWNER TO': {
    given: F('s.f()'),
    run: 'ALTER FUNCTION s.f() OWNER TO other',
    told: ['put function s.f()'],
  },
  'ALTER FUNCTION ... with another property': {
    given: F('s.f()'),
    run: 'ALTER FUNCTION s.f() IMMUTABLE STRICT',
    told: ['put function s.f()'],
  },
  'ALTER ROUTINE that changes nothing': { given: F('s.f()'), run: 'ALTER ROUTINE s.f() VOLATILE', told: [] },
  'DROP FUNCTION': { given: F('s.f()'), run: 'DROP FUNCTION s.f()', told: ['delete function s.f()'] },
  'DROP ROUTINE of both kinds': {
    given: `${F('s.f()')} CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'`,
    run: 'DROP ROUTINE s.f(), s.p()',
    told: ['delete function s.f()', 'delete procedure s.p()'],
  },
  'DROP FUNCTION IF EXISTS of none': { run: 'DROP FUNCTION IF EXISTS s.f()', told: [] },
  'DROP FUNCTION ... CASCADE with a trigger': {
    given: TRIGGER,
    run: 'DROP FUNCTION s.run() CASCADE',
    told: [`delete ${TRG}`, 'delete function s.run()'],
  },
  'CREATE PROCEDURE': {
    run: `CREATE PROCEDURE s.p(a int) LANGUAGE sql AS 'SELECT 1'`,
    told: ['put procedure s.p(integer)'],
  },
  'ALTER PROCEDURE ... RENAME': {
    given: `CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'`,
    run: 'ALTER PROCEDURE s.p() RENAME TO q',
    told: ['delete procedure s.p()', 'put procedure s.q()'],
  },
  'DROP PROCEDURE': {
    given: `CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'`,
    run: 'DROP PROCEDURE s.p()',
    told: ['delete procedure s.p()'],
  },
  'a function replaced by a procedure of the same identity': {
    given: F('s.f()'),
    run: `DROP FUNCTION s.f(); CREATE PROCEDURE s.f() LANGUAGE sql AS 'SELECT 1'`,
    told: ['delete function s.f()', 'put procedure s.f()'],
  },
  'CREATE TRIGGER': { given: TABLE, run: TRIGGER.slice(TABLE.length), told: [`put ${TRG}`] },
  'CREATE OR REPLACE TRIGGER': {
    given: TRIGGER,
    run: 'CREATE OR REPLACE TRIGGER trg AFTER DELETE ON s.t EXECUTE FUNCTION s.run()',
    told: [`put ${TRG}`],
    since: 14,
  },
  'CREATE CONSTRAINT TRIGGER': {
    given: TABLE,
    run: 'CREATE CONSTRAINT TRIGGER trg AFTER INSERT ON s.t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION s.run()',
    told: [`put ${TRG}`],
  },
  'ALTER TRIGGER ... RENAME': {
    given: TRIGGER,
    run: 'ALTER TRIGGER trg ON s.t RENAME TO trg2',
    told: [`delete ${TRG}`, 'put trigger trg2 on s.t'],
  },
  'ALTER TABLE ... DISABLE TRIGGER': {
    given: TRIGGER,
    run: 'ALTER TABLE s.t DISABLE TRIGGER trg',
    told: [`put ${TRG}`],
  },
  'ALTER TABLE ... ENABLE TRIGGER': {
    given: `${TRIGGER} ALTER TABLE s.t DISABLE TRIGGER ALL;`,
    run: 'ALTER TABLE s.t ENABLE TRIGGER USER',
    told: [`put ${TRG}`],
  },
  'ALTER TABLE ... RENAME': {
    given: TRIGGER,
    run: 'ALTER TABLE s.t RENAME TO u',
    told: [`delete ${TRG}`, 'put trigger trg on s.u'],
  },
  'ALTER TABLE ... SET SCHEMA': {
    given: TRIGGER,
    run: 'ALTER TABLE s.t SET SCHEMA public',
    told: [`delete ${TRG}`, 'put trigger trg on public.t'],
  },
  'ALTER TABLE ... OWNER TO': { given: TRIGGER, run: 'ALTER TABLE s.t OWNER TO other', told: [`put ${TRG}`] },
  'ALTER TABLE ... RENAME COLUMN that a trigger names': {
    given: `${TABLE} CREATE TRIGGER trg BEFORE UPDATE OF a ON s.t EXECUTE FUNCTION s.run();`,
    run: 'ALTER TABLE s.t RENAME COLUMN a TO c',
    told: [`put ${TRG}`],
  },
  'ALTER TABLE ... ADD COLUMN': { given: TRIGGER, run: 'ALTER TABLE s.t ADD COLUMN c int', told: [] },
  'ALTER TABLE ... DROP COLUMN that a trigger names': {
    given: `${TABLE} CREATE TRIGGER trg BEFORE UPDATE OF a ON s.t EXECUTE FUNCTION s.run();`,
    run: 'ALTER TABLE s.t DROP COLUMN a CASCADE',
    told: [`delete ${TRG}`],
  },
  'ALTER TABLE ... ALTER COLUMN ... TYPE': {
    given: `${TRIGGER} CREATE FUNCTION s.g(s.t.a%TYPE) RETURNS s.t.a%TYPE LANGUAGE sql AS 'SELECT 1';`,
    run: 'ALTER TABLE s.t ALTER COLUMN a TYPE bigint',
    told: [],
  },
  'ALTER TABLE ... RENAME of a type of row': {
    given: `${TABLE} ${F('s.g(s.t[])')}`,
    run: 'ALTER TABLE s.t RENAME TO u',
    told: ['delete function s.g(s.t[])', 'put function s.g(s.u[])'],
  },
  'DROP TABLE with triggers': { given: TRIGGER, run: 'DROP TABLE s.t', told: [`delete ${TRG}`] },
  'DROP TRIGGER': { given: TRIGGER, run: 'DROP TRIGGER trg ON s.t', told: [`delete ${TRG}`] },
  'a trigger on a view': {
    given: `${TABLE} CREATE VIEW s.v AS SELECT * FROM s.t;`,
    run: 'CREATE TRIGGER trg INSTEAD OF INSERT ON s.v FOR EACH ROW EXECUTE FUNCTION s.run(); DROP VIEW s.v',
    told: ['put trigger trg on s.v', 'delete trigger trg on s.v'],
  },
  'a trigger on a partitioned table, without its copies': {
    given: `${TABLE} CREATE TABLE s.parts (a int) PARTITION BY LIST (a); CREATE TABLE s.part PARTITION OF s.parts DEFAULT;`,
    run: `CREATE TRIGGER trg AFTER INSERT ON s.parts FOR EACH ROW EXECUTE FUNCTION s.run();
          CREATE TABLE s.part2 PARTITION OF s.parts FOR VALUES IN (2); ALTER TABLE s.parts DETACH PARTITION s.part2`,
    told: ['put trigger trg on s.parts'],
  },
  'a trigger that becomes the copy of a parent table’s': {
    given: `${TRIGGER} CREATE TABLE s.parts (a int, b text) PARTITION BY LIST (a);
            CREATE TRIGGER trg BEFORE INSERT ON s.parts FOR EACH ROW EXECUTE FUNCTION s.run();`,
    run: 'DROP TRIGGER trg ON s.t; ALTER TABLE s.parts ATTACH PARTITION s.t DEFAULT',
    told: [`delete ${TRG}`],
  },
  'ALTER TYPE ... RENAME': {
    given: `CREATE TYPE s.mood AS ENUM ('a'); ${F('s.f(s.mood)')}`,
    run: 'ALTER TYPE s.mood RENAME TO temper',
    told: ['delete function s.f(s.mood)', 'put function s.f(s.temper)'],
  },
  'ALTER TYPE ... SET SCHEMA': {
    given: `CREATE TYPE s.mood AS ENUM ('a'); ${F('s.f(s.mood[])')}`,
    run: 'ALTER TYPE s.mood SET SCHEMA public',
    told: ['delete function s.f(s.mood[])', 'put function s.f(public.mood[])'],
  },
  'ALTER TYPE ... RENAME VALUE that a default names': {
    given: `CREATE TYPE s.mood AS ENUM ('a'); CREATE FUNCTION s.f(m s.mood DEFAULT 'a') RETURNS int LANGUAGE sql AS 'SELECT 1';`,
    run: `ALTER TYPE s.mood RENAME VALUE 'a' TO 'b'`,
    told: ['put function s.f(s.mood)'],
  },
  'ALTER SEQUENCE, INDEX, TEXT SEARCH CONFIGURATION ... RENAME that a default names': {
    given: `CREATE SEQUENCE s.q; CREATE TABLE s.t (a int); CREATE INDEX i ON s.t (a);
      CREATE TEXT SEARCH CONFIGURATION s.words (COPY = simple);
      CREATE FUNCTION s.f(a bigint DEFAULT nextval('s.q')) RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION s.g(a regclass DEFAULT 's.i'::regclass) RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION s.h(a regconfig DEFAULT 's.words'::regconfig) RETURNS int LANGUAGE sql AS 'SELECT 1';`,
    run: `ALTER SEQUENCE s.q RENAME TO q2; ALTER INDEX s.i RENAME TO i2; ALTER TEXT SEARCH CONFIGURATION s.words RENAME TO w2`,
    told: ['put function s.f(bigint)', 'put function s.g(regclass)', 'put function s.h(regconfig)'],
  },
  'ALTER OPERATOR, COLLATION, AGGREGATE that a default or a parsed body names': {
    given: `CREATE COLLATION s.col (locale = 'C'); CREATE OPERATOR s.@@# (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
      CREATE AGGREGATE s.total(int) (SFUNC = int4pl, STYPE = int);
      CREATE FUNCTION s.f(a int DEFAULT (1 OPERATOR(s.@@#) 2), b text DEFAULT ('x' COLLATE s.col)) RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION s.g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT s.total(x) FROM generate_series(1, 2) x; END;`,
    run: `ALTER COLLATION s.col RENAME TO col2; ALTER OPERATOR s.@@# (int, int) SET SCHEMA public; ALTER AGGREGATE s.total(int) RENAME TO sum`,
    told: ['put function s.f(integer,text)', 'put function s.f(integer,text)', 'put function s.g()'],
    since: 14,
  },
  'ALTER TYPE ... RENAME ATTRIBUTE, ALTER VIEW ... RENAME COLUMN that a parsed body names': {
    given: `CREATE TYPE s.pair AS (a int); CREATE VIEW s.v AS SELECT 1 AS a;
      CREATE FUNCTION s.f(p s.pair) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT (p).a; END;
      CREATE FUNCTION s.g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT v.a FROM s.v; END;`,
    run: 'ALTER TYPE s.pair RENAME ATTRIBUTE a TO b; ALTER VIEW s.v RENAME COLUMN a TO b',
    told: ['put function s.f(s.pair)', 'put function s.g()'],
    since: 14,
  },
  'ALTER OPERATOR CLASS, FAMILY ... RENAME, SET SCHEMA of one that a parsed body names': {
    given: `CREATE OPERATOR CLASS s.mine FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
        FUNCTION 1 btint4cmp(int, int);
      CREATE TABLE s.t (a int); CREATE UNIQUE INDEX i ON s.t (a s.mine);
      CREATE FUNCTION s.f() RETURNS void LANGUAGE sql
        BEGIN ATOMIC INSERT INTO s.t VALUES (1) ON CONFLICT (a s.mine) DO NOTHING; END;`,
    run: `ALTER OPERATOR CLASS s.mine USING btree RENAME TO ours; ALTER OPERATOR CLASS s.ours USING btree SET SCHEMA public;
      ALTER OPERATOR FAMILY s.mine USING btree RENAME TO ours`,
    told: ['put function s.f()', 'put function s.f()'],
    since: 14,
  },
  'ALTER TABLE ... ADD COLUMN, DROP COLUMN, where a parsed body names all of them': {
    given: `${TABLE} CREATE FUNCTION s.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x.p FROM s.t AS x(p); END;`,
    run: 'ALTER TABLE s.t ADD COLUMN c int; ALTER TABLE s.t DROP COLUMN c',
    told: ['put function s.f()', 'put function s.f()'],
    since: 14,
  },
  'ALTER TABLE ... DROP COLUMN that a parsed body names': {
    given: `${TABLE} CREATE FUNCTION s.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM s.t; END;`,
    run: 'ALTER TABLE s.t DROP COLUMN a CASCADE',
    told: ['delete function s.f()'],
    since: 14,
  },
  'ALTER TABLE ... RENAME CONSTRAINT, DROP CONSTRAINT that a parsed body names': {
    given: `CREATE TABLE s.t (a int, CONSTRAINT once UNIQUE (a));
      CREATE FUNCTION s.f() RETURNS void LANGUAGE sql
        BEGIN ATOMIC INSERT INTO s.t VALUES (1) ON CONFLICT ON CONSTRAINT once DO NOTHING; END;`,
    run: 'ALTER TABLE s.t RENAME CONSTRAINT once TO twice; ALTER TABLE s.t DROP CONSTRAINT twice CASCADE',
    told: ['put function s.f()', 'delete function s.f()'],
    since: 14,
  },
  'ALTER MATERIALIZED VIEW ... RENAME, RENAME COLUMN that a parsed body names': {
    given: `CREATE MATERIALIZED VIEW s.v AS SELECT 1 AS a;
      CREATE FUNCTION s.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT v.a FROM s.v; END;`,
    run: 'ALTER MATERIALIZED VIEW s.v RENAME TO w; ALTER MATERIALIZED VIEW s.w RENAME COLUMN a TO b',
    told: ['put function s.f()', 'put function s.f()'],
    since: 14,
  },
  'ALTER LANGUAGE ... RENAME': {
    given: `CREATE LANGUAGE mine HANDLER plpgsql_call_handler; CREATE FUNCTION s.f() RETURNS int LANGUAGE mine AS 'BEGIN RETURN 1; END';`,
    run: 'ALTER LANGUAGE mine RENAME TO ours; DROP LANGUAGE ours CASCADE',
    told: ['put function s.f()', 'delete function s.f()'],
  },
  'CREATE OR REPLACE VIEW that adds a column to those that a parsed body names': {
    given: `CREATE VIEW s.v AS SELECT 1 AS a; CREATE FUNCTION s.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x.p FROM s.v AS x(p); END;`,
    run: 'CREATE OR REPLACE VIEW s.v AS SELECT 1 AS a, 2 AS b',
    told: ['put function s.f()'],
    since: 14,
  },
  'ALTER TYPE ... RENAME ATTRIBUTE CASCADE of a type that a trigger’s table is made of': {
    given: `CREATE TYPE s.pair AS (a int, b int); CREATE TABLE s.typed OF s.pair;
      CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER trg BEFORE UPDATE OF a ON s.typed FOR EACH ROW EXECUTE FUNCTION s.run();`,
    run: 'ALTER TYPE s.pair RENAME ATTRIBUTE a TO c CASCADE',
    told: ['put trigger trg on s.typed'],
  },
  'ALTER INDEX ... RENAME of a constraint that a parsed body names': {
    given: `CREATE TABLE s.t (a int, CONSTRAINT once UNIQUE (a));
      CREATE FUNCTION s.f() RETURNS void LANGUAGE sql
        BEGIN ATOMIC INSERT INTO s.t VALUES (1) ON CONFLICT ON CONSTRAINT once DO NOTHING; END;`,
    run: 'ALTER INDEX s.once RENAME TO twice',
    told: ['put function s.f()'],
    since: 14,
  },
  'a range type, whose constructors PostgreSQL makes': {
    run: `CREATE TYPE s.span AS RANGE (SUBTYPE = int4); ALTER TYPE s.span RENAME TO period; ALTER TYPE s.period SET SCHEMA public;
      DROP TYPE public.period`,
    told: [],
  },
  'a trigger on a foreign table': {
    given: `${TABLE} CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE s.ft (a int) SERVER far;`,
    run: `CREATE TRIGGER trg BEFORE INSERT ON s.ft FOR EACH ROW EXECUTE FUNCTION s.run();
      ALTER FOREIGN TABLE s.ft RENAME TO ft2; DROP FOREIGN DATA WRAPPER w CASCADE`,
    told: [
      'put trigger trg on s.ft',
      'delete trigger trg on s.ft',
      'put trigger trg on s.ft2',
      'delete trigger trg on s.ft2',
    ],
  },
  'a constraint trigger FROM a table that is renamed': {
    given: `${TABLE} CREATE TABLE s.other (a int);
      CREATE CONSTRAINT TRIGGER trg AFTER INSERT ON s.t FROM s.other FOR EACH ROW EXECUTE FUNCTION s.run();`,
    run: 'ALTER TABLE s.other RENAME TO another',
    told: [`put ${TRG}`],
  },
  'ALTER DOMAIN ... RENAME': {
    given: `CREATE DOMAIN s.age AS int; ${F('s.f(s.age)')}`,
    run: 'ALTER DOMAIN s.age RENAME TO years',
    told: ['delete function s.f(s.age)', 'put function s.f(s.years)'],
  },
  'DROP TYPE ... CASCADE': {
    given: `CREATE TYPE s.mood AS ENUM ('a'); ${F('s.f(s.mood)')}`,
    run: 'DROP TYPE s.mood CASCADE',
    told: ['delete function s.f(s.mood)'],
  },
  'DROP DOMAIN, SCHEMA, EXTENSION ... CASCADE that take a column of a table that a parsed body names': {
    given: `CREATE DOMAIN s.age AS int; CREATE SCHEMA s2; CREATE DOMAIN s2.age AS int; CREATE EXTENSION citext SCHEMA public;
      CREATE TABLE s.t (a int, b s.age, c s2.age, d public.citext);
      CREATE FUNCTION s.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x.p FROM s.t AS x(p); END;`,
    run: 'DROP DOMAIN s.age CASCADE; DROP SCHEMA s2 CASCADE; DROP EXTENSION citext CASCADE',
    told: ['put function s.f()', 'put function s.f()', 'put function s.f()'],
    since: 14,
  },
  'ALTER SCHEMA ... RENAME': {
    given: TRIGGER,
    run: 'ALTER SCHEMA s RENAME TO s2',
    told: [`delete ${TRG}`, 'delete function s.run()', 'put function s2.run()', 'put trigger trg on s2.t'],
  },
  'CREATE SCHEMA with elements': {
    given: `${TABLE} CREATE SCHEMA s2;`,
    run: `DROP SCHEMA s2; CREATE SCHEMA s2 CREATE TABLE t (a int)
          CREATE TRIGGER trg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION s.run()`,
    told: ['put trigger trg on s2.t'],
  },
  'DROP SCHEMA ... CASCADE': {
    given: TRIGGER,
    run: 'DROP SCHEMA s CASCADE',
    told: [`delete ${TRG}`, 'delete function s.run()'],
  },
  'DROP OWNED': {
    given: `GRANT ALL ON SCHEMA s TO other; ${TRIGGER} ALTER FUNCTION s.run() OWNER TO other; ALTER TABLE s.t OWNER TO other;`,
    run: 'DROP OWNED BY other CASCADE',
    told: [`delete ${TRG}`, 'delete function s.run()'],
  },
  'REASSIGN OWNED, for which PostgreSQL fires no event trigger': {
    given: `${F('s.f()')} ALTER FUNCTION s.f() OWNER TO other;`,
    run: 'REASSIGN OWNED BY other TO postgres',
    told: [],
  },
  'a SQL function with a parsed body whose table is renamed': {
    given: `${TABLE} CREATE FUNCTION s.n() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(t.a) FROM s.t; END;`,
    run: 'ALTER TABLE s.t RENAME TO u; ALTER TABLE s.u RENAME COLUMN a TO c',
    told: ['put function s.n()', 'put function s.n()'],
    since: 14,
  },
  'a default that calls a function which is renamed': {
    given: `${F('s.f()')} CREATE FUNCTION s.g(a int DEFAULT s.f()) RETURNS int LANGUAGE sql AS 'SELECT 1';`,
    run: 'ALTER FUNCTION s.f() RENAME TO h',
    told: ['delete function s.f()', 'put function s.h()', 'put function s.g(integer)'],
  },
  'GRANT, REVOKE, COMMENT': {
    given: F('s.f()'),
    run: `GRANT EXECUTE ON FUNCTION s.f() TO other; REVOKE ALL ON FUNCTION s.f() FROM PUBLIC; COMMENT ON FUNCTION s.f() IS 'x'`,
    told: [],
  },
  'foreign keys, whose triggers are internal': {
    run: `CREATE TABLE s.a (i int PRIMARY KEY); CREATE TABLE s.b (i int REFERENCES s.a DEFERRABLE);
          ALTER TABLE s.b DISABLE TRIGGER ALL; DROP TABLE s.b; DROP TABLE s.a`,
    told: [],
  },
  'a function that PostgreSQL itself cannot describe any more': {
    given: `CREATE TYPE s.mood AS ENUM ('a'); ${F('s.broken(s.mood)')} ${F('s.f()')}
      DELETE FROM pg_depend WHERE objid = (SELECT oid FROM pg_proc WHERE proname = 'broken') AND refclassid = 'pg_type'::regclass;
      DROP TYPE s.mood;`,
    run: `ALTER SCHEMA s RENAME TO s2; DELETE FROM pg_depend WHERE objid = (SELECT oid FROM pg_proc WHERE proname = 'broken');
      DELETE FROM pg_proc WHERE proname = 'broken'`,
    told: ['delete function s.f()', 'put function s2.f()'],
  },
  'a function that PostgreSQL itself cannot describe any more, to a REPEATABLE READ transaction': {
    given: `CREATE TYPE s.mood AS ENUM ('a'); ${F('s.broken(s.mood)')} ${F('s.f()')}
      DELETE FROM pg_depend WHERE objid = (SELECT oid FROM pg_proc WHERE proname = 'broken') AND refclassid = 'pg_type'::regclass;
      DROP TYPE s.mood;`,
    run: `BEGIN ISOLATION LEVEL REPEATABLE READ; ALTER SCHEMA s RENAME TO s2; COMMIT;
      DELETE FROM pg_depend WHERE objid = (SELECT oid FROM pg_proc WHERE proname = 'broken'); DELETE FROM pg_proc WHERE proname = 'broken'`,
    told: ['delete function s.f()', 'put function s2.f()'],
  },
  'a trigger whose function is gone, which PostgreSQL cannot describe any more': {
    given: `${TRIGGER} CREATE TRIGGER other BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run(); ${F('s.f()')}
      UPDATE pg_trigger SET tgfoid = 1 WHERE tgname = 'trg';`,
    run: `ALTER SCHEMA s RENAME TO s2; UPDATE pg_trigger SET tgfoid = 's2.run'::regproc WHERE tgname = 'trg'`,
    told: [
      ...['delete trigger other on s.t', 'delete function s.run()', 'delete function s.f()'],
      ...['put function s2.run()', 'put function s2.f()', 'put trigger other on s2.t', 'put trigger trg on s2.t'],
    ],
  },
  'an extension’s members, until they leave it': {
    run: `CREATE EXTENSION citext SCHEMA s; ALTER EXTENSION citext DROP FUNCTION s.citext_hash(s.citext);
      ALTER EXTENSION citext ADD FUNCTION s.citext_hash(s.citext); DROP EXTENSION citext`,
    told: ['put function s.citext_hash(s.citext)', 'delete function s.citext_hash(s.citext)'],
  },
  'a trigger of an extension’s function on a partitioned table, which PostgreSQL records as part of itself': {
    given: `${TABLE} CREATE TABLE s.parts (a int) PARTITION BY LIST (a); CREATE EXTENSION citext SCHEMA s; ALTER EXTENSION citext ADD FUNCTION s.run();`,
    run: 'CREATE TRIGGER trg AFTER INSERT ON s.parts FOR EACH ROW EXECUTE FUNCTION s.run()',
    told: ['put trigger trg on s.parts'],
  },
  'a function that goes with an extension it depends on': {
    given: `CREATE EXTENSION citext SCHEMA s; ${F('s.f()')} ALTER FUNCTION s.f() DEPENDS ON EXTENSION citext;`,
    run: 'DROP EXTENSION citext',
    told: ['delete function s.f()'],
  },
  'DROP EXTENSION ... CASCADE': {
    given: `CREATE EXTENSION citext SCHEMA s; ${F('s.f(s.citext)')}`,
    run: 'DROP EXTENSION citext CASCADE',
    told: ['delete function s.f(s.citext)'],
  },
  'DDL of other event triggers': {
    given: `${TABLE} CREATE FUNCTION s.audit() RETURNS event_trigger LANGUAGE plpgsql AS
      'BEGIN CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.run(); END';`,
    run: `CREATE EVENT TRIGGER audit ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION s.audit();
      CREATE VIEW s.v AS SELECT 1; DROP EVENT TRIGGER audit`,
    told: [`put ${TRG}`],
  },
  'aggregates and tables': {
    run: `CREATE AGGREGATE s.total(int) (SFUNC = int4pl, STYPE = int); CREATE TABLE s.x (i serial PRIMARY KEY); DROP TABLE s.x;
          DROP AGGREGATE s.total(int)`,
    told: [],
  },
  'functions and triggers of temporary tables': {
    given: TABLE,
    run: `${F('pg_temp.f()')} CREATE TEMP TABLE tmp (a int);
          CREATE TRIGGER trg BEFORE INSERT ON tmp FOR EACH ROW EXECUTE FUNCTION s.run(); ALTER TABLE tmp ADD COLUMN b int;
          ALTER FUNCTION pg_temp.f() RENAME TO g; DROP FUNCTION pg_temp.g(); DROP TABLE tmp`,
    told: [],
  },
  'definitions that mention something temporary, and go with it': {
    given: `${TABLE} CREATE TEMP TABLE IF NOT EXISTS tmp (a int); CREATE OR REPLACE FUNCTION pg_temp.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';`,
    run: `${F('s.f(tmp)')} ${F('s.g(tmp[])')} CREATE PROCEDURE s.p(a tmp) LANGUAGE sql AS 'SELECT 1';
      CREATE TRIGGER trg BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION pg_temp.run();
      CREATE CONSTRAINT TRIGGER far AFTER INSERT ON s.t FROM s.t FOR EACH ROW EXECUTE FUNCTION s.run(); DROP TABLE tmp CASCADE`,
    told: ['put trigger far on s.t'],
  },
  'a function whose parsed body comes to mention something temporary, and ceases to': {
    given: `CREATE TEMP TABLE IF NOT EXISTS tmp (a int); CREATE FUNCTION s.f() RETURNS bigint LANGUAGE sql AS 'SELECT 1';`,
    run: `CREATE OR REPLACE FUNCTION s.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM tmp; END;
      CREATE OR REPLACE FUNCTION s.f() RETURNS bigint LANGUAGE sql AS 'SELECT 2'; DROP TABLE tmp CASCADE`,
    told: ['delete function s.f()', 'put function s.f()'],
    since: 14,
  },
  'several statements in one query': {
    run: `${F('s.f()')} ${F('s.f()', 'SELECT 2')} ${F('s.g()')} DROP FUNCTION s.f()`,
    told: ['put function s.f()', 'put function s.f()', 'put function s.g()', 'delete function s.f()'],
  },
  'a DO block': {
    run: `DO $$ BEGIN FOR i IN 1..2 LOOP EXECUTE format('CREATE FUNCTION s.f%s() RETURNS int LANGUAGE sql AS ''SELECT 1''', i);
          END LOOP; END $$`,
    told: ['put function s.f1()', 'put function s.f2()'],
  },
  'DDL within a function': {
    given: `CREATE FUNCTION s.make() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
            CREATE FUNCTION s.nested() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION s.nested(); END $$;`,
    run: 'SELECT s.make()',
    told: ['put function s.nested()', 'delete function s.nested()'],
  },
  'a procedure that commits and rolls back': {
    given: `CREATE PROCEDURE s.migrate() LANGUAGE plpgsql AS $$ BEGIN ${F('s.a()')} COMMIT; ${F('s.b()')} ROLLBACK; ${F('s.c()')} END $$`,
    run: 'CALL s.migrate()',
    told: ['put function s.a()', 'put function s.c()'],
  },
  'DDL of a trigger that fires at the commit': {
    given: `CREATE TABLE s.t (a int); CREATE FUNCTION s.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${F('s.b()')} RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER trg AFTER INSERT ON s.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.late();`,
    run: `BEGIN; ${F('s.a()')} INSERT INTO s.t VALUES (1); COMMIT`,
    told: ['put function s.a()', 'put function s.b()'],
  },
  'a transaction that is rolled back': { run: `BEGIN; ${F('s.f()')} ROLLBACK`, told: [] },
  'a savepoint that is rolled back': {
    run: `BEGIN; ${F('s.f()')} SAVEPOINT p; ${F('s.g()')} DROP FUNCTION s.f(); ROLLBACK TO p; ${F('s.h()')} COMMIT`,
    told: ['put function s.f()', 'put function s.h()'],
  },
  'an exception that a block catches': {
    run: `DO $$ BEGIN BEGIN ${F('s.f()').replaceAll("'", "''").replace(/^/, "EXECUTE '")}'; RAISE 'no'; EXCEPTION WHEN others THEN NULL; END; END $$`,
    told: [],
  },
  'a chain of renames in one transaction': {
    given: `${F('s.a()')} ${F('s.b()')}`,
    run: `BEGIN; ALTER FUNCTION s.a() RENAME TO x; ALTER FUNCTION s.b() RENAME TO a; ALTER FUNCTION s.x() RENAME TO b; COMMIT`,
    told: [
      ...['delete function s.a()', 'put function s.x()', 'delete function s.b()', 'put function s.a()'],
      ...['delete function s.x()', 'put function s.b()'],
    ],
  },
  'constraints that are made immediate': {
    run: `BEGIN; SET CONSTRAINTS ALL IMMEDIATE; ${F('s.f()')} SET CONSTRAINTS ALL DEFERRED; ${F('s.g()')} COMMIT`,
    told: ['put function s.f()', 'put function s.g()'],
  },
  'quoted and non-ASCII names': {
    run: `${F('s."Größe ""x"""("Ⅷ" int)')} CREATE TABLE s."t.t" (a int);
          CREATE FUNCTION s."Run"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
          CREATE TRIGGER "tr on g" AFTER INSERT ON s."t.t" EXECUTE FUNCTION s."Run"();`,
    told: ['put function s."Größe ""x"""(integer)', 'put function s."Run"()', 'put trigger "tr on g" on s."t.t"'],
  },
};
