import type { CaptureNames } from './captureNames.js';

/**
 * The SQL function that finds out what a statement has changed: `look(objects)` compares what the catalogs say now
 * with what is told once this transaction commits, and writes the differences to the log, not yet numbered.
 *
 * Comparing, rather than translating each kind of statement, is what makes ALTER SCHEMA, ALTER TYPE, ALTER TABLE and the
 * like come out right: they change the names and texts of definitions that they do not mention. What they may have
 * changed is what depends on the object altered, directly or not, and pg_depend knows that.
 *
 * - The object (0, 0) stands for everything.
 * - `named` objects are told even when nothing about them has changed.
 * - Deletes come before puts, triggers go before the functions they run and come after them.
 */
export function lookFunctions({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.told(class oid, object oid)
RETURNS TABLE (definition_type text, name text, payload text) LANGUAGE sql STABLE AS ${quote}
  SELECT last.definition_type, last.name, last.payload FROM (
    (SELECT c.definition_type, c.name, c.payload, c.action FROM ${s}.change c
      WHERE c.position IS NULL AND c.classid = class AND c.objid = object ORDER BY c.id DESC LIMIT 1)
    UNION ALL
    SELECT d.definition_type, d.name, d.payload, 'put' FROM ${s}.definition d WHERE d.classid = class AND d.objid = object
    LIMIT 1) last
  WHERE last.action = 'put'
${quote};
CREATE FUNCTION ${s}.look(objects ${s}.touched[])
RETURNS void LANGUAGE plpgsql AS ${quote}
#variable_conflict use_column
BEGIN
  WITH RECURSIVE affected(classid, objid) AS (
    SELECT o.classid, o.objid FROM unnest(objects) o
    UNION
    SELECT d.classid, d.objid FROM affected a JOIN pg_depend d ON d.refclassid = a.classid AND d.refobjid = a.objid
  ), candidate AS (
    SELECT classid, objid FROM affected WHERE classid IN ('pg_proc'::regclass, 'pg_trigger'::regclass)
    UNION
    SELECT every.classid, every.objid FROM (
      SELECT 'pg_proc'::regclass::oid, oid FROM pg_proc WHERE oid >= 16384
      UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger
      UNION ALL SELECT classid, objid FROM ${s}.definition) every(classid, objid)
    WHERE (0, 0) IN (SELECT o.classid, o.objid FROM unnest(objects) o)
  ), compared AS (
    SELECT c.classid, c.objid, told.definition_type AS old_type, told.name AS old_name, told.payload AS old_payload,
      now.definition_type, now.name, payload.text AS payload,
      EXISTS (SELECT FROM unnest(objects) o WHERE o.named AND o.objid = c.objid AND o.classid = c.classid) AS named
    FROM candidate c
    LEFT JOIN LATERAL ${s}.told(c.classid, c.objid) told ON true
    LEFT JOIN LATERAL ${s}.identify(c.classid, c.objid) now ON true
    LEFT JOIN LATERAL (
      SELECT coalesce((told.payload::json ->> 'created_at')::bigint, extract(epoch FROM now())::bigint)) since(epoch) ON true
    LEFT JOIN LATERAL (SELECT CASE WHEN now.definition_type = 'trigger' THEN ${s}.trigger_payload(c.objid, now.name, since.epoch)
      WHEN now.name IS NOT NULL THEN ${s}.routine_payload(c.objid, now.name, since.epoch) END) payload(text) ON true
  ), news AS (
    SELECT 'delete' AS action, classid, objid, old_type AS definition_type, old_name AS name, '' AS payload FROM compared o
    WHERE old_name IS NOT NULL AND NOT EXISTS
      (SELECT FROM compared n WHERE n.definition_type = o.old_type AND n.name = o.old_name)
    UNION ALL
    SELECT 'put', classid, objid, definition_type, name, payload FROM compared
    WHERE name IS NOT NULL AND (named OR old_payload IS DISTINCT FROM payload)
  )
  INSERT INTO ${s}.change (definition_type, name, action, classid, objid, payload)
  SELECT definition_type, name, action, classid, objid, payload FROM news
  ORDER BY action, (definition_type = 'trigger') = (action = 'put'), objid;
END
${quote};
`;
}
