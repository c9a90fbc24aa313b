import { Row } from '../row.js';
import type { DefinitionFrame, DefinitionScope } from '../definition.js';
import type { SessionHost } from './bufferedSession.js';
import type { ScopeLog } from './scopeLog.js';
import type { Session } from './session.js';

/**
 * The sessions of one scope; there only while it has any.
 *
 * - Attaching and detaching a session takes constant time, also while a frame is under way.
 * - A session that is full and drops what arrives is passed by: offered nothing, and counted, until it has a place again.
 */
export class Group {
  /** Those that are offered frames. A hole is left by one that goes while a frame is under way. */
  readonly sessions: (Session | undefined)[] = [];
  /** Those of them that read the log. */
  readonly reading = new Set<Session>();
  /** Those that are passed by. */
  readonly passed = new Set<Session>();
  /** How many frames were broadcast to it. */
  frames = 0;
  /** What its sessions wait for. */
  readonly #row = new Row<DefinitionFrame>();
  /** The frame under way, how far it has come, and how far it goes. */
  #frame: DefinitionFrame | undefined = undefined;
  #reached = -1;
  #length = 0;
  readonly #holes: number[] = [];

  constructor(
    readonly host: SessionHost,
    readonly key: string,
    readonly scope: DefinitionScope | undefined,
    /** The scope's log, when the fan-out has a catalog. */
    readonly log: ScopeLog | undefined,
  ) {}

  get empty(): boolean {
    return this.sessions.length + this.passed.size === 0 && this.#frame === undefined;
  }

  /** Offers the frame to every session. Who is attached meanwhile starts with the next one. */
  offer(frame: DefinitionFrame): void {
    const { sessions } = this;
    const { length } = sessions;
    this.#frame = frame;
    this.#length = length;
    // What those who are passed by lose with this frame is counted before anybody is called.
    this.frames++;
    this.host.totals.dropped += this.passed.size;
    for (let i = this.#offerToReaders(); i < length; i++) {
      this.#reached = i;
      sessions[i]?.offer(frame, this.#row);
    }
    this.#frame = undefined;
    this.#row.passed();
    // From the last on, so that what fills a hole is no hole itself.
    for (const hole of this.#holes.splice(0).sort((a, b) => b - a)) this.#removeAt(hole);
  }

  attach(session: Session): void {
    session.index = this.sessions.push(session) - 1;
  }

  /** Nothing more is offered, but for the frame under way when `afterThis`. */
  detach(session: Session, afterThis: boolean): void {
    if (afterThis && this.#frame !== undefined && this.awaits(session)) session.offer(this.#frame, this.#row);
    if (session.passedSince >= 0) this.#takeOver(session);
    // The index is stale once all has ended.
    if (this.sessions[session.index] === session) this.#remove(session);
    this.reading.delete(session);
  }

  /** Whether the frame under way is still to come to the session. */
  awaits(session: Session): boolean {
    const { index } = session;
    const isAhead = index > this.#reached && index < this.#length;
    return this.#frame !== undefined && isAhead && this.sessions[index] === session;
  }

  /** Nothing is broadcast any more. In one step: sessions that are detached one by one fill each other's places. */
  end(): void {
    for (const session of this.passed) session.countPassed();
    this.passed.clear();
    this.sessions.length = 0;
  }

  /** From the next frame on the session is only counted. */
  passBy(session: Session): void {
    this.#remove(session);
    session.passedSince = this.frames;
    this.passed.add(session);
  }

  /** From the next frame on the session is offered what commits. */
  readmit(session: Session): void {
    this.#takeOver(session);
    this.attach(session);
  }

  #takeOver(session: Session): void {
    session.countPassed();
    this.passed.delete(session);
  }

  #remove(session: Session): void {
    const { index } = session;
    session.index = -1;
    this.sessions[index] = undefined;
    if (this.#frame === undefined) this.#removeAt(index);
    else this.#holes.push(index);
  }

  /** Fills the hole with the last session: order among sessions of one frame is nobody's promise. */
  #removeAt(hole: number): void {
    const last = this.sessions.pop();
    if (last === undefined) return;
    this.sessions[hole] = last;
    last.index = hole;
  }

  /**
   * Tells those who read the log that the frame lies ahead, before anybody is called, and moves them to the front.
   * Whoever of them reads on, ends or is live again during the broadcast has been offered the frame exactly once.
   * @returns how many they are
   */
  #offerToReaders(): number {
    const { sessions } = this;
    let count = 0;
    for (const reader of this.reading) {
      reader.committed();
      const { index } = reader;
      const first = sessions[count];
      // From the second frame on they mostly stand where they should.
      if (index !== count && first !== undefined) {
        sessions[index] = first;
        first.index = index;
        sessions[count] = reader;
        reader.index = count;
      }
      count++;
    }
    return count;
  }
}
