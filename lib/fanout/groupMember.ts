import { IN_FLIGHT, READY } from '../delivery.js';
import { BufferedSession } from './bufferedSession.js';
import type { DefinitionFrame } from '../definition.js';
import type { Placed } from './places.js';
import type { Follower } from './retention.js';
import type { Row } from '../row.js';

/**
 * A session as its group sees it. While it is ready, lined up, or full and passed by, the group counts for it: `since` is
 * set then, and what depends on it is worked out by whoever asks.
 *
 *     index  since  head
 *     >= 0   >= 0   none     ready: given every frame
 *     >= 0   >= 0   a place  lined up: every frame waits for it, from that place of the row on
 *     >= 0   -1     either   offered every frame, or told of it while it reads the log
 *     < -1   >= 0   none     full under drop-incoming: every frame is dropped
 *     -1     -1     either   not in the group
 */
export abstract class GroupMember extends BufferedSession implements Follower, Placed {
  /** Where it stands among the sessions of its group that are offered frames; below -1: it is passed by; kept by the group. */
  index = -1;
  /** Frames that the group had had when it began to count for the session, or -1; kept by the group. */
  since = -1;

  abstract readonly cursor: number;
  abstract readonly knows: number;
  abstract readonly promised: number;
  abstract spared(sequences: readonly number[]): void;

  /** Where it stands among those that are passed by, or -1: it is never in both lists, and has one field for either. */
  get place(): number {
    return -2 - Math.min(this.index, -1);
  }

  set place(place: number) {
    this.index = -2 - place;
  }

  /** Whether its group knows of it. */
  get attached(): boolean {
    return this.index !== -1;
  }

  /** Whether it takes a frame as it comes. */
  get ready(): boolean {
    return this.status === READY;
  }

  protected override get row(): Row<DefinitionFrame> {
    return this.group.row;
  }

  /** How many frames wait in the row, or in its queue. */
  protected get inLine(): number {
    return this.isLinedUp ? this.group.offered(this) : this.queued;
  }

  override get delivered(): number {
    return this.done + (this.isGiven ? this.group.given(this) : 0);
  }

  override get inFlight(): 0 | 1 {
    return this.isGiven && this.group.giving(this) ? 1 : super.inFlight;
  }

  override get dropped(): number {
    return this.victims + (this.isPassedBy ? this.group.frames - this.since : 0);
  }

  /** `deliver`, called by the group, has returned something to follow, or something happened to the session meanwhile. */
  returned(result: unknown): void {
    this.takeOver();
    this.started(result);
    this.goOn();
    if (this.status === IN_FLIGHT) this.lineUp();
  }

  /** From now on what comes waits in the row, without a look at the session, as long as there is a place for it. */
  lineUp(): void {
    const isCounted = this.since >= 0 || this.index < 0;
    if (isCounted || this.queue !== undefined || this.queued >= this.capacity || this.group.awaits(this)) return;
    const next = this.group.lineUp(this, this.queued);
    this.head ??= next;
  }

  /** From now on it counts for itself. */
  takeOver(): void {
    if (this.isPassedBy) {
      this.victims = this.dropped;
    } else if (this.isLinedUp) {
      this.queued = this.group.offered(this);
      if (this.queued === 0) this.head = undefined;
      this.group.slots.unmark(this);
    } else if (this.isGiven) {
      this.done = this.delivered;
      if (this.ready && this.group.giving(this)) this.status = IN_FLIGHT;
      this.group.slots.unmark(this);
    }
    this.since = -1;
  }

  /** All is over: its group, which goes as a whole, has nothing more to count for it. */
  leave(): void {
    this.takeOver();
    this.index = -1;
  }

  protected override listen(): void {
    super.listen();
    if (this.attached) this.group.give(this);
  }

  protected override enqueue(frame: DefinitionFrame): void {
    super.enqueue(frame);
    this.lineUp();
  }

  protected override lost(): void {
    if (this.overflow === 'drop-incoming') this.group.passBy(this);
    super.lost();
  }

  protected override freed(): void {
    super.freed();
    this.comeForward();
  }

  /** From now on what commits is offered to it. */
  protected comeForward(): void {
    if (this.since < 0) return;
    if (this.isPassedBy) this.group.readmit(this);
    else this.takeOver();
  }

  private get isGiven(): boolean {
    return this.since >= 0 && this.index >= 0 && this.head === undefined;
  }

  protected get isLinedUp(): boolean {
    return this.since >= 0 && this.head !== undefined;
  }

  private get isPassedBy(): boolean {
    return this.since >= 0 && this.index < 0;
  }
}
