import type { JsMsg } from '@nats-io/jetstream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BehaviorSubject, type Subscription, filter, firstValueFrom, fromEvent, takeUntil, timeout } from 'rxjs';
import { type Bucket, checkSame } from './bucket.js';
import { NatsDefinitionsError, apiCode, hasCode, wrongLastSequence } from './errors.js';
import { followStream } from './followStream.js';
import { leaderKey } from './key.js';
import { LastValues } from './lastValues.js';
import type { Lease } from './lease.js';
import { newId } from './newId.js';
import { store } from './store.js';

/** What is on its way, and the sequence under which it was seen in the stream. */
interface Writing {
  readonly id: string;
  stored: number | undefined;
}

/**
 * One leader's time in office, fenced.
 *
 * A term begins with a message of its own in the bucket's stream, the fence. From there on it follows the stream, and
 * every write expects the stream to end exactly where this term has read it to, without a fence of another term in
 * between. The server checks that where it orders the writes; so a write is stored only if the last fence is this term's.
 *
 * What is given to a term that is over, or is under way when it ends, rejects with FENCED, whatever ended it.
 */
export class Term {
  readonly #over = new AbortController();
  readonly #read$: BehaviorSubject<number>;
  readonly #following: Subscription;
  readonly #lastValues: LastValues;
  #writing: Writing | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #hasFollowed = false;
  #failure: unknown;

  private constructor(
    readonly bucket: Bucket,
    /** The fence's sequence. */
    readonly fence: number,
    readonly lease: Lease,
  ) {
    this.#read$ = new BehaviorSubject(fence);
    this.#lastValues = new LastValues(bucket);
    // A bucket that ends before what this term has written was set back: the term could not write again.
    const reached = (): number => this.#read$.value;
    const onCaughtUp = (): void => void (this.#hasFollowed = true);
    this.#following = followStream(bucket, { after: fence, reached, headersOnly: true, onCaughtUp }).subscribe({
      next: (msg) => {
        this.#take(msg);
      },
      error: (error: unknown) => {
        this.#fail(error);
      },
      complete: () => {
        this.end();
      },
    });
  }

  /**
   * Writes the fence. The order matters: the stream's end is read, then the lease is found to be held, then the fence
   * is written after that end; so a leader that was paused in between does not push out the one that took over.
   * @throws {NatsDefinitionsError} FENCED when the lease is lost, BUCKET_REPLACED
   */
  static async begin(bucket: Bucket, lease: Lease, signal: AbortSignal): Promise<Term> {
    const value = new TextEncoder().encode(lease.holder);
    for (;;) {
      const { config, state } = await bucket.jsm.streams.info(bucket.stream);
      checkSame(bucket, config.description);
      await lease.renew();
      try {
        const options = { id: newId(), expected: state.last_seq, until: () => lease.expiresAt, signal };
        const { seq } = await store(bucket, bucket.prefix + leaderKey, value, options);
        return new Term(bucket, seq, lease);
      } catch (error) {
        if (apiCode(error) !== wrongLastSequence) throw error;
      }
    }
  }

  /** Aborted when the term is over. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether it could read the stream at all. */
  get hasFollowed(): boolean {
    return this.#hasFollowed;
  }

  /** What kept it from following the stream, if that ended it. */
  get failure(): unknown {
    return this.#failure;
  }

  end(): void {
    this.#over.abort();
    this.#following.unsubscribe();
  }

  /**
   * Stores a value, after all that was given before.
   * @param unlessStored not if it is the subject's last value already, which the bucket is read through for once a term
   * @returns its sequence
   * @throws {NatsDefinitionsError} FENCED when the term is over, or what `store` throws
   */
  write(subject: string, bytes: Uint8Array, id: string | undefined, unlessStored: boolean): Promise<number> {
    const written = this.#queue.then(
      async () => (unlessStored ? await this.#find(subject, bytes) : undefined) ?? this.#write(subject, bytes, id),
    );
    this.#queue = written.catch(() => undefined);
    return written;
  }

  async #find(subject: string, bytes: Uint8Array): Promise<number | undefined> {
    // What is left out waits for nothing else: without turns of the event loop between them thousands would cost the lease.
    await nextTurn();
    if (this.#isOver()) throw this.#fenced();
    try {
      const sequence = await this.#lastValues.sequenceOf(subject, bytes, this.#read$.value, this.over);
      if (!this.#isOver()) return sequence;
    } catch (error) {
      throw this.#reasonOf(error);
    }
    throw this.#fenced();
  }

  async #write(subject: string, bytes: Uint8Array, given: string | undefined): Promise<number> {
    const writing: Writing = { id: given ?? newId(), stored: undefined };
    const { id } = writing;
    const until = (): number => this.lease.expiresAt;
    this.#writing = writing;
    for (;;) {
      if (this.#isOver()) throw this.#fenced();
      const expected = this.#read$.value;
      try {
        const { seq, duplicate } = await store(this.bucket, subject, bytes, { id, expected, until, signal: this.over });
        // Another publish's message proves nothing about what lies between.
        if (!duplicate) {
          this.#lastValues.note(subject, seq, bytes);
          this.#readTo(seq);
        }
        return seq;
      } catch (error) {
        if (apiCode(error) !== wrongLastSequence) throw this.#reasonOf(error);
      }
      await this.#readBeyond(expected);
      // An earlier try may have been stored without our hearing of it.
      if (writing.stored !== undefined) return writing.stored;
    }
  }

  #fail(error: unknown): void {
    if (!this.over.aborted) this.#failure = error;
    this.end();
  }

  #take(msg: JsMsg): void {
    const { streamSequence } = msg.info;
    if (msg.subject === this.bucket.prefix + leaderKey) {
      this.end();
      return;
    }
    if (this.#writing !== undefined && msg.headers?.get('Nats-Msg-Id') === this.#writing.id)
      this.#writing.stored = streamSequence;
    this.#lastValues.note(msg.subject, streamSequence);
    this.#readTo(streamSequence);
  }

  #readTo(sequence: number): void {
    if (sequence > this.#read$.value) this.#read$.next(sequence);
  }

  /** Ends the term when nothing is read for the bucket's `timeout`: it can store nothing more, and another may be able to. */
  async #readBeyond(sequence: number): Promise<void> {
    const beyond = this.#read$.pipe(
      filter((read) => read > sequence),
      timeout(this.bucket.timeout),
      takeUntil(fromEvent(this.over, 'abort')),
    );
    try {
      if (!this.over.aborted) await firstValueFrom(beyond, { defaultValue: undefined });
    } catch {
      const text = `following bucket ${this.bucket.name}: nothing was read in time`;
      this.#fail(new NatsDefinitionsError('UNAVAILABLE', text));
    }
  }

  /** The lease's end is looked up: whatever is to end the term by then may be late, as after a pause of the process. */
  #isOver(): boolean {
    if (performance.now() >= this.lease.expiresAt) this.end();
    return this.over.aborted;
  }

  #reasonOf(error: unknown): unknown {
    if (hasCode(error, 'CLOSED')) this.end();
    return this.#isOver() ? this.#fenced(error) : error;
  }

  #fenced(cause?: unknown): NatsDefinitionsError {
    const text = `the term that began at revision ${this.fence} of ${this.bucket.name} is over`;
    return new NatsDefinitionsError('FENCED', text, { cause: cause ?? this.#failure });
  }
}
