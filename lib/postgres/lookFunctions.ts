import type { CaptureNames } from './captureNames.js';

/**
 * The SQL functions that find out what a statement has changed: `look(objects)` compares what the catalogs say now
 * with what is told once this transaction commits, and writes the differences to the log, not yet numbered.
 *
 * Comparing, rather than translating each kind of statement, is what makes ALTER SCHEMA, ALTER TYPE, ALTER TABLE and the
 * like come out right: they change the names and texts of definitions that they do not mention. What they may have
 * changed is what depends on the object altered, directly or not, and pg_depend knows that.
 *
 * - So is what the object is a part of (`i`): a constraint has its index's name, a composite type its relation's columns.
 * - Each level of dependency is looked up by index (OFFSET 0 keeps the planner from reading all of pg_depend).
 * - The object (0, 0) stands for everything.
 * - `named` objects are told even when nothing about them has changed.
 * - Deletes come before puts, triggers go before the functions they run and come after them.
 */
export function lookFunctions({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.told(class oid, object oid)
RETURNS TABLE (definition_type text, name text, payload text) LANGUAGE sql STABLE AS ${quote}
  SELECT last.definition_type, last.name, last.payload FROM (
    SELECT c.definition_type, c.name, c.payload, c.action FROM ${s}.change c
    WHERE c.position IS NULL AND c.classid = class AND c.objid = object ORDER BY c.id DESC LIMIT 1) last
  WHERE last.action = 'put'
  UNION ALL
  SELECT d.definition_type, d.name, d.payload FROM ${s}.definition d WHERE d.classid = class AND d.objid = object
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
    SELECT ROW(a.classid, a.objid,
      EXISTS (SELECT FROM unnest(objects) o WHERE o.named AND o.objid = a.objid AND o.classid = a.classid))::${s}.touched
    FROM affected a WHERE a.classid IN ('pg_proc'::regclass, 'pg_trigger'::regclass));
END
${quote};
CREATE FUNCTION ${s}.look(objects ${s}.touched[]) RETURNS void LANGUAGE plpgsql AS ${quote}
#variable_conflict use_column
DECLARE
  candidates ${s}.touched[] := ${s}.affected(objects);
BEGIN
  IF cardinality(candidates) = 0 THEN RETURN; END IF;
  WITH old AS (
    SELECT c.classid, c.objid, told.definition_type, told.name, told.payload
    FROM unnest(candidates) c CROSS JOIN LATERAL ${s}.told(c.classid, c.objid) told
  ), new AS (
    SELECT c.classid, c.objid, c.named, now.definition_type, now.name, payload.text AS payload
    FROM unnest(candidates) c
    CROSS JOIN LATERAL ${s}.identify(c.classid, c.objid) now
    CROSS JOIN LATERAL (SELECT coalesce(
      (SELECT min((o.payload::json ->> 'created_at')::bigint) FROM old o WHERE o.objid = c.objid AND o.classid = c.classid),
      extract(epoch FROM now())::bigint) OFFSET 0) since(epoch)
    CROSS JOIN LATERAL (SELECT CASE now.definition_type WHEN 'trigger' THEN ${s}.trigger_payload(c.objid, now.name, since.epoch)
      ELSE ${s}.routine_payload(c.objid, now.name, since.epoch) END OFFSET 0) payload(text)
    WHERE payload.text IS NOT NULL
  ), news AS (
    SELECT 'delete' AS action, classid, objid, definition_type, name, '' AS payload FROM old o
    WHERE NOT EXISTS (SELECT FROM new n WHERE n.definition_type = o.definition_type AND n.name = o.name)
    UNION ALL
    SELECT 'put', classid, objid, definition_type, name, payload FROM new n
    WHERE named OR NOT EXISTS (SELECT FROM old o WHERE o.objid = n.objid AND o.classid = n.classid
      AND o.definition_type = n.definition_type AND o.name = n.name AND o.payload = n.payload)
  )
  INSERT INTO ${s}.change (definition_type, name, action, classid, objid, payload)
  SELECT definition_type, name, action, classid, objid, payload FROM news
  ORDER BY action, (definition_type = 'trigger') = (action = 'put'), objid;
END
${quote};
`;
}
