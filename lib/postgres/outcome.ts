import { type DefinitionScope, type DefinitionSyncMsg } from '../definition.js';
import type { CaptureNames } from './captureNames.js';
import { checkNothingHidden, hiddenTables } from './hiddenTables.js';
import type { Asking } from './postgresLike.js';
import { deleteOf, keyOf, messageOf } from './rowMessage.js';

export interface OutcomeQuestion {
  readonly names: CaptureNames;
  readonly reader: string;
  readonly scope: DefinitionScope | undefined;
  /** What the subscription has told to exist. */
  readonly told: ReadonlyMap<string, DefinitionSyncMsg>;
  /** The position from which on it asks; -1n: from the beginning. */
  readonly since: bigint;
}

export interface Outcome {
  readonly messages: readonly DefinitionSyncMsg[];
  /** The number of the last change that is in it. */
  readonly position: bigint;
}

/**
 * What exists and was changed since a position, as one statement sees it, functions before the triggers that run them; before
 * that, in the opposite order, deletes of what the reader, or an earlier one of its name, was or would have been told and is gone.
 * @throws {CaptureError} PRIVILEGE when row-level security hides some of it
 */
export async function outcomeSince(
  connection: Asking,
  { names, reader, scope, told, since }: OutcomeQuestion,
): Promise<Outcome> {
  const { schema: s } = names;
  const rows = await connection.query(
    `SELECT h.position::text AS head, d.position::text AS position, d.definition_type, d.name, d.action, d.payload,
       ${hiddenTables(names)} AS hidden
     FROM ${s}.capture h LEFT JOIN (
       SELECT position, definition_type, name, 'put' AS action, CASE WHEN position > $2::bigint THEN payload END AS payload
       FROM ${s}.definition
       UNION ALL
       SELECT max(c.position), c.definition_type, c.name, 'delete', '' FROM ${s}.change c
       WHERE c.action = 'delete' AND c.position > (SELECT r.position FROM ${s}.reader r WHERE r.name = $1)
         AND NOT EXISTS (SELECT FROM ${s}.definition n WHERE n.definition_type = c.definition_type AND n.name = c.name)
       GROUP BY c.definition_type, c.name
     ) d ON true
     ORDER BY d.definition_type = 'trigger', d.position`,
    [reader, since.toString()],
  );
  checkNothingHidden(names, rows[0]?.['hidden']);
  const position = BigInt(String(rows[0]?.['head']));
  const mentioned = new Set(rows.map(keyOf));
  const gone = [...told].filter(([key]) => !mentioned.has(key)).map(([, msg]) => deleteOf(msg, position));
  const found = rows.filter((row) => row['payload'] !== null).map((row) => messageOf(row, scope));
  const deletes = [...gone, ...found.filter(isDelete)].sort((a, b) => Number(isTrigger(b)) - Number(isTrigger(a)));
  return { messages: [...deletes, ...found.filter((msg) => !isDelete(msg))], position };
}

function isDelete({ action }: DefinitionSyncMsg): boolean {
  return action === 'delete';
}

function isTrigger({ definitionType }: DefinitionSyncMsg): boolean {
  return definitionType === 'trigger';
}
