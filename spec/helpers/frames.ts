import type { DefinitionFrame, DefinitionScope } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';

/** Frames numbered from `first`, made of `+name` (put) and `-name` (delete); their bytes are empty. */
export function frames(changes: readonly string[], first = 1, scope?: DefinitionScope): DefinitionFrame[] {
  return changes.map((change, index) => ({
    sequence: first + index,
    msg: definition(change.slice(1), { action: change.startsWith('-') ? 'delete' : 'put', scope }),
    bytes: new Uint8Array(0),
  }));
}
