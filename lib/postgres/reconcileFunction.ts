import type { CaptureNames } from './captureNames.js';
import { pinnedSettings } from './pinnedSettings.js';

/**
 * The SQL function that tells whatever differs between the catalogs and what was told: everything at the first
 * installation, later what no event trigger saw (a renamed role, a capture that was switched off, a restored dump).
 * A restore or pg_upgrade gives the same definitions other oids: they are found by name and told nothing about.
 */
export function reconcileFunction({ schema: s, quote }: CaptureNames): string {
  return `
CREATE FUNCTION ${s}.reconcile() RETURNS void LANGUAGE plpgsql SECURITY DEFINER ${pinnedSettings} AS ${quote}
BEGIN
  PERFORM FROM ${s}.capture FOR UPDATE;
  WITH present AS (
    SELECT every.classid, every.objid, now.definition_type, now.name FROM (
      SELECT 'pg_proc'::regclass::oid, oid FROM pg_proc WHERE oid >= 16384
      UNION ALL SELECT 'pg_trigger'::regclass, oid FROM pg_trigger) every(classid, objid)
    CROSS JOIN LATERAL ${s}.identify(every.classid, every.objid) now
  ), moved AS (
    UPDATE ${s}.definition d SET classid = p.classid, objid = p.objid FROM present p
    WHERE d.definition_type = p.definition_type AND d.name = p.name AND (d.classid, d.objid) <> (p.classid, p.objid)
  )
  INSERT INTO ${s}.change (definition_type, name, action, classid, objid, payload)
  SELECT d.definition_type, d.name, 'delete', d.classid, d.objid, '' FROM ${s}.definition d
  WHERE NOT EXISTS (SELECT FROM present p WHERE p.definition_type = d.definition_type AND p.name = d.name)
  ORDER BY d.definition_type = 'trigger' DESC, d.objid;
  INSERT INTO ${s}.touched VALUES (0, 0, false);
END
${quote};
`;
}
