import { createHash } from 'node:crypto';
import type { Identity } from './identity.js';

/** How many devices are remembered; about 10 MB. The ones not seen for longest are forgotten first. */
const MOST_DEVICES = 65_536;

/**
 * The last epoch of every device. A device that comes back with one not above it is a copy: restored from a backup, say.
 * A `lite_id` counts within its subject and scope, so that nobody can spoil another's.
 */
export class KnownEpochs {
  readonly #epochs = new Map<string, bigint>();

  constructor(private readonly most = MOST_DEVICES) {}

  /** Remembers the epoch; `false`: the device is forked. An empty `liteId` is nobody's. */
  admit({ subject, scope }: Identity, liteId: string, epoch: bigint): boolean {
    if (liteId === '') return true;
    const whole = JSON.stringify([subject, scope?.tenantId.toString(), scope?.databaseId.toString(), liteId]);
    // Clients choose how long an id is; a hash is always as short.
    const key = createHash('sha256').update(whole).digest('base64');
    const last = this.#epochs.get(key);
    if (last !== undefined && epoch <= last) return false;
    this.#epochs.delete(key);
    this.#epochs.set(key, epoch);
    if (this.#epochs.size > this.most) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#epochs.keys()) {
      this.#epochs.delete(key);
      return;
    }
  }
}
