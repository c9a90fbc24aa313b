import type { CaptureNames } from './captureNames.js';

/**
 * SQL functions that read the system catalogs: whether an object is a member of an extension or a function part of another object (a
 * range type's constructors; a partitioned table is recorded as part of itself); whether it mentions a temporary relation, type or
 * function, and so goes with the session; and a routine's arguments. One without a name is `$n` as its body calls it: in SQL the nth of
 * what one passes, elsewhere the nth of all. What comes out has no such name in SQL, and is `columnN`, as PostgreSQL calls it.
 */
export function catalogFunctions({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.is_part(class oid, object oid)
RETURNS boolean LANGUAGE sql STABLE AS ${quote}
  SELECT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = object
    AND (d.deptype = 'e' OR d.deptype = 'i' AND class = 'pg_proc'::regclass))
${quote};
CREATE FUNCTION ${s}.is_temporary(class oid, object oid)
RETURNS boolean LANGUAGE sql STABLE AS ${quote}
  SELECT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = object
    AND (SELECT n.nspname FROM pg_namespace n WHERE n.oid = CASE d.refclassid
      WHEN 'pg_class'::regclass THEN (SELECT c.relnamespace FROM pg_class c WHERE c.oid = d.refobjid)
      WHEN 'pg_type'::regclass THEN (SELECT t.typnamespace FROM pg_type t WHERE t.oid = d.refobjid)
      WHEN 'pg_proc'::regclass THEN (SELECT p.pronamespace FROM pg_proc p WHERE p.oid = d.refobjid) END) ~ '^pg_temp_')
${quote};
CREATE FUNCTION ${s}.arguments(p pg_proc)
RETURNS TABLE (i bigint, mode text, name text, data_type text) LANGUAGE sql STABLE AS ${quote}
  SELECT i, mode, coalesce(nullif(name, ''), CASE
      WHEN l.lanname <> 'sql' THEN concat('$', i)
      WHEN mode = 'o' THEN concat('column', count(*) FILTER (WHERE mode IN ('o', 'b')) OVER (ORDER BY i))
      ELSE concat('$', count(*) FILTER (WHERE mode <> 'o') OVER (ORDER BY i)) END),
    format_type(type, NULL)
  FROM (SELECT a.i, coalesce(a.mode, 'i')::text AS mode, a.name, a.type
    FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes, p.proargnames)
      WITH ORDINALITY a(type, mode, name, i)) a
  JOIN pg_language l ON l.oid = p.prolang
${quote};
`;
}
