import { LogReader } from './logReader.js';
import type { TombstoneRule } from './logReader.js';
import type { Placed } from './places.js';
import type { ScopeLog } from './scopeLog.js';
import type { Session } from './session.js';
import type { LogReading } from './turns.js';

/**
 * A session's place in the log; there only while it reads. What the turns and the group note about who reads is noted here,
 * so that a session that is live takes no memory for it, and nobody is looked up.
 */
export class SessionReader extends LogReader implements LogReading, Placed {
  inRow = false;
  /** Where it stands among those of its group that read, or -1. */
  place = -1;

  constructor(
    /** `undefined`: it reads no longer. */
    public session: Session | undefined,
    log: ScopeLog,
    position: number,
    rule: TombstoneRule,
    waiting?: number,
  ) {
    super(log, position, rule, waiting);
  }

  get hungry(): boolean {
    return this.session?.hungry ?? false;
  }

  pull(most: number): number {
    return this.session?.pull(most) ?? 0;
  }
}
