import { show } from './options.js';

/** The tenant and database that a definition belongs to; both are u64 (0 to 2^64-1). */
export interface DefinitionScope {
  readonly tenantId: bigint;
  readonly databaseId: bigint;
}

/** One committed change of one definition. Not to be changed after it was handed in. */
export interface DefinitionSyncMsg {
  /** `function`, `trigger` or `procedure`; any other text travels just as well. */
  readonly definitionType: 'function' | 'trigger' | 'procedure' | (string & {});
  /** The definition's name, unique within its scope and type. */
  readonly name: string;
  /** `delete` removes the definition; any other action (`put`) sets it. */
  readonly action: 'put' | 'delete' | (string & {});
  /** JSON bytes; empty for a delete. */
  readonly payload: Uint8Array;
  /** Absent: the unscoped (4-field) wire body. */
  readonly scope?: DefinitionScope | undefined;
  /** The source's own position, where it has one; not on the wire. */
  readonly position?: bigint | undefined;
}

/** A message as it goes out: numbered, encoded once, and shared by every session. */
export interface DefinitionFrame {
  /** 1, 2, 3 ...: commit order of one fan-out. */
  readonly sequence: number;
  readonly msg: DefinitionSyncMsg;
  /** The whole wire frame, in a buffer of its own size; shared, never written to. */
  readonly bytes: Uint8Array;
}

/** The key of a definition within its scope, as a stock Lite has it. */
export function definitionKey(msg: Pick<DefinitionSyncMsg, 'definitionType' | 'name'>): string {
  return `${msg.definitionType}:${msg.name}`;
}

/** Which definition it is, for a log line, as far as what may be no message at all tells. */
export function shownNames(msg: DefinitionSyncMsg): { definitionType?: string; name?: string } {
  try {
    return { definitionType: show(msg.definitionType), name: show(msg.name) };
  } catch {
    return {};
  }
}
