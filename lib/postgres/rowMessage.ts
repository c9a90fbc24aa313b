import { definitionKey, type DefinitionScope, type DefinitionSyncMsg } from '../definition.js';
import type { Row } from './postgresLike.js';

export const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** The message that a row of the log, or of what exists, stands for. */
export function messageOf(row: Row, scope: DefinitionScope | undefined): DefinitionSyncMsg {
  return {
    definitionType: String(row['definition_type']),
    name: String(row['name']),
    action: String(row['action']),
    payload: encoder.encode(String(row['payload'])),
    position: BigInt(String(row['position'])),
    ...(scope && { scope }),
  };
}

/** The key of the definition that a row is about. */
export function keyOf(row: Row): string {
  return definitionKey({ definitionType: String(row['definition_type']), name: String(row['name']) });
}

/** The delete of what was told by `msg`. */
export function deleteOf({ definitionType, name, scope }: DefinitionSyncMsg, position: bigint): DefinitionSyncMsg {
  return { definitionType, name, action: 'delete', payload: NOTHING, position, ...(scope && { scope }) };
}
