import type { DefinitionFrame } from '../definition.js';
import type { PulledSession } from './pulledSession.js';

/**
 * A session that is pulled: frames wait until they are asked for. Registered at the call that made it.
 * Leaving `for await` ends it at once, and discards what waits.
 */
export interface DefinitionReceiver extends AsyncIterableIterator<DefinitionFrame> {
  /** The next frame, as soon as there is one; `undefined`: closed and empty. Rejects when the session has failed, each time. */
  receive(): Promise<DefinitionFrame | undefined>;
  /** The next frame if one waits; `undefined`: none does, or it has ended or failed (see `closed`, and `receive()`). */
  tryReceive(): DefinitionFrame | undefined;
  /** Ends gracefully: what waits can still be received. */
  close(): void;
  /** Ends at once, and discards what waits: what leaving `for await` does, and whoever's transport has closed meanwhile. */
  return(value?: unknown): Promise<IteratorResult<DefinitionFrame>>;
  /** Ends as `return` does, and rejects with the error: what `yield*` of an outer generator does when that is thrown into. */
  throw(error: unknown): Promise<never>;
  /** Whether no frame can be added any more. */
  readonly closed: boolean;
  /** How many frames `tryReceive()` could give now. */
  readonly waiting: number;
}

/** The public face of a pulled session. */
export class Receiver implements DefinitionReceiver {
  readonly #session: PulledSession;

  constructor(session: PulledSession) {
    this.#session = session;
  }

  get closed(): boolean {
    return !this.#session.registered;
  }

  get waiting(): number {
    return this.#session.available;
  }

  receive(): Promise<DefinitionFrame | undefined> {
    return this.#session.receive((frame) => frame);
  }

  tryReceive(): DefinitionFrame | undefined {
    return this.#session.take();
  }

  close(): void {
    this.#session.unregister();
  }

  next(): Promise<IteratorResult<DefinitionFrame>> {
    return this.#session.receive(resultOf);
  }

  async return(value?: unknown): Promise<IteratorResult<DefinitionFrame>> {
    this.#session.end('unsubscribed');
    return { done: true, value: await value };
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function resultOf(frame: DefinitionFrame | undefined): IteratorResult<DefinitionFrame> {
  return frame === undefined ? { done: true, value: undefined } : { done: false, value: frame };
}
