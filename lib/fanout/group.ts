import { Row } from '../row.js';
import type { DefinitionFrame, DefinitionScope } from '../definition.js';
import type { Place } from '../row.js';
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
  readonly full = new Set<Session>();
  /** How many frames were broadcast to it. */
  frames = 0;
  /** What its sessions wait for. */
  readonly #row = new Row<DefinitionFrame>();
  /** The place of the frame under way, how far it has come, and how far it goes. */
  #place: Place<DefinitionFrame> | undefined = undefined;
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
    return this.sessions.length + this.full.size === 0 && this.#place === undefined;
  }

  /** Offers the frame to every session. Who is attached meanwhile starts with the next one. */
  offer(frame: DefinitionFrame): void {
    const { sessions } = this;
    const { length } = sessions;
    const place = this.#row.append(frame);
    this.#place = place;
    this.#length = length;
    this.frames++;
    for (let i = this.#offerToReaders(); i < length; i++) {
      this.#reached = i;
      sessions[i]?.offer(frame, place);
    }
    this.#place = undefined;
    // From the last on, so that what fills a hole is no hole itself.
    for (const hole of this.#holes.splice(0).sort((a, b) => b - a)) this.#removeAt(hole);
  }

  attach(session: Session): void {
    session.index = this.sessions.push(session) - 1;
  }

  /** Nothing more is offered, but for the frame under way when `afterThis`. */
  detach(session: Session, afterThis: boolean): void {
    const { index } = session;
    const place = this.#place;
    const isStillToCome = index > this.#reached && index < this.#length;
    if (afterThis && isStillToCome && place?.value !== undefined) session.offer(place.value, place);
    if (session.passedSince >= 0) this.#unpass(session);
    if (this.sessions[session.index] === session) this.#remove(session);
    this.reading.delete(session);
  }

  /** Nothing is broadcast any more. In one step: sessions that are detached one by one fill each other's places. */
  end(): void {
    for (const session of this.full) session.countPassed();
    this.full.clear();
    this.sessions.length = 0;
  }

  /** From the next frame on the session is only counted. */
  pass(session: Session): void {
    this.#remove(session);
    session.passedSince = this.frames;
    this.full.add(session);
  }

  /** From the next frame on the session is offered what commits. */
  passNoMore(session: Session): void {
    this.#unpass(session);
    this.attach(session);
  }

  #unpass(session: Session): void {
    session.countPassed();
    this.full.delete(session);
  }

  #remove(session: Session): void {
    const { index } = session;
    session.index = -1;
    this.sessions[index] = undefined;
    if (this.#place === undefined) this.#removeAt(index);
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
