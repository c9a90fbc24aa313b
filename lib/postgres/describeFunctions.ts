import { captureMark, type CaptureNames } from './captureNames.js';

/**
 * SQL functions that say what a definition is called and what its payload holds.
 *
 * - `identify(classid, objid)`: type and name, or no row when it is gone or is none to be told.
 * - `payload(type, objid, name, created_at)`: the JSON that a stock Lite stores, and `definition`; null when it cannot be told.
 */
export function describeFunctions(names: CaptureNames): string {
  return identify(names) + routinePayload(names) + triggerPayload(names) + payload(names);
}

// Oids below 16384 are what initdb made. A function or trigger of pg_temp is seen by one session only, and when that ends it goes
// without an event trigger, as all goes that mentions something there. A trigger with a parent is PostgreSQL's copy of it on a partition.
function identify({ schema: s, literal, quote }: CaptureNames): string {
  // Anybody may leave that comment on a schema of their own, and would hide what is in it.
  const foreign = `(n.nspname <> ${literal} AND (obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM '${captureMark}'
      OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = n.nspowner AND (r.rolsuper OR r.rolname = current_user))))`;
  return `
CREATE FUNCTION ${s}.identify(class oid, object oid)
RETURNS TABLE (definition_type text, name text) LANGUAGE sql STABLE AS ${quote}
  SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
    format('%I.%I(%s)', n.nspname, p.proname,
      (SELECT string_agg(format_type(a.type, NULL), ',' ORDER BY a.i) FROM unnest(p.proargtypes) WITH ORDINALITY a(type, i)))
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE class = 'pg_proc'::regclass AND p.oid = object AND p.oid >= 16384 AND p.prokind IN ('f', 'w', 'p')
    AND ${foreign} AND n.nspname !~ '^pg_temp_' AND NOT ${s}.is_part(class, object) AND NOT ${s}.is_temporary(class, object)
  UNION ALL
  SELECT 'trigger', format('%I on %I.%I', t.tgname, n.nspname, c.relname)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE class = 'pg_trigger'::regclass AND t.oid = object AND NOT t.tgisinternal AND t.tgparentid = 0
    AND ${foreign} AND c.relpersistence <> 't' AND NOT ${s}.is_temporary(class, object)
    AND NOT (${s}.is_part('pg_class'::regclass, t.tgrelid) AND ${s}.is_part('pg_proc'::regclass, t.tgfoid))
${quote};
`;
}

// The body is a string and checked when it runs, so PostgreSQL 13 does not mind a function that came with 14.
function routinePayload({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.routine_payload(object oid, identity text, created_at bigint)
RETURNS text LANGUAGE plpgsql STABLE AS ${quote}
DECLARE
  p pg_proc;
  body text;
  parameters json;
BEGIN
  SELECT * INTO p FROM pg_proc WHERE oid = object;
  body := p.prosrc;
  IF current_setting('server_version_num')::integer >= 140000 THEN
    body := coalesce(pg_get_function_sqlbody(object), body);
  END IF;
  IF p.prokind = 'p' THEN
    SELECT coalesce(json_agg(row_to_json(x)), '[]') INTO parameters FROM (
      SELECT a.name, a.data_type, CASE a.mode WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' ELSE 'IN' END AS direction
      FROM ${s}.arguments(p) a ORDER BY a.i) x;
    RETURN row_to_json(x) FROM (SELECT identity AS name, parameters, body AS body_sql, 0 AS max_iterations,
      0 AS timeout_secs, pg_get_userbyid(p.proowner)::text AS owner, routine_payload.created_at,
      pg_get_functiondef(object) AS definition) x;
  END IF;
  SELECT coalesce(json_agg(row_to_json(x)), '[]') INTO parameters FROM (
    SELECT a.name, a.data_type FROM ${s}.arguments(p) a WHERE a.mode IN ('i', 'b', 'v') ORDER BY a.i) x;
  RETURN row_to_json(x) FROM (SELECT identity AS name, parameters, pg_get_function_result(object) AS return_type,
    body AS body_sql, pg_get_userbyid(p.proowner)::text AS owner, routine_payload.created_at,
    pg_get_functiondef(object) AS definition) x;
END
${quote};
`;
}

// pg_get_expr refuses a WHEN clause that names both OLD and NEW, so it is cut out of the trigger's text: from the first
// "FOR EACH ... WHEN (" to the first ") EXECUTE FUNCTION " that stand outside quotes. Each pattern is non-greedy as a whole.
function triggerPayload({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.trigger_payload(object oid, identity text, created_at bigint)
RETURNS text LANGUAGE plpgsql STABLE AS ${quote}
DECLARE
  t pg_trigger;
  text text;
  head text;
  rest text;
  till text;
BEGIN
  SELECT * INTO t FROM pg_trigger WHERE oid = object;
  text := pg_get_triggerdef(object);
  head := substring(text from '^(?:[^"]|"[^"]*")*?FOR EACH (?:ROW|STATEMENT) WHEN \\(');
  rest := substr(text, length(head) + 1);
  till := substring(rest from '^(?:[^"'']|"[^"]*"|''[^'']*'')*?\\) EXECUTE FUNCTION ');
  RETURN row_to_json(x) FROM (SELECT
    identity AS name,
    format('%I.%I', n.nspname, c.relname) AS collection,
    CASE WHEN t.tgtype & 2 > 0 THEN 'BEFORE' WHEN t.tgtype & 64 > 0 THEN 'INSTEAD OF' ELSE 'AFTER' END AS timing,
    array_remove(ARRAY[CASE WHEN t.tgtype & 4 > 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 16 > 0 THEN 'UPDATE' END,
      CASE WHEN t.tgtype & 8 > 0 THEN 'DELETE' END], NULL) AS events,
    CASE WHEN t.tgtype & 1 > 0 THEN 'ROW' ELSE 'STATEMENT' END AS granularity,
    CASE WHEN t.tgqual IS NOT NULL THEN left(till, -length(') EXECUTE FUNCTION ')) END AS when_condition,
    'EXECUTE FUNCTION ' || substr(CASE WHEN t.tgqual IS NULL THEN text ELSE rest END,
      length(CASE WHEN t.tgqual IS NULL
        THEN substring(text from '^(?:[^"]|"[^"]*")*? EXECUTE FUNCTION ') ELSE till END) + 1) AS body_sql,
    0 AS priority,
    t.tgenabled IN ('O', 'A') AS enabled,
    CASE WHEN t.tginitdeferred THEN 'DEFERRED' ELSE 'SYNC' END AS execution_mode,
    pg_get_userbyid(c.relowner)::text AS owner,
    trigger_payload.created_at,
    text AS definition
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.tgrelid) x;
END
${quote};
`;
}

// A function made on a type while another session drops the type outlives it (PostgreSQL locks neither), and then has no
// text: "cache lookup failed". So does a trigger outlive its function. It is no definition any more, and must not make other
// people's DDL fail. Nor must a text that cannot be sent as UTF-8 make readers fail: other encodings have bytes that stand for nothing
// there. No warning says so: its context, the statement, might have them too, and the statement would fail of being sent back.
function payload({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.payload(definition_type text, object oid, identity text, created_at bigint)
RETURNS text LANGUAGE plpgsql STABLE AS ${quote}
DECLARE
  payload text;
BEGIN
  payload := CASE definition_type WHEN 'trigger' THEN ${s}.trigger_payload(object, identity, created_at)
    ELSE ${s}.routine_payload(object, identity, created_at) END;
  PERFORM convert_to(payload, 'UTF8');
  RETURN payload;
EXCEPTION WHEN internal_error OR untranslatable_character OR character_not_in_repertoire THEN
  RETURN NULL;
END
${quote};
`;
}
