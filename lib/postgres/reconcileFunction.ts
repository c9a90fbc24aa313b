import type { CaptureNames } from './captureNames.js';
import { pinnedSettings } from './pinnedSettings.js';

/**
 * The SQL function that tells whatever differs between the catalogs and what was told: everything at the first
 * installation, later what no event trigger saw (a renamed role, a capture that was switched off, a restored dump).
 * A restore or pg_upgrade gives the same definitions other oids: they are found by name, and nothing is told of them. The first DDL
 * that is looked at afterwards does the same, if it comes before the next installation: the oids in a dump may be those of other
 * definitions here. The stamp tells: it is made of oids of the capture itself, which are others once it is restored. A definition
 * whose object is gone gets the oid 0, which no object has.
 *
 * A dump of the data alone adds its rows to those that are there, and sets the sequence of ids back: the next commits would fail of
 * numbers that are taken.
 *
 * Where nothing differs, as mostly, no lock is taken that a commit waits for. Where something does, the tables that parsed bodies
 * mention are locked before: a migration that alters one holds it until its commit, and would wait for this lock there.
 */
export function reconcileFunction({ schema: s, literal, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.present()
RETURNS TABLE (classid oid, objid oid, definition_type text, name text) LANGUAGE sql STABLE AS ${quote}
  SELECT every.classid, every.objid, now.definition_type, now.name FROM (
    SELECT 'pg_proc'::regclass::oid, oid FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger) every(classid, objid)
  CROSS JOIN LATERAL ${s}.identify(every.classid, every.objid) now
${quote};
CREATE FUNCTION ${s}.differs() RETURNS boolean LANGUAGE sql STABLE AS ${quote}
  WITH now AS MATERIALIZED (
    SELECT p.classid, p.objid, p.definition_type, p.name, payload.text AS payload, seen.fingerprint
    FROM ${s}.present() p
    LEFT JOIN ${s}.definition d ON d.definition_type = p.definition_type AND d.name = p.name
    CROSS JOIN LATERAL (SELECT coalesce((d.payload::json ->> 'created_at')::bigint, 0) OFFSET 0) since(epoch)
    CROSS JOIN LATERAL (SELECT ${s}.fingerprint(p.classid, p.objid, p.name) OFFSET 0) seen(fingerprint)
    CROSS JOIN LATERAL (SELECT CASE WHEN d.fingerprint = seen.fingerprint THEN d.payload
      ELSE ${s}.payload(p.definition_type, p.objid, p.name, since.epoch) END OFFSET 0) payload(text)
    WHERE payload.text IS NOT NULL
  )
  SELECT EXISTS (
    (SELECT * FROM now EXCEPT SELECT classid, objid, definition_type, name, payload, fingerprint FROM ${s}.definition)
    UNION ALL
    (SELECT classid, objid, definition_type, name, payload, fingerprint FROM ${s}.definition EXCEPT SELECT * FROM now))
${quote};
CREATE FUNCTION ${s}.stamp() RETURNS text LANGUAGE plpgsql STABLE AS ${quote}
BEGIN
  RETURN concat(c.oid, '/', f.oid) FROM pg_namespace n
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'capture'
  JOIN pg_proc f ON f.pronamespace = n.oid AND f.proname = 'stamp' WHERE n.nspname = ${literal};
END
${quote};
CREATE FUNCTION ${s}.is_restored() RETURNS boolean LANGUAGE plpgsql STABLE AS ${quote}
BEGIN
  RETURN EXISTS (SELECT FROM ${s}.capture c WHERE c.stamp IS DISTINCT FROM ${s}.stamp());
END
${quote};
CREATE FUNCTION ${s}.bind() RETURNS void LANGUAGE plpgsql AS ${quote}
BEGIN
  PERFORM FROM ${s}.capture FOR UPDATE;
  WITH present AS MATERIALIZED (SELECT * FROM ${s}.present()), bound AS MATERIALIZED (
    SELECT d.definition_type, d.name, d.classid, d.objid, coalesce(p.objid, 0::oid) AS now
    FROM ${s}.definition d LEFT JOIN present p ON p.definition_type = d.definition_type AND p.name = d.name
  ), moved AS (
    UPDATE ${s}.definition d SET objid = b.now FROM bound b
    WHERE d.definition_type = b.definition_type AND d.name = b.name AND b.objid <> b.now
  )
  INSERT INTO ${s}.change (definition_type, name, action, classid, objid, payload)
  SELECT b.definition_type, b.name, 'delete', b.classid, b.now, '' FROM bound b WHERE b.now = 0
  ORDER BY b.definition_type = 'trigger' DESC, b.objid;
  UPDATE ${s}.capture SET stamp = ${s}.stamp() WHERE stamp IS DISTINCT FROM ${s}.stamp();
  PERFORM ${s}.touch(ARRAY[ROW(0, 0, false)::${s}.touched]);
END
${quote};
CREATE FUNCTION ${s}.mend() RETURNS void LANGUAGE plpgsql AS ${quote}
DECLARE
  ids regclass := pg_get_serial_sequence(format('%I.change', ${literal}), 'id');
  greatest_id bigint := (SELECT max(id) FROM ${s}.change);
  greatest_position bigint := greatest((SELECT max(position) FROM ${s}.change), (SELECT max(position) FROM ${s}.definition));
BEGIN
  IF greatest_id > coalesce(pg_sequence_last_value(ids), 0) THEN PERFORM setval(ids, greatest_id); END IF;
  UPDATE ${s}.capture SET position = greatest_position WHERE position < greatest_position;
  DELETE FROM ${s}.definition d USING ${s}.definition other
  WHERE d.definition_type = other.definition_type AND d.name = other.name AND (d.position, d.ctid) < (other.position, other.ctid);
END
${quote};
CREATE FUNCTION ${s}.reconcile() RETURNS void LANGUAGE plpgsql SECURITY DEFINER ${pinnedSettings} AS ${quote}
BEGIN
  PERFORM ${s}.mend();
  IF ${s}.differs() THEN
    PERFORM ${s}.bind();
  ELSIF ${s}.is_restored() THEN
    UPDATE ${s}.capture SET stamp = ${s}.stamp();
  END IF;
END
${quote};
`;
}
