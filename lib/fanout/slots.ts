import type { Deliver } from './bufferedSession.js';
import type { GroupMember } from './groupMember.js';

/** Stands beside a session that is lined up; never called. */
export const LINED_UP: Deliver = () => undefined;

/**
 * Where the sessions of a group stand that are offered frames: each knows its index. Order among them is nobody's promise.
 *
 * - Adding and removing takes constant time; the last session fills the hole.
 * - The delivery functions of those that are ready stand in an array of their own, and who is lined up is marked there, so
 *   that a broadcast need not look at the sessions: with very many, it costs what it costs to fetch them from memory.
 */
export class Slots {
  /** A hole is `undefined`. */
  sessions: (GroupMember | undefined)[] = [];
  /** Beside each session that is ready, its delivery function; beside those that are lined up, `LINED_UP`; else `undefined`. */
  ready: (Deliver | undefined)[] = [];
  #holes: number[] | undefined = undefined;

  get length(): number {
    return this.sessions.length;
  }

  add(session: GroupMember): void {
    session.index = this.length;
    // The first in arrays of one place: most scopes have one session, and a push makes room for sixteen more.
    if (this.length === 0) {
      this.sessions = [session];
      this.ready = [undefined];
      return;
    }
    this.sessions.push(session);
    this.ready.push(undefined);
  }

  /** @param leaveHole it is filled by `fillHoles` */
  remove(session: GroupMember, leaveHole: boolean): void {
    const { index } = session;
    if (index < 0) return;
    session.index = -1;
    this.sessions[index] = undefined;
    this.ready[index] = undefined;
    if (leaveHole) (this.#holes ??= []).push(index);
    else this.#fill(index);
  }

  /** From the last on, so that what fills a hole is no hole itself. */
  fillHoles(): void {
    const holes = this.#holes;
    if (holes === undefined) return;
    this.#holes = undefined;
    for (const hole of holes.sort((a, b) => b - a)) this.#fill(hole);
  }

  markReady({ index, deliver }: GroupMember): void {
    this.ready[index] = deliver;
  }

  markLinedUp({ index }: GroupMember): void {
    this.ready[index] = LINED_UP;
  }

  unmark({ index }: GroupMember): void {
    this.ready[index] = undefined;
  }

  /** Exchanges the session with the one that stands at `index`. */
  moveTo(index: number, session: GroupMember): void {
    const other = this.sessions[index];
    if (other === undefined || other === session) return;
    const deliver = this.ready[index];
    this.#put(index, session, this.ready[session.index]);
    this.#put(session.index, other, deliver);
    other.index = session.index;
    session.index = index;
  }

  /** Those that are not ready: only they can be behind. None that is ready is looked at. */
  unready(): GroupMember[] {
    const { sessions, ready } = this;
    const found: GroupMember[] = [];
    for (let i = 0; i < sessions.length; i++) {
      const deliver = ready[i];
      const session = deliver === undefined || deliver === LINED_UP ? sessions[i] : undefined;
      if (session !== undefined) found.push(session);
    }
    return found;
  }

  /** Whoever stands here has left by itself. */
  clear(): void {
    this.sessions.length = 0;
    this.ready.length = 0;
  }

  #fill(hole: number): void {
    const last = this.sessions.pop();
    const deliver = this.ready.pop();
    if (last === undefined) return;
    this.#put(hole, last, deliver);
    last.index = hole;
  }

  #put(index: number, session: GroupMember, deliver: Deliver | undefined): void {
    this.sessions[index] = session;
    this.ready[index] = deliver;
  }
}
