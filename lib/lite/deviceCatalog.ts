import { Subject } from 'rxjs';
import { definitionKey, type DefinitionSyncMsg } from '../definition.js';
import { Inbox, PAUSE_AT, RESUME_AT, type Job } from './inbox.js';
import { LiteError } from './liteError.js';
import type { Awaitable, DefinitionStore } from './definitionStore.js';

/** Whoever feeds the catalog. */
export interface Feeder {
  /** More waits than should. */
  hold(): void;
  /** Little waits again. */
  release(): void;
  /** The store has thrown; all that waited was let go. */
  storeFailed(error: unknown): void;
}

/**
 * What the device has: `definitions` and the store, changed one message after the other, the store first.
 * Told on `messages$` is what has been stored. With a store that answers at once nothing ever waits.
 */
export class DeviceCatalog {
  readonly definitions = new Map<string, DefinitionSyncMsg>();
  readonly messages$ = new Subject<DefinitionSyncMsg>();
  feeder: Feeder | undefined = undefined;
  readonly #inbox = new Inbox();
  /** What the store was told and has not taken: it may have it all the same, so the next snapshot is to settle it. */
  readonly #unsure = new Map<string, DefinitionSyncMsg>();
  #working = false;
  #holding = false;
  #closed = false;

  /** @param unfed told of a throw of the store after the last feeder has gone */
  constructor(
    private readonly store: DefinitionStore,
    private readonly unfed: (error: unknown) => void,
  ) {}

  /** Starts with what the store has. @throws {LiteError} STORE */
  async load(): Promise<void> {
    try {
      const stored = await this.store.list();
      if (!this.#closed) for (const msg of stored) this.definitions.set(definitionKey(msg), msg);
    } catch (error) {
      throw new LiteError('STORE', 'the store cannot be listed', { cause: error });
    }
  }

  /** Whether more waits than should. */
  get holding(): boolean {
    return this.#holding;
  }

  add(job: Job): void {
    this.#inbox.push(job);
    if (!this.#holding && this.#inbox.length >= PAUSE_AT) {
      this.#holding = true;
      this.feeder?.hold();
    }
    if (this.#working) return;
    this.#working = true;
    this.#continue(this.#work());
  }

  /** Nothing changes any more; what the store is doing ends by itself. */
  close(): void {
    this.#closed = true;
    this.#inbox.clear();
  }

  /** Goes on until the store needs time, and then when it is done: no promise where none is needed. */
  #continue(work: Iterator<PromiseLike<void>>): void {
    try {
      const step = work.next();
      if (step.done === true) {
        this.#working = false;
        return;
      }
      step.value.then(
        () => {
          this.#continue(work);
        },
        (error: unknown) => {
          this.#failed(error);
        },
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#inbox.clear();
    this.#working = false;
    this.#release();
    if (this.feeder === undefined) this.unfed(error);
    else this.feeder.storeFailed(error);
  }

  #release(): void {
    if (!this.#holding || this.#inbox.length > RESUME_AT) return;
    this.#holding = false;
    this.feeder?.release();
  }

  *#work(): Generator<PromiseLike<void>, void> {
    for (let job = this.#inbox.shift(); job !== undefined; job = this.#inbox.shift()) {
      if (job.type === 'message') yield* this.#take(job.msg, job.inSnapshot);
      else yield* this.#keepOnly(job.alive, job.done);
      this.#release();
    }
  }

  *#take(msg: DefinitionSyncMsg, inSnapshot: boolean): Generator<PromiseLike<void>, void> {
    const key = definitionKey(msg);
    const isKnown = inSnapshot && isSame(msg, this.definitions.get(key));
    if (isKnown && !this.#unsure.has(key)) return;
    this.#unsure.set(key, msg);
    yield* settled(msg.action === 'delete' ? this.store.delete(key) : this.store.put(key, msg));
    this.#unsure.delete(key);
    if (this.#closed || isKnown) return;
    if (msg.action === 'delete') this.definitions.delete(key);
    else this.definitions.set(key, msg);
    this.messages$.next(msg);
  }

  *#keepOnly(alive: ReadonlySet<string>, done: () => void): Generator<PromiseLike<void>, void> {
    for (const [key, { definitionType, name, scope }] of [...this.definitions, ...this.#unsure]) {
      if (this.#closed) return;
      if (alive.has(key)) continue;
      yield* this.#take({ definitionType, name, action: 'delete', payload: new Uint8Array(), scope }, true);
    }
    done();
  }
}

function* settled(result: Awaitable<void>): Generator<PromiseLike<void>, void> {
  if (typeof (result as PromiseLike<void> | undefined)?.then === 'function') yield result as PromiseLike<void>;
}

/** Whether the device has exactly this already; of a delete: has nothing. */
function isSame(msg: DefinitionSyncMsg, known: DefinitionSyncMsg | undefined): boolean {
  if (msg.action === 'delete') return known === undefined;
  return (
    msg.action === known?.action &&
    msg.scope?.tenantId === known.scope?.tenantId &&
    msg.scope?.databaseId === known.scope?.databaseId &&
    msg.payload.length === known.payload.length &&
    msg.payload.every((byte, index) => byte === known.payload[index])
  );
}
