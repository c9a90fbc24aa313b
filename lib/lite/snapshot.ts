import { definitionKey, type DefinitionSyncMsg } from '../definition.js';

/**
 * The answer to one ResyncRequest: all frames up to the pong that has this timestamp. The protocol has no mark for its
 * end, but a server answers a ping only after what it had to send before.
 */
export class Snapshot {
  readonly alive = new Set<string>();

  constructor(readonly pingTimestamp: bigint) {}

  take(msg: DefinitionSyncMsg): void {
    if (msg.action === 'delete') this.alive.delete(definitionKey(msg));
    else this.alive.add(definitionKey(msg));
  }
}
