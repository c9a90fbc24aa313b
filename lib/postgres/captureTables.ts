import type { CaptureNames } from './captureNames.js';

/**
 * The tables of a capture. They are kept over an upgrade, with all they hold; `due` holds nothing for longer than a transaction.
 *
 * - `capture`: one row: the version, the number of the last change, whether the first installation was brought to its end, and the
 *   stamp of the database whose oids `definition` has.
 *   Another one, as a dump of the data alone would bring, is refused: commits would take either's number.
 * - `definition`: what exists and was told, as of that number.
 * - `change`: the log; `position` is null until its transaction commits.
 * - `touched`: what the transaction under way has touched; empty for everybody else.
 * - `due`: one row for the transaction under way, once it has touched anything: its trigger numbers it all at commit. A trigger for each of
 *   `touched` would look through all of them each time.
 * - `reader`: how far each named reader has read.
 *
 * A name may be longer than what a B-tree takes (2,704 bytes), so definitions are found by a hash, and unique because one
 * transaction at a time writes them. What is under way has an index of its own, and no place in the other: the planner would take
 * that for it. A publication of all tables refuses changes of tables without a replica identity.
 */
export function captureTables({ schema: s }: CaptureNames): string {
  return `
CREATE TABLE IF NOT EXISTS ${s}.capture (
  version integer NOT NULL,
  position bigint NOT NULL,
  complete boolean NOT NULL DEFAULT false,
  stamp text
);
DELETE FROM ${s}.capture c USING ${s}.capture other WHERE (c.position, c.ctid) < (other.position, other.ctid);
CREATE UNIQUE INDEX IF NOT EXISTS capture_one_row ON ${s}.capture ((true));
CREATE TABLE IF NOT EXISTS ${s}.definition (
  definition_type text NOT NULL,
  name text NOT NULL,
  classid oid NOT NULL,
  objid oid NOT NULL,
  payload text NOT NULL,
  position bigint NOT NULL,
  fingerprint text
);
CREATE INDEX IF NOT EXISTS definition_name ON ${s}.definition USING hash (name);
CREATE INDEX IF NOT EXISTS definition_objid ON ${s}.definition (objid, classid);
CREATE TABLE IF NOT EXISTS ${s}.change (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  position bigint,
  definition_type text NOT NULL,
  name text NOT NULL,
  action text NOT NULL,
  classid oid NOT NULL,
  objid oid NOT NULL,
  payload text NOT NULL,
  fingerprint text
);
CREATE UNIQUE INDEX IF NOT EXISTS change_position ON ${s}.change (position) WHERE position IS NOT NULL;
CREATE INDEX IF NOT EXISTS change_under_way ON ${s}.change (objid, classid) WHERE position IS NULL;
CREATE TABLE IF NOT EXISTS ${s}.touched (
  classid oid NOT NULL,
  objid oid NOT NULL,
  named boolean NOT NULL
);
DROP TABLE IF EXISTS ${s}.due;
CREATE TABLE ${s}.due (
  transaction bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS ${s}.reader (
  name text PRIMARY KEY,
  position bigint NOT NULL
);
ALTER TABLE ${s}.capture REPLICA IDENTITY FULL;
ALTER TABLE ${s}.definition REPLICA IDENTITY FULL;
ALTER TABLE ${s}.touched REPLICA IDENTITY FULL;
ALTER TABLE ${s}.due REPLICA IDENTITY FULL;
INSERT INTO ${s}.capture (version, position) SELECT 0, 0 WHERE NOT EXISTS (SELECT FROM ${s}.capture);
`;
}
