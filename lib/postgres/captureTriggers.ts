import { channelOf, type CaptureNames } from './captureNames.js';
import { pinnedSettings } from './pinnedSettings.js';

/** The SQL functions that PostgreSQL calls, and the triggers that make it do so. */
export function captureTriggers(names: CaptureNames): string {
  return numberPending(names) + commitTrigger(names) + eventFunctions(names) + eventTriggers(names);
}

// What was noted at the statement may be out of date by now: another transaction has told the delete of that name already,
// or the name is another object's. The first is let go; the other object is looked at again.
function numberPending({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.number_pending(last bigint) RETURNS bigint LANGUAGE plpgsql AS ${quote}
DECLARE
  c ${s}.change;
  holder ${s}.definition;
BEGIN
  FOR c IN SELECT * FROM ${s}.change WHERE position IS NULL ORDER BY -id DESC LOOP
    SELECT * INTO holder FROM ${s}.definition WHERE definition_type = c.definition_type AND name = c.name;
    IF c.action = 'delete' AND (holder.classid, holder.objid) IS DISTINCT FROM (c.classid, c.objid) THEN
      DELETE FROM ${s}.change WHERE id = c.id;
      CONTINUE;
    END IF;
    last := last + 1;
    UPDATE ${s}.change SET position = last WHERE id = c.id;
    IF c.action = 'delete' THEN
      DELETE FROM ${s}.definition WHERE definition_type = c.definition_type AND name = c.name;
    ELSIF holder.name IS NULL THEN
      INSERT INTO ${s}.definition (definition_type, name, classid, objid, payload, fingerprint, position)
      VALUES (c.definition_type, c.name, c.classid, c.objid, c.payload, c.fingerprint, last);
    ELSE
      UPDATE ${s}.definition SET classid = c.classid, objid = c.objid, payload = c.payload, fingerprint = c.fingerprint, position = last
      WHERE definition_type = c.definition_type AND name = c.name;
      IF (holder.classid, holder.objid) <> (c.classid, c.objid) THEN
        INSERT INTO ${s}.touched VALUES (holder.classid, holder.objid, false);
      END IF;
    END IF;
  END LOOP;
  RETURN last;
END
${quote};
`;
}

// Why numbers are given at commit, under a row lock held until the commit is done:
// - A sequence is not commit order. Whoever draws number 7 first may commit after number 8, and a reader that has
//   read up to 8 would never see 7. Here only one transaction at a time can be between "has a number" and "has
//   committed"; so reading upwards is reading in commit order, and numbers have no holes.
// - Taken at the statement, the lock would make two migrations wait for each other from their first statement on, and
//   deadlock where they alter the same tables in a different order. A deferred trigger takes it when all that is left is
//   the commit. DDL is rare; the wait is that of one commit. A prepared transaction keeps it until COMMIT PREPARED.
// - A REPEATABLE READ transaction that began before another one's DDL committed gets a serialization failure from the
//   counter row, instead of comparing with a state of the past.
// - Looking once more under the lock sees what others have committed since the statement: one transaction creates a
//   function on a type, or drops a trigger, while another one renames the type, or the schema.
// - Without its row a capture is what a dump of the schema alone restores: nothing is told until it is installed again.
// NOTIFY is a wake-up only. PREPARE TRANSACTION is refused after a NOTIFY, so where transactions can be prepared there is
// none, and readers find out by looking now and then.
function commitTrigger(names: CaptureNames): string {
  const { schema: s, quote } = names;
  return `
CREATE FUNCTION ${s}.touch(objects ${s}.touched[]) RETURNS void LANGUAGE plpgsql AS ${quote}
BEGIN
  INSERT INTO ${s}.touched SELECT * FROM unnest(objects);
  -- What another transaction left here, while its trigger was switched off, is none of this one's.
  IF NOT EXISTS (SELECT FROM ${s}.due d WHERE d.transaction = txid_current()) THEN
    INSERT INTO ${s}.due VALUES (txid_current());
  END IF;
END
${quote};
CREATE FUNCTION ${s}.number_changes() RETURNS void LANGUAGE plpgsql AS ${quote}
DECLARE
  before bigint;
  last bigint;
  objects ${s}.touched[];
BEGIN
  SELECT position INTO before FROM ${s}.capture FOR UPDATE;
  IF NOT FOUND THEN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
      RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE =
        'could not serialize access due to a capture that was installed meanwhile', HINT = 'Try the transaction again.';
    END IF;
    DELETE FROM ${s}.due;
    DELETE FROM ${s}.touched;
    DELETE FROM ${s}.change WHERE position IS NULL;
    RETURN;
  END IF;
  DELETE FROM ${s}.due;
  last := before;
  LOOP
    objects := ARRAY(SELECT ROW(o.classid, o.objid, false)::${s}.touched FROM (
      SELECT classid, objid FROM ${s}.touched UNION SELECT classid, objid FROM ${s}.change WHERE position IS NULL) o);
    EXIT WHEN cardinality(objects) = 0;
    DELETE FROM ${s}.touched;
    last := ${s}.number_pending(last);
    PERFORM ${s}.look(objects, true);
  END LOOP;
  IF last > before THEN
    UPDATE ${s}.capture SET position = last;
    IF current_setting('max_prepared_transactions')::integer = 0 THEN
      PERFORM pg_notify(${channelOf(names)}, '');
    END IF;
  END IF;
END
${quote};
CREATE FUNCTION ${s}.on_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${pinnedSettings} AS ${quote}
BEGIN
  PERFORM ${s}.number_changes();
  RETURN NULL;
END
${quote};
CREATE CONSTRAINT TRIGGER on_commit AFTER INSERT ON ${s}.due DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ${s}.on_commit();
ALTER TABLE ${s}.due ENABLE ALWAYS TRIGGER on_commit;
`;
}

// A definition may outlive a type that it mentions: one that another session makes meanwhile; and it may mention what a dropped column
// was a part of. Of tables, whose row types come with them, neither is looked for: whoever drops one would wait at the commit for those who
// make definitions. What belongs to a temporary table, as its triggers do, does not say that it is temporary itself.
// That a parsed body names an operator class, as ON CONFLICT may, is not recorded by PostgreSQL, so everything is looked at.
// A view that is replaced is locked, so nobody makes a definition on it meanwhile: where there is none yet, it need not be due.
// Whoever makes a definition holds a lock on each table that it names, but for one that it takes the rows of: others see the name of that
// one, and PostgreSQL locks no type. A new name or schema is a new version of the row's type, too. So an ALTER TABLE that leaves that
// alone, and changes nothing that is told, need not be looked at again: a transaction with the capture's table among those it has events
// of could not drop, nor alter, the capture.
// Being due comes last: with SET CONSTRAINTS ALL IMMEDIATE it numbers what is there at once.
function eventFunctions({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.on_touch(objects ${s}.touched[], again ${s}.touched[]) RETURNS void LANGUAGE plpgsql AS ${quote}
BEGIN
  IF cardinality(objects) = 0 THEN RETURN; END IF;
  IF ${s}.is_restored() THEN PERFORM ${s}.bind(); END IF;
  IF ${s}.look(objects, false) THEN
    PERFORM ${s}.touch(objects);
  ELSIF cardinality(again) > 0 THEN
    PERFORM ${s}.touch(again);
  END IF;
END
${quote};
CREATE FUNCTION ${s}.keeps_its_name(class oid, object oid, part integer, tag text) RETURNS boolean LANGUAGE plpgsql STABLE AS ${quote}
BEGIN
  IF class <> 'pg_class'::regclass OR part <> 0 OR tag NOT IN ('ALTER TABLE', 'ALTER FOREIGN TABLE') THEN RETURN false; END IF;
  RETURN EXISTS (SELECT FROM pg_class c JOIN pg_type t ON t.oid = c.reltype WHERE c.oid = object AND age(t.xmin) > 0);
END
${quote};
CREATE FUNCTION ${s}.on_command_end() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER ${pinnedSettings} AS ${quote}
DECLARE
  objects ${s}.touched[];
  again ${s}.touched[];
BEGIN
  IF tg_tag IN ('ALTER EXTENSION', 'ALTER OPERATOR CLASS') THEN
    objects := ARRAY[ROW(0, 0, false)::${s}.touched];
    PERFORM ${s}.on_touch(objects, objects);
    RETURN;
  END IF;
  SELECT array_agg(o.object), array_agg(o.object) FILTER (WHERE NOT o.is_quiet) INTO objects, again FROM (
    SELECT ROW(e.classid, e.objid, e.command_tag LIKE 'CREATE %')::${s}.touched,
      ${s}.keeps_its_name(e.classid, e.objid, e.objsubid, e.command_tag) FROM pg_event_trigger_ddl_commands() e
    WHERE e.objid IS NOT NULL AND NOT (e.in_extension AND e.command_tag IN ('CREATE FUNCTION', 'CREATE PROCEDURE'))
      AND e.schema_name IS DISTINCT FROM 'pg_temp'
      AND (e.command_tag LIKE 'ALTER %' OR e.classid IN ('pg_proc'::regclass, 'pg_trigger'::regclass)
        OR e.command_tag = 'CREATE VIEW' AND cardinality(${s}.affected(ARRAY[ROW(e.classid, e.objid, false)::${s}.touched])) > 0)) o(object, is_quiet);
  PERFORM ${s}.on_touch(coalesce(objects, '{}'), coalesce(again, '{}'));
END
${quote};
CREATE FUNCTION ${s}.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER ${pinnedSettings} AS ${quote}
DECLARE
  objects ${s}.touched[] := ARRAY(
    SELECT ROW(e.classid, e.objid, false)::${s}.touched FROM pg_event_trigger_dropped_objects() e
    WHERE NOT e.is_temporary AND e.address_names[1] IS DISTINCT FROM 'pg_temp'
      AND (e.classid IN ('pg_proc'::regclass, 'pg_trigger'::regclass) OR e.objsubid <> 0
        OR e.classid = 'pg_type'::regclass AND (e.original OR e.normal)));
BEGIN
  PERFORM ${s}.on_touch(objects, objects);
END
${quote};
`;
}

// Commands that create, alter or may rename what a definition is made of; the many that do not, CREATE TEMP TABLE among
// them, do not even call a function. Every tag of the list is known to PostgreSQL 13.
const CREATED = ['FUNCTION', 'PROCEDURE', 'TRIGGER', 'SCHEMA', 'VIEW', 'EXTENSION'];
const ALTERED = [
  ...['FUNCTION', 'PROCEDURE', 'ROUTINE', 'TRIGGER', 'SCHEMA', 'TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW'],
  ...['SEQUENCE', 'INDEX', 'TYPE', 'DOMAIN', 'COLLATION', 'OPERATOR', 'OPERATOR CLASS', 'AGGREGATE', 'LANGUAGE'],
  ...['EXTENSION', 'CONVERSION', 'TEXT SEARCH CONFIGURATION', 'TEXT SEARCH DICTIONARY'],
];
const TAGS = [...CREATED.map((what) => `CREATE ${what}`), ...ALTERED.map((what) => `ALTER ${what}`)];

function eventTriggers({ schema: s, onCommandEnd, onDrop }: CaptureNames): string {
  return `
CREATE EVENT TRIGGER ${onCommandEnd} ON ddl_command_end WHEN TAG IN (${TAGS.map((tag) => `'${tag}'`).join(', ')})
  EXECUTE FUNCTION ${s}.on_command_end();
CREATE EVENT TRIGGER ${onDrop} ON sql_drop EXECUTE FUNCTION ${s}.on_drop();
ALTER EVENT TRIGGER ${onCommandEnd} ENABLE ALWAYS;
ALTER EVENT TRIGGER ${onDrop} ENABLE ALWAYS;
`;
}
