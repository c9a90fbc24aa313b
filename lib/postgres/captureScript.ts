import { createHash } from 'node:crypto';
import { captureMark, type CaptureNames, commentOn } from './captureNames.js';
import { captureTables } from './captureTables.js';
import { captureTriggers } from './captureTriggers.js';
import { catalogFunctions } from './catalogFunctions.js';
import { describeFunctions } from './describeFunctions.js';
import { fingerprintFunction } from './fingerprintFunction.js';
import { lookFunctions } from './lookFunctions.js';
import { reconcileFunction } from './reconcileFunction.js';

/** The version of what `installCapture` makes; 1 is the first. It grows with every release that another one's capture would not do for. */
export const captureVersion = 1;

/**
 * SQL that looks for functions and operators where nobody can have put one that fits better; after it the path is what it was, for
 * the transaction may be the caller's.
 */
function onOwnPath(script: string): string {
  return `
SELECT pg_catalog.set_config('ddl_fanout.path', pg_catalog.current_setting('search_path'), true),
  pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
${script}
SELECT set_config('search_path', current_setting('ddl_fanout.path'), true);
`;
}

/** Whoever installs, completes or removes a capture waits for others who do: each would find no schema, and make it, or one that goes. */
const ONE_AT_A_TIME = `SELECT pg_advisory_xact_lock(hashtext('ddl-fanout capture'));`;

/**
 * SQL that makes a capture of this version out of nothing or out of any older one: tables are kept, code is replaced.
 * To be run as a whole, in one transaction.
 */
export function installScript(names: CaptureNames): string {
  const { schema: s } = names;
  return onOwnPath(`
${ONE_AT_A_TIME}
${tellScript(names)}${codeScript(names)}
${noteScript(names)}SELECT ${s}.reconcile();`);
}

/** SQL that brings a capture whose code is this version's up to date with the catalogs. */
export function reconcileScript({ schema: s }: CaptureNames): string {
  return onOwnPath(`${ONE_AT_A_TIME} SELECT ${s}.reconcile();`);
}

/** Text that the code of this version is known by, and no other's. */
function fingerprint(names: CaptureNames): string {
  return createHash('sha256').update(codeScript(names)).digest('hex');
}

/** SQL for a text that changes with whatever of a capture's code is changed by hand; to stand where `n` is its schema. */
const STATE = `(SELECT pg_catalog.md5(pg_catalog.string_agg(part, ';' ORDER BY part)) FROM (
    SELECT pg_catalog.concat_ws(' ', f.proname, f.proargtypes, f.prosrc, f.proconfig, f.prosecdef, f.provolatile, f.proowner)
    FROM pg_catalog.pg_proc f WHERE f.pronamespace = n.oid
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', c.relname, c.relkind) FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', e.evtname, e.evtevent, e.evtenabled, e.evttags, f.proname)
    FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc f ON f.oid = e.evtfoid WHERE f.pronamespace = n.oid
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', t.tgname, t.tgenabled, t.tgtype, t.tgdeferrable, t.tginitdeferred, f.proname)
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
    WHERE c.relnamespace = n.oid) AS parts(part))`;

/** SQL that notes, where `isCurrent` looks, what was installed. */
function noteScript(names: CaptureNames): string {
  const { quote, literal } = names;
  return `
DO ${quote}
BEGIN
  EXECUTE (SELECT pg_catalog.format('COMMENT ON TABLE %I.capture IS %L', n.nspname, '${fingerprint(names)} ' || ${STATE})
    FROM pg_catalog.pg_namespace n WHERE n.nspname = ${literal});
END
${quote};
`;
}

/** SQL for whether a capture has this version's code, untouched, with the rights of the role that asks, and none for all. */
export function isCurrent(names: CaptureNames): string {
  const forAll = (acl: string) => `EXISTS (SELECT FROM pg_catalog.aclexplode(${acl}) a WHERE a.grantee = 0::oid)`;
  return `
SELECT ${commentOn('pg_class', 'o.oid')} = '${fingerprint(names)} ' || ${STATE}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_roles r ON r.oid = f.proowner
    WHERE f.pronamespace = n.oid
      AND (r.rolname <> current_user OR ${forAll("coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))")}))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND ${forAll('c.relacl')})
  AND NOT ${forAll('n.nspacl')} AS current
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class o ON o.relnamespace = n.oid AND o.relname = 'capture'
WHERE n.nspname = ${names.literal}`;
}

// The code goes before anything is made or altered, or an older version's, or one that is damaged, would take note of that.
function codeScript(names: CaptureNames): string {
  const { schema: s } = names;
  return `
${dropEventTriggers(names)}
CREATE SCHEMA IF NOT EXISTS ${s};
COMMENT ON SCHEMA ${s} IS '${captureMark}';
${dropCode(names)}${captureTables(names)}${catalogFunctions(names)}${describeFunctions(names)}
${fingerprintFunction(names)}${lookFunctions(names)}${reconcileFunction(names)}${captureTriggers(names)}
REVOKE ALL ON SCHEMA ${s} FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA ${s} FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${s} FROM PUBLIC;
UPDATE ${s}.capture SET version = ${captureVersion};
`;
}

/** SQL that ends a first installation, once nothing is under way that began before it. */
export function completeScript({ schema: s }: CaptureNames): string {
  return onOwnPath(`${ONE_AT_A_TIME} SELECT ${s}.reconcile(); UPDATE ${s}.capture SET complete = true;`);
}

/** SQL that takes a capture away. It fails, and changes nothing, when the schema holds anything else. */
export function removeScript(names: CaptureNames): string {
  const { schema: s } = names;
  const tables = ['capture', 'definition', 'change', 'touched', 'due', 'reader'].map((table) => `${s}.${table}`);
  return onOwnPath(
    `${ONE_AT_A_TIME}
${tellScript(names)}${dropEventTriggers(names)}${dropCode(names)}DROP TABLE IF EXISTS ${tables.join(', ')};
DROP SCHEMA IF EXISTS ${s};`,
  );
}

// What the caller's transaction has changed before: a table with events that wait for the commit can be neither altered nor dropped.
function tellScript({ quote, literal }: CaptureNames): string {
  return execute(
    quote,
    `SELECT 'SET CONSTRAINTS ' || string_agg(format('%I.%I', n.nspname, c.conname), ', ') || ' IMMEDIATE'
    FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = ${literal} AND c.contype = 't'`,
  );
}

// By their function and not by name: one of the same name may be somebody else's.
function dropEventTriggers({ quote, literal }: CaptureNames): string {
  return execute(
    quote,
    `SELECT string_agg(format('DROP EVENT TRIGGER %I', e.evtname), ';') FROM pg_event_trigger e
    JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ${literal}`,
  );
}

// By catalog and not by name: an older version may have had functions and triggers that this one does not know.
function dropCode({ quote, literal }: CaptureNames): string {
  return execute(
    quote,
    `SELECT string_agg(format('DROP TRIGGER %I ON %s', t.tgname, c.oid::regclass), ';')
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${literal} AND NOT t.tgisinternal`,
    `SELECT string_agg(format('DROP FUNCTION %s', p.oid::regprocedure), ';')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ${literal}`,
  );
}

/** SQL that executes what each of the queries gives, one after another: a script, or null. */
function execute(quote: string, ...queries: readonly string[]): string {
  const steps = queries.map((query) => `script := (${query});\n  IF script IS NOT NULL THEN EXECUTE script; END IF;`);
  return `
DO ${quote}
DECLARE
  script text;
BEGIN
  ${steps.join('\n  ')}
END
${quote};
`;
}
