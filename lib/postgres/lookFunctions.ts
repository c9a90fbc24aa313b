import type { CaptureNames } from './captureNames.js';

/**
 * The SQL functions that find out what a statement has changed: `look(objects)` compares what the catalogs say now
 * with what is told once this transaction commits, writes the differences to the log, not yet numbered, and says whether the commit has
 * anything to do.
 *
 * Comparing, rather than translating each kind of statement, is what makes ALTER SCHEMA, ALTER TYPE, ALTER TABLE and the
 * like come out right: they change the names and texts of definitions that they do not mention. What they may have
 * changed is what depends on the object altered, directly or not, and pg_depend knows that.
 *
 * - So is what the object is a part of (`i`): a constraint has its index's name, a composite type its relation's columns.
 * - Each level of dependency is looked up by index (OFFSET 0 keeps the planner from reading all of pg_depend).
 * - The object (0, 0) stands for everything. Nothing here takes time with the square of what is looked at.
 * - The catalogs are read under the transaction's snapshot, and changed beside it: a REPEATABLE READ transaction that changes what
 *   another one has changed since it began still sees the version that was replaced, instead of its own or beside it. It has to be
 *   tried again. Each row is asked for its latest version; a join by a unique index would look at one of the two.
 * - `-id` is no column that the index of ids could put in order: what is under way is found by its object.
 * - `named` objects are told even when nothing about them has changed.
 * - Where a fingerprint has changed and the text has not, the new one is noted at the commit: others write definitions under its lock only.
 * - Deletes come before puts, triggers go before the functions they run and come after them.
 */
export function lookFunctions({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.told(class oid, object oid)
RETURNS TABLE (definition_type text, name text, payload text, fingerprint text) LANGUAGE sql STABLE AS ${quote}
  SELECT last.definition_type, last.name, last.payload, last.fingerprint FROM (
    SELECT c.definition_type, c.name, c.payload, c.fingerprint, c.action FROM ${s}.change c
    WHERE c.position IS NULL AND c.classid = class AND c.objid = object ORDER BY -c.id LIMIT 1) last
  WHERE last.action = 'put'
  UNION ALL
  SELECT d.definition_type, d.name, d.payload, d.fingerprint FROM ${s}.definition d WHERE d.classid = class AND d.objid = object
    AND NOT EXISTS (SELECT FROM ${s}.change c WHERE c.position IS NULL AND c.classid = class AND c.objid = object)
${quote};
CREATE FUNCTION ${s}.affected(objects ${s}.touched[]) RETURNS ${s}.touched[] LANGUAGE plpgsql STABLE AS ${quote}
BEGIN
  IF EXISTS (SELECT FROM unnest(objects) o WHERE o.classid = 0) THEN
    RETURN ARRAY(SELECT ROW(every.classid, every.objid, false)::${s}.touched FROM (
      SELECT 'pg_proc'::regclass::oid, oid FROM pg_proc WHERE oid >= 16384
      UNION SELECT 'pg_trigger'::regclass, oid FROM pg_trigger
      UNION SELECT classid, objid FROM ${s}.definition) every(classid, objid));
  END IF;
  RETURN ARRAY(
    WITH RECURSIVE affected(classid, objid) AS (
      SELECT o.classid, o.objid FROM unnest(objects) o
      UNION
      SELECT d.refclassid, d.refobjid FROM unnest(objects) o CROSS JOIN LATERAL
        (SELECT * FROM pg_depend d WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'i' OFFSET 0) d
      UNION
      SELECT d.classid, d.objid FROM affected a CROSS JOIN LATERAL
        (SELECT * FROM pg_depend d WHERE d.refclassid = a.classid AND d.refobjid = a.objid OFFSET 0) d
    )
    SELECT ROW(a.classid, a.objid, bool_or(a.named))::${s}.touched FROM (
      SELECT classid, objid, false AS named FROM affected UNION ALL SELECT o.classid, o.objid, o.named FROM unnest(objects) o) a
    WHERE a.classid IN ('pg_proc'::regclass, 'pg_trigger'::regclass) GROUP BY a.classid, a.objid);
END
${quote};
CREATE FUNCTION ${s}.is_gone(class oid, object oid) RETURNS boolean LANGUAGE plpgsql STABLE AS ${quote}
BEGIN
  RETURN CASE class WHEN 'pg_proc'::regclass THEN pg_get_function_identity_arguments(object) ELSE pg_get_triggerdef(object) END IS NULL;
EXCEPTION WHEN internal_error THEN
  -- It is there, and what it is made of is not: it has no text, and no name to be told by.
  RETURN false;
END
${quote};
CREATE FUNCTION ${s}.is_stale(class oid, object oid) RETURNS boolean LANGUAGE sql STABLE AS ${quote}
  SELECT EXISTS (SELECT FROM pg_proc p WHERE class = 'pg_proc'::regclass AND p.oid = object
      AND (currtid2('pg_catalog.pg_proc', p.ctid) <> p.ctid OR ${s}.is_gone(class, object)))
    OR EXISTS (SELECT FROM pg_trigger t WHERE class = 'pg_trigger'::regclass AND t.oid = object
      AND (currtid2('pg_catalog.pg_trigger', t.ctid) <> t.ctid OR ${s}.is_gone(class, object)))
    OR EXISTS (SELECT FROM pg_class c WHERE class = 'pg_trigger'::regclass
      AND c.oid = ANY(ARRAY(SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = object))
      AND currtid2('pg_catalog.pg_class', c.ctid) <> c.ctid)
    OR EXISTS (SELECT FROM pg_namespace n WHERE n.oid = ANY(CASE class WHEN 'pg_proc'::regclass
        THEN ARRAY(SELECT p.pronamespace FROM pg_proc p WHERE p.oid = object)
        ELSE ARRAY(SELECT c.relnamespace FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.oid = object) END)
      AND currtid2('pg_catalog.pg_namespace', n.ctid) <> n.ctid)
${quote};
CREATE FUNCTION ${s}.look(objects ${s}.touched[], at_commit boolean) RETURNS boolean LANGUAGE plpgsql AS ${quote}
#variable_conflict use_column
DECLARE
  candidates ${s}.touched[] := ${s}.affected(objects);
  is_due boolean;
BEGIN
  IF cardinality(candidates) = 0 THEN RETURN false; END IF;
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
    AND EXISTS (SELECT FROM unnest(candidates) c WHERE ${s}.is_stale(c.classid, c.objid)) THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE =
      'could not serialize access due to a concurrent change of what this transaction defines', HINT = 'Try the transaction again.';
  END IF;
  WITH old AS MATERIALIZED (
    SELECT c.classid, c.objid, told.definition_type, told.name
    FROM unnest(candidates) c CROSS JOIN LATERAL ${s}.told(c.classid, c.objid) told
  ), new AS MATERIALIZED (
    SELECT c.classid, c.objid, now.definition_type, now.name, payload.text AS payload, seen.fingerprint,
      c.named OR NOT EXISTS (SELECT FROM ${s}.told(c.classid, c.objid) t
        WHERE t.definition_type = now.definition_type AND t.name = now.name AND t.payload = payload.text) AS changed,
      EXISTS (SELECT FROM ${s}.told(c.classid, c.objid) t WHERE t.fingerprint IS DISTINCT FROM seen.fingerprint) AS seen_anew
    FROM unnest(candidates) c
    CROSS JOIN LATERAL ${s}.identify(c.classid, c.objid) now
    CROSS JOIN LATERAL (SELECT coalesce(min((t.payload::json ->> 'created_at')::bigint), extract(epoch FROM now())::bigint)
      FROM ${s}.told(c.classid, c.objid) t OFFSET 0) since(epoch)
    CROSS JOIN LATERAL (SELECT ${s}.fingerprint(c.classid, c.objid, now.name) OFFSET 0) seen(fingerprint)
    CROSS JOIN LATERAL (SELECT coalesce(
      (SELECT t.payload FROM ${s}.told(c.classid, c.objid) t WHERE t.name = now.name AND t.fingerprint = seen.fingerprint LIMIT 1),
      ${s}.payload(now.definition_type, c.objid, now.name, since.epoch)) OFFSET 0) payload(text)
    WHERE payload.text IS NOT NULL
  ), named AS (
    SELECT o.*, bool_or(is_new) OVER (PARTITION BY definition_type, name) AS is_there FROM (
      SELECT classid, objid, definition_type, name, false AS is_new FROM old
      UNION ALL SELECT classid, objid, definition_type, name, true FROM new) o
  ), news AS (
    SELECT 'delete' AS action, classid, objid, definition_type, name, '' AS payload, NULL AS fingerprint FROM named WHERE NOT is_there
    UNION ALL
    SELECT 'put', classid, objid, definition_type, name, payload, fingerprint FROM new WHERE changed
  ), noted AS (
    INSERT INTO ${s}.change (definition_type, name, action, classid, objid, payload, fingerprint)
    SELECT definition_type, name, action, classid, objid, payload, fingerprint FROM news
    ORDER BY action, (definition_type = 'trigger') = (action = 'put'), objid
    RETURNING id
  ), seen AS (
    UPDATE ${s}.definition d SET fingerprint = n.fingerprint FROM new n
    WHERE at_commit AND n.seen_anew AND NOT n.changed AND d.objid = n.objid AND d.classid = n.classid
  )
  SELECT EXISTS (SELECT FROM noted) OR EXISTS (SELECT FROM new WHERE seen_anew) INTO is_due;
  RETURN is_due;
END
${quote};
`;
}
