import { from, lastValueFrom, type ObservableInput } from 'rxjs';
import type { DefinitionSyncMsg } from '../definition.js';

/** Takes a message; it is delivered when what this returns has completed, or at once when it returns nothing. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a delivery that returns nothing is a delivery done
export type Deliver = (msg: DefinitionSyncMsg) => ObservableInput<unknown> | void;

/** A delivery threw or errored: nothing that another connection would mend. */
export class DeliveryFailed extends Error {}

/** Delivers the message. @throws {DeliveryFailed} with what the delivery threw, or errored with, as its cause */
export async function delivered(deliver: Deliver, msg: DefinitionSyncMsg): Promise<void> {
  try {
    const result = deliver(msg);
    if (result !== undefined) await lastValueFrom(from(result), { defaultValue: undefined });
  } catch (cause) {
    throw new DeliveryFailed('a delivery failed', { cause });
  }
}
