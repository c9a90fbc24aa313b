import { PAUSED, READY } from '../delivery.js';
import { GroupMember } from './groupMember.js';
import { NEEDED_DELETES } from './logReader.js';
import { SessionReader } from './sessionReader.js';
import type { DefinitionFrame } from '../definition.js';
import type { EndReason } from './events.js';
import type { ScopeLog } from './scopeLog.js';
import type { SessionStats } from './totals.js';

/**
 * A session with a place in the log. While `reader` is set it pulls from the log at the pace of its deliveries, in shares
 * of a turn, and nothing is pushed to it; otherwise it is live.
 */
export class Session extends GroupMember {
  protected reader: SessionReader | undefined = undefined;

  override get waiting(): number {
    return this.reader?.waiting ?? this.inLine;
  }

  override get catchingUp(): boolean {
    return this.reader !== undefined;
  }

  override get cursor(): number {
    if (!this.registered) return Infinity;
    if (this.reader !== undefined) return this.reader.cursor;
    // Between the last frame given and the first that waits, nothing was offered.
    return this.overflow === 'catch-up' && this.inLine > 0 ? this.oldest().sequence - 1 : Infinity;
  }

  /** What waits in the queue will be given as it was offered, also a definition that is deleted by now. */
  override get knows(): number {
    return this.reader?.position ?? Infinity;
  }

  override get promised(): number {
    return this.reader?.promised ?? 0;
  }

  /** Whether it could take a frame from the log at once; asked only while it reads that. */
  get hungry(): boolean {
    return this.status === PAUSED;
  }

  /** For those who replay or catch up, which they may not without a catalog. */
  private get log(): ScopeLog {
    const { log } = this.group;
    if (log === undefined) throw new Error('there is no log to read without a catalog');
    return log;
  }

  /** Reads the log before anything is pushed. Called before the session can be offered a frame. */
  replay(withDeletes: boolean, after: number): void {
    const { log } = this;
    const last = this.host.lastSequence();
    const rule = { deletesUntil: withDeletes ? last : 0, since: last };
    const whole = withDeletes ? log.size : log.live;
    this.read(new SessionReader(this, log, after, rule, after > 0 ? undefined : whole));
  }

  /** Everybody knows of the session now: the replay begins. */
  begin(): void {
    if (this.reader?.hungry) this.host.turns.request(this.reader);
  }

  /** Takes up to `most` frames from the log, while it is ready for them; returns how many it took. */
  pull(most: number): number {
    let taken = 0;
    while (taken < most && this.reader !== undefined && this.status === PAUSED) {
      const frame = this.reader.next();
      if (frame === undefined) {
        this.caughtUp();
        break;
      }
      this.run(frame, PAUSED);
      taken++;
    }
    return taken;
  }

  override spared(sequences: readonly number[]): void {
    if (this.registered) this.superseded += this.reader?.spared(sequences) ?? 0;
  }

  /** What commits from now on is not for it: it keeps what waits, and the log as it is now. */
  freeze(): void {
    this.leaveRow();
    if (this.reader === undefined) return;
    this.reader.freeze(this.host.lastSequence());
    this.group.endReading(this.reader);
  }

  override close(reason: EndReason): void {
    super.close(reason);
    this.group.log?.release(this);
  }

  /** It reads the log, whose newest frame lies ahead of it. */
  committed(): void {
    this.superseded += this.reader?.offered() ?? 0;
  }

  stats(): SessionStats {
    const { delivered, dropped, superseded, waiting, inFlight } = this;
    return {
      sessionId: this.id,
      scope: this.group.scope,
      state: this.catchingUp ? 'catching-up' : 'live',
      offered: delivered + dropped + superseded + waiting + inFlight,
      delivered,
      dropped,
      superseded,
      waiting,
      inFlight,
    };
  }

  protected override idle(): void {
    if (this.reader !== undefined) {
      this.host.turns.request(this.reader);
      return;
    }
    this.drained();
    super.idle();
  }

  /** The queue is empty, for whose sake tombstones may have been kept. */
  protected drained(): void {
    if (this.overflow === 'catch-up') this.host.sweepSoon(this.group);
  }

  protected override overflowed(frame: DefinitionFrame): void {
    if (this.overflow === 'catch-up') this.fallBehind(frame);
    else super.overflowed(frame);
  }

  /** Nothing of the log is ahead: live again. */
  protected caughtUp(): void {
    const sequence = this.reader?.last ?? this.host.lastSequence();
    this.stopReading();
    this.host.sweepSoon(this.group);
    if (this.ending === undefined) this.listen();
    this.emptied();
    // Whoever was told may have ended it, or made it fall behind again.
    if (this.closed || this.catchingUp) return;
    this.host.events.tell({ type: 'caught-up', sessionId: this.id, sequence });
    this.endWhenIdle();
  }

  protected override letGo(): void {
    this.stopReading();
    this.group.log?.release(this);
    this.host.release(this);
  }

  private read(reader: SessionReader): void {
    this.takeOver();
    this.reader = reader;
    this.group.beginReading(reader);
    if (this.status === READY) this.status = PAUSED;
  }

  private stopReading(): void {
    const { reader } = this;
    if (reader === undefined) return;
    this.reader = undefined;
    this.group.endReading(reader);
    reader.session = undefined;
  }

  /** Lets the queue go and reads the log from after the last frame given. */
  private fallBehind(frame: DefinitionFrame): void {
    const { log } = this;
    const offered = this.queued + 1;
    const oldest = this.queued > 0 ? this.oldest() : frame;
    const reader = new SessionReader(this, log, oldest.sequence - 1, NEEDED_DELETES);
    this.letQueueGo();
    // What it held for the sake of its queue it may have no use for now.
    log.release(this);
    this.superseded += offered - reader.waiting;
    this.read(reader);
    this.beginOverflow(this.dropped);
  }
}
