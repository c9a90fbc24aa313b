import { IN_FLIGHT, READY } from '../delivery.js';
import { BufferedSession } from './bufferedSession.js';
import type { Follower } from './retention.js';

/**
 * A session as its group sees it. While it is ready, or full and passed by, the group counts for it: `since` is set then,
 * and what depends on it is worked out by whoever asks.
 *
 *     index  since
 *     >= 0   >= 0    ready: given every frame without a look
 *     >= 0   -1      offered every frame, or told of it while it reads the log
 *     -1     >= 0    full under drop-incoming: only counted
 *     -1     -1      not in the group
 */
export abstract class GroupMember extends BufferedSession implements Follower {
  /** Where it stands among the sessions of its group that are offered frames, or -1; kept by the group. */
  index = -1;
  /** Frames that the group had had when it began to count for the session, or -1; kept by the group. */
  since = -1;

  abstract readonly cursor: number;
  abstract readonly knows: number;
  abstract readonly promised: number;
  abstract spared(sequences: readonly number[]): void;

  /** Whether its group knows of it. */
  get attached(): boolean {
    return this.index >= 0 || this.since >= 0;
  }

  /** Whether it takes a frame as it comes. */
  get ready(): boolean {
    return this.status === READY;
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
  }

  /** From now on it counts for itself. */
  takeOver(): void {
    if (this.isPassedBy) this.victims = this.dropped;
    if (this.isGiven) {
      this.done = this.delivered;
      if (this.ready && this.group.giving(this)) this.status = IN_FLIGHT;
      this.group.slots.unmark(this);
    }
    this.since = -1;
  }

  protected override listen(): void {
    super.listen();
    if (this.attached) this.group.give(this);
  }

  protected override lost(): void {
    if (this.overflow === 'drop-incoming') this.group.passBy(this);
    super.lost();
  }

  protected override freed(): void {
    super.freed();
    this.hasPlace();
  }

  /** What arrives next would not be dropped. */
  protected hasPlace(): void {
    if (this.isPassedBy) this.group.readmit(this);
  }

  private get isGiven(): boolean {
    return this.since >= 0 && this.index >= 0;
  }

  private get isPassedBy(): boolean {
    return this.since >= 0 && this.index < 0;
  }
}
