import { Line } from './line.js';
import { Places } from './places.js';
import { LINED_UP, Slots } from './slots.js';
import type { DefinitionFrame, DefinitionScope } from '../definition.js';
import type { SessionHost } from './sessionHost.js';
import type { GroupMember } from './groupMember.js';
import type { ScopeLog } from './scopeLog.js';
import type { Session } from './session.js';
import type { SessionReader } from './sessionReader.js';
import type { Place, Row } from '../row.js';

/**
 * The sessions of one scope; there only while it has any.
 *
 * - Attaching and detaching a session takes constant time, also while a frame is under way.
 * - What many sessions have in common is counted once, here: a session that is ready is given every frame as it comes, for
 *   one that is lined up every frame waits, one that is full and drops what arrives is passed by, and none of them is
 *   looked at. `since` tells from which frame on.
 */
export class Group {
  /** Those that are offered frames. */
  readonly slots = new Slots();
  /** How many frames were broadcast to it. */
  frames = 0;
  // Made when first needed: most groups have one session, and take more memory than that.
  /** The places in the log of those of them that read it. */
  #reading: Places<SessionReader> | undefined = undefined;
  /** Those that are passed by. */
  #passed: Places<GroupMember> | undefined = undefined;
  /** Those that are lined up. */
  readonly #line = new Line(this.slots);
  /** The frame under way, how far it has come, and how far it goes. */
  #frame: DefinitionFrame | undefined = undefined;
  #reached = -1;
  #length = 0;

  constructor(
    readonly host: SessionHost,
    readonly key: string,
    readonly scope: DefinitionScope | undefined,
    /** The scope's log, when the fan-out has a catalog. */
    readonly log: ScopeLog | undefined,
  ) {}

  /** What its sessions wait for together. */
  get row(): Row<DefinitionFrame> {
    return this.#line.row;
  }

  get empty(): boolean {
    return this.slots.length + this.#passedBy === 0 && this.#frame === undefined;
  }

  /** Offers the frame to every session. Who is attached meanwhile starts with the next one. */
  offer(frame: DefinitionFrame): void {
    const { sessions, ready } = this.slots;
    const { length } = sessions;
    const { row } = this;
    this.#line.partWithTheFull(this.frames);
    this.#frame = frame;
    this.#length = length;
    row.push(frame);
    let isWaitedFor = false;
    // What those who are passed by lose with this frame is counted before anybody is called.
    this.frames++;
    this.host.totals.dropped += this.#passedBy;
    for (let i = this.#offerToReaders(); i < length; i++) {
      this.#reached = i;
      const session = sessions[i];
      const deliver = ready[i];
      if (deliver === undefined) {
        session?.offer(frame);
        continue;
      }
      if (deliver === LINED_UP) {
        isWaitedFor = true;
        continue;
      }
      let result: unknown;
      try {
        result = deliver(frame);
      } catch (error) {
        session?.fail(error);
        continue;
      }
      if (result !== undefined || ready[i] !== deliver) session?.returned(result);
    }
    this.#frame = undefined;
    row.passed(isWaitedFor);
    this.slots.fillHoles();
  }

  attach(session: GroupMember): void {
    this.slots.add(session);
    if (session.ready) this.give(session);
    else session.lineUp();
  }

  /** Nothing more is offered, but for the frame under way when `afterThis`. */
  detach(session: Session, afterThis: boolean): void {
    session.takeOver();
    const frame = this.#frame;
    if (afterThis && frame !== undefined && this.awaits(session)) {
      session.offer(frame);
      // It may be ready again by now.
      session.takeOver();
    }
    this.#passed?.remove(session);
    this.#remove(session);
  }

  /** Whether the frame under way is still to come to the session. */
  awaits({ index }: GroupMember): boolean {
    return this.#frame !== undefined && index > this.#reached && index < this.#length;
  }

  /** Nothing is broadcast any more, and all have left. In one step: who is detached alone has its place filled by another. */
  end(): void {
    this.#passed = undefined;
    this.#reading = undefined;
    this.slots.clear();
  }

  /** The session is ready: it is given what commits, without being looked at, from the first frame on that it has not had. */
  give(session: GroupMember): void {
    session.since = this.frames - (this.awaits(session) ? 1 : 0);
    this.slots.markReady(session);
  }

  /**
   * From the next frame on what commits waits for the session, for which `held` frames in the row wait already.
   * @returns the place of the next frame
   */
  lineUp(session: GroupMember, held: number): Place<DefinitionFrame> {
    return this.#line.join(session, this.frames - held);
  }

  /** How many frames a session that is ready has been given. */
  given(session: GroupMember): number {
    return this.offered(session) - (this.giving(session) ? 1 : 0);
  }

  /** How many frames have come to a session while the group counts for it. */
  offered(session: GroupMember): number {
    const frames = this.frames - session.since;
    return this.awaits(session) ? frames - 1 : frames;
  }

  /** Whether a session that is ready is being given the frame under way: it was ready before that came to it. */
  giving({ index, since }: GroupMember): boolean {
    return this.#frame !== undefined && index === this.#reached && since < this.frames;
  }

  /** From the next frame on the session is only counted. */
  passBy(session: GroupMember): void {
    this.#remove(session);
    session.since = this.frames;
    (this.#passed ??= new Places()).add(session);
  }

  /** From the next frame on the session is offered what commits. */
  readmit(session: GroupMember): void {
    session.takeOver();
    this.#passed?.remove(session);
    this.attach(session);
  }

  /** Somebody reads the log, and is told of what commits. */
  beginReading(reader: SessionReader): void {
    (this.#reading ??= new Places()).add(reader);
  }

  endReading(reader: SessionReader): void {
    this.#reading?.remove(reader);
  }

  get #passedBy(): number {
    return this.#passed?.members.length ?? 0;
  }

  #remove(session: GroupMember): void {
    this.slots.remove(session, this.#frame !== undefined);
  }

  /**
   * Tells those who read the log that the frame lies ahead, before anybody is called, and moves them to the front.
   * Whoever of them reads on, ends or is live again during the broadcast has been offered the frame exactly once.
   * @returns how many they are
   */
  #offerToReaders(): number {
    if (this.#reading === undefined) return 0;
    let count = 0;
    for (const { session } of this.#reading.members) {
      if (session === undefined) continue;
      session.committed();
      // From the second frame on they mostly stand where they should.
      this.slots.moveTo(count++, session);
    }
    return count;
  }
}
