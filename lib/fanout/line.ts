import { Row } from '../row.js';
import { LINED_UP } from './slots.js';
import type { DefinitionFrame } from '../definition.js';
import type { Place } from '../row.js';
import type { GroupMember } from './groupMember.js';
import type { Slots } from './slots.js';

/**
 * The sessions of a group that are lined up: every frame waits for them, and none of them is looked at before it may be full.
 */
export class Line {
  /** What the group's sessions wait for. */
  readonly row = new Row<DefinitionFrame>();
  /** With how many frames of the group the first of them may be full. */
  #fullFrom = Infinity;

  constructor(private readonly slots: Slots) {}

  /**
   * @param since how many frames the group had had before the first that waits for the session
   * @returns the place of the next frame
   */
  join(session: GroupMember, since: number): Place<DefinitionFrame> {
    session.since = since;
    const full = since + session.capacity;
    if (full < this.#fullFrom) this.#fullFrom = full;
    this.slots.markLinedUp(session);
    return this.row.next();
  }

  /** Those that have no place left for one more than `frames` frames of the group are looked at from now on. */
  partWithTheFull(frames: number): void {
    if (frames < this.#fullFrom) return;
    const { sessions, ready } = this.slots;
    this.#fullFrom = Infinity;
    for (let i = 0; i < sessions.length; i++) {
      const session = ready[i] === LINED_UP ? sessions[i] : undefined;
      if (session === undefined) continue;
      const full = session.since + session.capacity;
      if (full <= frames) session.takeOver();
      else this.#fullFrom = Math.min(this.#fullFrom, full);
    }
  }
}
