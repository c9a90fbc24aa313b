import { BufferedDelivery } from '../bufferedDelivery.js';
import { CLOSED, READY } from '../delivery.js';
import { reportUnhandled } from '../unhandled.js';
import { announceEnd } from './sessionEnd.js';
import type { Observer, Unsubscribable } from 'rxjs';
import type { DefinitionFrame } from '../definition.js';
import type { OverflowStrategy } from '../bufferedDelivery.js';
import type { EndReason } from './events.js';
import type { Group } from './group.js';
import type { SessionHost } from './sessionHost.js';

/** A session's delivery function, whatever it returns. */
export type Deliver = (frame: DefinitionFrame) => unknown;

/**
 * One registered device, as far as it is live: `boundedBuffer`'s machine with a name, exact counts, and an end.
 * All state is changed before a callback, an event or a log line.
 */
export abstract class BufferedSession extends BufferedDelivery<DefinitionFrame, unknown> {
  superseded = 0;
  /** Unregistered, replaced or completed: it ends when nothing is left to deliver. */
  protected ending: EndReason | undefined = undefined;
  /** What was dropped before the overflow that goes on; -1 while there is none. */
  #droppedBefore = -1;
  #inner: Unsubscribable | undefined = undefined;

  constructor(
    readonly id: string,
    readonly group: Group,
    capacity: number,
    overflow: OverflowStrategy,
    deliver: Deliver,
    private readonly output: Observer<unknown> | undefined,
  ) {
    super(deliver, capacity, overflow);
  }

  /** How many frames wait, in its queue or in the log. */
  abstract get waiting(): number;
  /** Whether it reads the log instead of being pushed to. */
  abstract get catchingUp(): boolean;

  protected get host(): SessionHost {
    return this.group.host;
  }

  get registered(): boolean {
    return this.ending === undefined && !this.closed && !this.host.over;
  }

  /** From now on it delivers only what waits, and then ends. */
  retire(reason: EndReason): void {
    if (this.ending !== undefined || this.closed) return;
    this.ending = reason;
    this.interrupt();
  }

  /** Ends when what waits is delivered; the hub offers nothing any more. */
  close(reason: EndReason): void {
    this.retire(reason);
    if (!this.closed && this.nothingLeft()) this.end(this.ending ?? reason);
  }

  /** Ends now, as a teardown of whoever subscribed. */
  unsubscribe(): void {
    this.end('unsubscribed');
  }

  /** Ends now; what waits and what is in flight, if anything, is discarded. */
  end(reason: EndReason, error?: unknown): void {
    if (this.closed) this.#tearDown();
    else this.tell(this.stop(reason, error), reason, error);
  }

  /**
   * The first half of an end: all state, and nobody is told. Not to be called when it is closed.
   * @returns how many frames, in flight or waiting, are discarded
   */
  stop(reason: EndReason, error?: unknown): number {
    const discarded = this.waiting + this.inFlight;
    if (reason === 'failed') this.remember?.(error);
    this.host.totals.add(this);
    this.status = CLOSED;
    this.letQueueGo();
    if (this.#droppedBefore >= 0) this.host.announcer.left();
    this.#droppedBefore = -1;
    this.letGo();
    return discarded;
  }

  /** The other half: whoever is to know. Without closures: the garbage of very many that end at once is collected meanwhile. */
  tell(discarded: number, reason: EndReason, error?: unknown): void {
    this.#tearDown();
    announceEnd(this.host, this.id, discarded, reason, error);
    this.host.announcer.announceEnd();
    try {
      this.conclude(reason, error);
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    this.host.ended();
  }

  protected override taken(): void {
    if (this.#droppedBefore >= 0) this.emptied();
  }

  override emit(result: unknown): void {
    if (!this.closed) this.output?.next(result);
  }

  override fail(error: unknown): void {
    this.end('failed', error);
  }

  override hold(inner: Unsubscribable): void {
    this.#inner = inner;
  }

  protected override freed(): void {
    this.#inner = undefined;
  }

  /** Unsubscribes the delivery that was in flight when it ended, unless that was done. */
  #tearDown(): void {
    const inner = this.#inner;
    this.#inner = undefined;
    try {
      inner?.unsubscribe();
    } catch (thrown) {
      reportUnhandled(thrown);
    }
  }

  protected override idle(): void {
    if (this.ending === undefined) this.listen();
    this.emptied();
    this.endWhenIdle();
  }

  /** Takes the next frame as it comes. */
  protected listen(): void {
    this.status = READY;
  }

  protected override lost(): void {
    this.host.totals.dropped++;
    // Under `error` the session's end tells of it.
    if (this.overflow !== 'error') this.beginOverflow(this.dropped - 1);
  }

  /** Tells the end of an overflow once the queue is empty. */
  protected emptied(): void {
    if (this.#droppedBefore < 0 || this.waiting > 0 || this.catchingUp) return;
    const lost = this.dropped - this.#droppedBefore;
    this.#droppedBefore = -1;
    this.host.announcer.ended(this.id, lost);
  }

  /** Whether `close` finds nothing to wait for. */
  protected nothingLeft(): boolean {
    return this.status === READY;
  }

  /** Ends a session that is to end, unless whoever was told meanwhile gave it something to deliver. */
  protected endWhenIdle(): void {
    if (this.ending !== undefined && this.inFlight === 0 && this.waiting === 0) this.end(this.ending);
  }

  /** The last word to whoever takes what the session emits. */
  protected conclude(reason: EndReason, error?: unknown): void {
    if (reason === 'failed') this.output?.error(error);
    else this.output?.complete();
  }

  /** Starts an episode of overflow, unless one goes on. `droppedBefore`: the victims before it. */
  protected beginOverflow(droppedBefore: number): void {
    if (this.#droppedBefore >= 0) return;
    this.#droppedBefore = droppedBefore;
    this.host.announcer.began(this.id);
  }

  /** Keeps the error of a session that has failed, for whoever asks later; one with an observer has told it once. */
  protected remember?(error: unknown): void;

  /** Lets go of whatever else it holds, and is let go of. */
  protected abstract letGo(): void;
}
