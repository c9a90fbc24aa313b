import { CLOSED, PAUSED } from '../delivery.js';
import { Ring } from '../ring.js';
import { Session } from './session.js';
import type { OverflowStrategy } from '../bufferedDelivery.js';
import type { Group } from './group.js';
import type { LogReader } from './logReader.js';
import type { DefinitionFrame } from '../definition.js';
import type { EndReason } from './events.js';

/** What a frame comes to for whoever awaits it; `undefined`: there is none. */
type Form<T> = (frame: DefinitionFrame | undefined) => T;

interface Receipt {
  readonly formed: Form<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** A session without a delivery function: it is ready only while somebody awaits `receive()`. */
export class PulledSession extends Session {
  /** Who awaits a frame. Made when first needed, and kept: whoever awaits one will await the next. */
  #receipts: Ring<Receipt> | undefined = undefined;
  #failure: { readonly error: unknown } | undefined = undefined;

  constructor(id: string, group: Group, capacity: number, overflow: OverflowStrategy) {
    super(id, group, capacity, overflow, nobody, undefined);
    this.status = PAUSED;
  }

  /** It takes turns for those who await a frame, and to tell that none is ahead. What `take` gives, it gives at once. */
  override get hungry(): boolean {
    return this.reader !== undefined && (this.isAwaited || this.reader.waiting === 0);
  }

  /** How many frames are for nobody who awaits one already. */
  get available(): number {
    return Math.max(0, this.waiting - (this.#receipts?.length ?? 0));
  }

  override begin(): void {
    if (this.reader?.waiting === 0) this.caughtUp();
  }

  /** The fan-out was over before this session came: it was never registered, and there is nothing to end. */
  refuse(failure: { readonly error: unknown } | undefined): void {
    this.status = CLOSED;
    this.#failure = failure;
  }

  protected override remember(error: unknown): void {
    this.#failure = { error };
  }

  override offer(frame: DefinitionFrame): void {
    if (this.isAwaited) this.hand(frame);
    else super.offer(frame);
  }

  override pull(most: number): number {
    for (let taken = 0; ; taken++) {
      if (this.reader?.waiting === 0) this.caughtUp();
      const frame = taken === most || !this.isAwaited ? undefined : this.reader?.next();
      if (frame === undefined) return taken;
      this.hand(frame);
    }
  }

  override spared(sequences: readonly number[]): void {
    super.spared(sequences);
    if (this.reader?.waiting === 0) this.host.turns.requestLater(this.reader);
  }

  take(): DefinitionFrame | undefined {
    return this.isLinedUp ? this.takeFromRow() : this.takeBehindOthers();
  }

  /** Whoever awaits a frame asked before. */
  private takeBehindOthers(): DefinitionFrame | undefined {
    if (this.isAwaited) this.pull(Infinity);
    // Whoever was told that it has caught up may have committed more.
    if (this.isLinedUp) return this.takeFromRow();
    if (this.reader !== undefined) return this.takeFrom(this.reader);
    if (this.queued === 0) return undefined;
    const frame = this.shift();
    this.done++;
    this.comeForward();
    this.taken();
    if (this.queued === 0) {
      this.drained();
      this.endWhenIdle();
    }
    return frame;
  }

  unregister(): void {
    this.host.unregister(this);
  }

  /** Not async: two promises of frames must be fulfilled in the order of the frames, and at the same pace. */
  receive<T>(formed: Form<T>): Promise<T> {
    if (this.reader === undefined) {
      const frame = this.take();
      if (frame !== undefined) return Promise.resolve(formed(frame));
      const failure = this.#failure;
      if (failure !== undefined) {
        return Promise.resolve().then(() => {
          throw failure.error;
        });
      }
      if (!this.registered) return Promise.resolve(formed(undefined));
    }
    return new Promise((resolve, reject) => {
      (this.#receipts ??= new Ring()).push({ formed, resolve, reject });
      if (this.reader !== undefined) {
        this.host.turns.request(this.reader);
        return;
      }
      this.comeForward();
      this.emptied();
    });
  }

  /** What waits stays until it is asked for. */
  protected override listen(): void {
    this.status = PAUSED;
  }

  protected override nothingLeft(): boolean {
    return this.waiting === 0;
  }

  /** It stays lined up. */
  private takeFromRow(): DefinitionFrame | undefined {
    const { head } = this;
    // The end of the row: nothing waits, and the group need not be asked.
    if (head?.next === undefined) return undefined;
    const waiting = this.group.offered(this);
    if (waiting === 0) return undefined;
    this.since++;
    this.head = head.next;
    this.done++;
    this.taken();
    if (waiting === 1) this.drained();
    return head.value;
  }

  private takeFrom(reader: LogReader): DefinitionFrame | undefined {
    const frame = reader.waiting > 0 ? reader.next() : undefined;
    if (frame !== undefined) this.done++;
    if (reader.waiting === 0) this.caughtUp();
    // Nothing lay ahead; but whoever was told may have committed more.
    return frame ?? (this.waiting > 0 ? this.take() : undefined);
  }

  private get isAwaited(): boolean {
    return this.#receipts !== undefined && this.#receipts.length > 0;
  }

  /** Gives the frame to whoever has awaited one for longest. */
  private hand(frame: DefinitionFrame): void {
    const receipt = this.#receipts?.shift();
    this.done++;
    receipt?.resolve(receipt.formed(frame));
  }

  protected override conclude(reason: EndReason, error?: unknown): void {
    const receipts = this.#receipts;
    this.#receipts = undefined;
    while (receipts !== undefined && receipts.length > 0) {
      const receipt = receipts.shift();
      if (reason === 'failed') receipt.reject(error);
      else receipt.resolve(receipt.formed(undefined));
    }
  }
}

/** Nothing is pushed to a pulled session. */
function nobody(): void {
  throw new Error('nobody takes what is pushed to a receiver');
}
