import type { CaptureNames } from './captureNames.js';

/**
 * The SQL function `fingerprint(classid, objid, name)`: a text that changes whenever that of a definition may have changed, and that no
 * table is locked for.
 *
 * The text of a parsed body (`BEGIN ATOMIC`), or of a WHEN clause, takes the lock of a reader on each table that it mentions, and the
 * transaction that asks holds another one already: two that alter a table each would wait for one another. So the text is asked for
 * only where the fingerprint is another one than beside what was told. It is null for what has a text without any lock, and for what
 * has none: what it is made of is gone.
 *
 * - It is made of the definition's own row, and of the name of whatever it depends on; of types and relations also their labels and
 *   columns, and the same of the types of these, and of those that a function takes or returns.
 * - What PostgreSQL itself depends on is in no pg_depend, and is never renamed. The oids tell an index that REINDEX CONCURRENTLY replaced.
 * - Nowhere is it recorded that an ON CONFLICT mentions an operator class, or an ORDER BY the default one: all are a part of it.
 */
export function fingerprintFunction({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.fingerprint(class oid, object oid, identity text) RETURNS text LANGUAGE plpgsql STABLE AS ${quote}
DECLARE
  own text := CASE WHEN class = 'pg_proc'::regclass
    THEN (SELECT concat(p, pg_get_userbyid(p.proowner)) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
      WHERE p.oid = object AND p.prosrc = '' AND l.lanname = 'sql')
    ELSE (SELECT concat(t, pg_get_userbyid(c.relowner)) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE t.oid = object AND t.tgqual IS NOT NULL) END;
  made_of text;
  classes text;
BEGIN
  IF own IS NULL THEN RETURN NULL; END IF;
  -- Only from here on: a block that catches errors is a transaction of its own.
  BEGIN
    WITH RECURSIVE part(classid, objid) AS (
      SELECT class, object
      UNION
      SELECT d.classid, d.objid FROM part p CROSS JOIN LATERAL (
        SELECT d.refclassid, d.refobjid FROM pg_depend d WHERE d.classid = p.classid AND d.objid = p.objid
          AND ((p.classid, p.objid) = (class, object) OR 'pg_type'::regclass IN (d.refclassid, d.classid))
        UNION ALL
        SELECT 'pg_class'::regclass, t.typrelid FROM pg_type t
        WHERE p.classid = 'pg_type'::regclass AND t.oid = p.objid AND t.typrelid <> 0 OFFSET 0) d(classid, objid)
    )
    SELECT string_agg(concat_ws(' ', p.classid, p.objid, (SELECT i.identity FROM pg_identify_object(p.classid, p.objid, 0) i),
      CASE p.classid WHEN 'pg_class'::regclass THEN (SELECT json_agg(concat(a.atttypid, ' ', a.attname) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = p.objid AND a.attnum > 0)
        WHEN 'pg_type'::regclass THEN (SELECT json_agg(e.enumlabel ORDER BY e.oid) FROM pg_enum e WHERE e.enumtypid = p.objid)
      END), ';' ORDER BY p.classid, p.objid) INTO made_of FROM part p;
    SELECT string_agg(concat_ws(' ', c.oid, c.opcdefault, c.opcname, n.nspname), ';' ORDER BY c.oid) INTO classes
    FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace WHERE c.oid >= 16384;
    RETURN md5(concat_ws(';', identity, own, made_of, classes));
  EXCEPTION WHEN internal_error THEN
    RETURN NULL;
  END;
END
${quote};
`;
}
