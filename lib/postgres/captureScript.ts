import { createHash } from 'node:crypto';
import { captureMark, type CaptureNames } from './captureNames.js';
import { captureTables } from './captureTables.js';
import { captureTriggers } from './captureTriggers.js';
import { catalogFunctions } from './catalogFunctions.js';
import { describeFunctions } from './describeFunctions.js';
import { lookFunctions } from './lookFunctions.js';
import { reconcileFunction } from './reconcileFunction.js';

/** The version of what `installCapture` makes; 1 is the first. It grows with every change to the SQL. */
export const captureVersion = 1;

/** Whoever installs or completes a capture waits for others who do: each would find no schema, and make it. */
const ONE_AT_A_TIME = `SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('ddl-fanout capture'));`;

/**
 * SQL that makes a capture of this version out of nothing or out of any older one: tables are kept, code is replaced.
 * To be run as a whole, in one transaction.
 */
export function installScript(names: CaptureNames): string {
  const { schema: s } = names;
  return `
${ONE_AT_A_TIME}
${codeScript(names)}
COMMENT ON TABLE ${s}.capture IS '${fingerprint(names)}';
SELECT ${s}.reconcile();
`;
}

/** SQL that brings a capture whose code is this version's up to date with the catalogs. */
export function reconcileScript({ schema: s }: CaptureNames): string {
  return `${ONE_AT_A_TIME} SELECT ${s}.reconcile()`;
}

/** What the code of this version is known by. */
function fingerprint(names: CaptureNames): string {
  return createHash('sha256').update(codeScript(names)).digest('hex');
}

/** SQL for whether the capture has this version's code, switched on, and with the rights of the role that asks. */
export function isCurrent(names: CaptureNames): string {
  const { schema } = names;
  const mine = `(SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)`;
  return `
SELECT pg_catalog.obj_description(c.oid, 'pg_class') = '${fingerprint(names)}'
  AND 2 = (SELECT pg_catalog.count(*) FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc f ON f.oid = e.evtfoid
    WHERE f.pronamespace = c.relnamespace AND e.evtenabled = 'A')
  AND EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class o ON o.oid = t.tgrelid
    WHERE o.relnamespace = c.relnamespace AND o.relname = 'touched' AND t.tgname = 'on_commit' AND t.tgenabled = 'A')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc f WHERE f.pronamespace = c.relnamespace AND f.proowner <> ${mine}) AS current
FROM pg_catalog.pg_class c WHERE c.oid = '${schema}.capture'::pg_catalog.regclass`;
}

// The code goes before a table is altered, or an older version's would take note of that.
function codeScript(names: CaptureNames): string {
  const { schema: s } = names;
  return `
CREATE SCHEMA IF NOT EXISTS ${s};
COMMENT ON SCHEMA ${s} IS '${captureMark}';
${dropCode(names)}${captureTables(names)}${catalogFunctions(names)}${describeFunctions(names)}
${lookFunctions(names)}${reconcileFunction(names)}${captureTriggers(names)}
REVOKE ALL ON SCHEMA ${s} FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA ${s} FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${s} FROM PUBLIC;
UPDATE ${s}.capture SET version = ${captureVersion};
`;
}

/** SQL that ends a first installation, once nothing is under way that began before it. */
export function completeScript({ schema: s }: CaptureNames): string {
  return `${ONE_AT_A_TIME} SELECT ${s}.reconcile(); UPDATE ${s}.capture SET complete = true`;
}

/** SQL that takes a capture away. It fails, and changes nothing, when the schema holds anything else. */
export function removeScript(names: CaptureNames): string {
  const { schema: s } = names;
  const tables = ['capture', 'definition', 'change', 'touched', 'reader'].map((table) => `${s}.${table}`);
  return `${dropCode(names)}DROP TABLE ${tables.join(', ')};\nDROP SCHEMA ${s};\n`;
}

// By catalog and not by name: an older version may have had functions that this one does not know.
function dropCode({ schema: s, quote, literal, onCommandEnd, onDrop }: CaptureNames): string {
  return `
DROP EVENT TRIGGER IF EXISTS ${onCommandEnd};
DROP EVENT TRIGGER IF EXISTS ${onDrop};
DROP TRIGGER IF EXISTS on_commit ON ${s}.touched;
DO ${quote}
DECLARE
  drops text;
BEGIN
  SELECT pg_catalog.string_agg(pg_catalog.format('DROP FUNCTION %s', p.oid::pg_catalog.regprocedure), ';') INTO drops
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ${literal};
  IF drops IS NOT NULL THEN EXECUTE drops; END IF;
END
${quote};
`;
}
