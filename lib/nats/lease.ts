import type { Bucket } from './bucket.js';
import { NatsDefinitionsError, apiCode, wrongLastSequence } from './errors.js';
import { newId } from './newId.js';
import { pause } from './pause.js';
import { store } from './store.js';

/**
 * Who may lead: one message that its holder writes anew three times per `duration`.
 *
 * Every write expects the sequence that its writer saw last in the lease's own stream, so that of two writers one is
 * refused. Whoever finds the message unchanged for `duration` on its own clock may take it: no two clocks are compared.
 * A lease decides who tries to lead, nothing more; that an old leader cannot write is the work of the fence in `Term`.
 */
export class Lease {
  #sequence = 0;
  #renewedAt = -Infinity;

  constructor(
    readonly bucket: Bucket,
    /** Milliseconds. */
    readonly duration: number,
    readonly holder: string,
  ) {}

  /** When another may take it unless it is renewed, in `performance.now()`. */
  get expiresAt(): number {
    return this.#renewedAt + this.duration;
  }

  /** Resolves when this is the holder, or when `signal` aborts. */
  async acquire(signal: AbortSignal): Promise<void> {
    let seen = -1;
    let since = 0;
    while (!signal.aborted) {
      try {
        const { sequence, free } = await this.#current();
        const now = performance.now();
        if (sequence !== seen) since = now;
        seen = sequence;
        if (free || now - since >= this.duration) {
          await this.#write(this.holder, seen, performance.now() + this.duration);
          return;
        }
      } catch (error) {
        if (apiCode(error) !== wrongLastSequence) throw error;
      }
      await pause(this.duration / 5, signal);
    }
  }

  /** @throws {NatsDefinitionsError} FENCED when another has it, or could have it by now. */
  async renew(): Promise<void> {
    try {
      await this.#write(this.holder, this.#sequence, this.expiresAt);
    } catch (error) {
      throw new NatsDefinitionsError('FENCED', `${this.holder} has lost the lease of ${this.bucket.name}`, {
        cause: error,
      });
    }
  }

  /** Renews until `signal` aborts; resolves before that when the lease is lost. */
  async keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.duration / 3, signal);
      if (signal.aborted) return;
      try {
        await this.renew();
      } catch {
        return;
      }
    }
  }

  /** Lets the next one in at once, if it is still the holder. */
  async release(): Promise<void> {
    try {
      await this.#write('', this.#sequence, performance.now() + this.duration);
    } catch {
      // Taken already, or out of reach: it runs out by itself.
    }
  }

  async #current(): Promise<{ sequence: number; free: boolean }> {
    const { jsm, stream } = this.bucket;
    const message = await jsm.streams.getMessage(stream, { last_by_subj: this.#subject });
    if (message === null) return { sequence: 0, free: true };
    return { sequence: message.seq, free: message.data.length === 0 };
  }

  /** Waits for the outcome, whatever is aborted meanwhile: what was sent may be stored, and the next write has to know. */
  async #write(holder: string, expected: number, until: number): Promise<void> {
    const begun = performance.now();
    const value = new TextEncoder().encode(holder);
    const { seq } = await store(this.bucket, this.#subject, value, { id: newId(), expected, until: () => until });
    this.#sequence = seq;
    this.#renewedAt = begun;
  }

  get #subject(): string {
    return `${this.bucket.prefix}lease`;
  }
}
