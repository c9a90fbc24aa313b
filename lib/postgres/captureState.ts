import { CaptureError } from './captureError.js';
import { channelOf, type CaptureNames } from './captureNames.js';
import { captureVersion } from './captureScript.js';
import { checkNothingHidden, hiddenTables } from './hiddenTables.js';
import type { Asking } from './postgresLike.js';
import { eventTriggers, whyNotCaptured } from './whyNotCaptured.js';

/** What a capture says about itself at one moment. */
export interface CaptureState {
  /** The number of the last committed change; 0 when there was none yet. */
  readonly position: bigint;
  /**
   * Stands for one history of changes. It is another one after a promotion (the timeline), after the capture was removed and
   * installed again (the table), and in a copy of the database that has its name (the database): the same numbers may then
   * mean other changes.
   */
  readonly origin: string;
  readonly channel: string;
  /** Why DDL is not captured at this moment; `undefined` when it is. */
  readonly fault: string | undefined;
}

/**
 * Any role may make an operator for `oid || text`, and one that fits better than PostgreSQL's own is taken, wherever it
 * stands in the search path; it would run with the reader's rights. So both sides of each operator are of its own types.
 * @param hasRead whether this reader has read before. A standby is then no READ_ONLY, but an error that passes; and event
 *   triggers that do not fire are a `fault`, for somebody may have switched them off for a while
 * @throws {CaptureError} NOT_INSTALLED without a capture that works, PRIVILEGE when row-level security hides some of it,
 *   READ_ONLY on a server that takes no writes, VERSION when the capture is of another version than this library's
 */
export async function captureState(connection: Asking, names: CaptureNames, hasRead = false): Promise<CaptureState> {
  const { schema: s } = names;
  const [row] = await connection.query(
    `SELECT c.version::text AS version, c.position::text AS position, ${channelOf(names)} AS channel,
       pg_catalog.current_setting('transaction_read_only') AS read_only,
       pg_catalog.current_setting('default_transaction_read_only') AS by_default, pg_catalog.pg_is_in_recovery()::text AS standby,
       ${hiddenTables(names)} AS hidden, e.on_end, e.on_drop,
       (SELECT d.oid::text FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) || '/' ||
       c.tableoid::text || '/' || CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby'
         ELSE pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) END AS origin
     FROM (${eventTriggers(names)}) e LEFT JOIN ${s}.capture c ON true`,
  );
  checkNothingHidden(names, row?.['hidden']);
  if (row === undefined || row['version'] === null)
    throw new CaptureError('NOT_INSTALLED', `${s}.capture is empty: call installCapture`);
  if (row['read_only'] === 'on') {
    if (row['standby'] === 'true' && hasRead) throw new Error('the server is a standby that is not promoted yet');
    // PGlite has one session for all: what is read only is a transaction that the caller has begun by hand.
    if (row['standby'] !== 'true' && row['by_default'] !== 'on')
      throw new Error('a transaction that is read only is open on this connection');
    throw new CaptureError('READ_ONLY', 'the server takes no writes, and a reader has to note how far it has read');
  }
  const version = Number(row['version']);
  if (version !== captureVersion) {
    const remedy = version < captureVersion ? 'call installCapture' : 'use the newer library';
    throw new CaptureError('VERSION', `the capture is of version ${version}, not ${captureVersion}: ${remedy}`);
  }
  const fault = whyNotCaptured(names, row['on_end'], row['on_drop']);
  if (fault !== undefined && !hasRead) throw new CaptureError('NOT_INSTALLED', fault);
  return {
    position: BigInt(String(row['position'])),
    origin: String(row['origin']),
    channel: String(row['channel']),
    fault,
  };
}
