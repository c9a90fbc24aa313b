import { Subject } from 'rxjs';
import { Ring } from '../ring.js';
import { scopeKey } from './scopeKey.js';
import type { Observable, Observer, SubjectLike, Unsubscribable } from 'rxjs';
import type { DefinitionFrame, DefinitionScope } from '../definition.js';
import type { CatalogInside } from './catalog.js';
import type { OverflowAnnouncer } from './overflowAnnouncer.js';
import type { ScopeLog } from './scopeLog.js';
import type { BufferedSession } from './bufferedSession.js';
import type { Session } from './session.js';
import type { Totals } from './totals.js';

/** The sessions of one scope; there only while it has any. */
export interface Group {
  readonly key: string;
  readonly scope: DefinitionScope | undefined;
  /** The scope's log, when the fan-out has a catalog. */
  readonly log: ScopeLog | undefined;
  /** A hole is left by a session that goes while a frame is under way in this group. */
  sessions: (Session | undefined)[];
  /** Those of them that read the log. */
  readonly reading: Set<BufferedSession>;
}

/** What the hub asks of its fan-out. */
export interface HubOwner {
  readonly totals: Totals;
  readonly announcer: OverflowAnnouncer;
  readonly catalog: CatalogInside | undefined;
  /** The source has completed, or failed with `failure.error`. */
  over(failure: { readonly error: unknown } | undefined): void;
}

const NOBODY: readonly undefined[] = [];

/**
 * `encodeOnce`'s connector: a Subject of frames that knows its sessions by scope.
 *
 * - One order for all: a frame that comes while another is under way waits until that one has reached everyone.
 * - Attaching and detaching a session takes constant time, also while a frame is under way.
 * - `subscribe` is for those who want the frames of every scope; they see each after the sessions.
 */
export class Hub implements SubjectLike<DefinitionFrame> {
  readonly #groups = new Map<string, Group>();
  readonly #tap = new Subject<DefinitionFrame>();
  readonly #pending = new Ring<DefinitionFrame>();
  #dispatching = false;
  #completed = false;
  /** The frame under way, its group, how far it has come, and how far it goes. */
  #frame: DefinitionFrame | undefined = undefined;
  #group: Group | undefined = undefined;
  #reached = -1;
  #length = 0;
  #holes = false;

  constructor(private readonly owner: HubOwner) {}

  next(frame: DefinitionFrame): void {
    this.#pending.push(frame);
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      while (this.#pending.length > 0) this.#dispatch(this.#pending.shift());
    } finally {
      this.#dispatching = false;
    }
    if (this.#completed) this.#end(undefined);
  }

  /** Behind the frames that are under way or wait. */
  complete(): void {
    this.#completed = true;
    if (!this.#dispatching) this.#end(undefined);
  }

  /** At once, whatever is under way. */
  error(error: unknown): void {
    while (this.#pending.length > 0) this.#pending.shift();
    this.#end({ error });
  }

  subscribe(observer: Partial<Observer<DefinitionFrame>>): Unsubscribable {
    return this.#tap.subscribe(observer);
  }

  asObservable(): Observable<DefinitionFrame> {
    return this.#tap.asObservable();
  }

  /** The group of a scope, to make a session for. */
  group(scope: DefinitionScope | undefined): Group {
    const key = scopeKey(scope);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { key, scope, log: this.owner.catalog?.open(key), sessions: [], reading: new Set() };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** From the next frame on the session is offered what commits. */
  attach(session: Session): void {
    session.index = session.group.sessions.push(session) - 1;
  }

  /** Nothing more is offered, but for the frame under way when `afterThis`. */
  detach(session: BufferedSession, afterThis = false): void {
    const { group, index } = session;
    if (index < 0) return;
    if (group === this.#group) {
      const isStillToCome = index > this.#reached && index < this.#length;
      if (afterThis && isStillToCome && this.#frame !== undefined) session.offer(this.#frame);
      if (session.index >= 0) group.sessions[session.index] = undefined;
      this.#holes = true;
    } else {
      removeAt(group.sessions, index);
      this.#closeIfEmpty(group);
    }
    group.reading.delete(session);
    session.index = -1;
  }

  #dispatch(frame: DefinitionFrame): void {
    const { totals, catalog, announcer } = this.owner;
    const key = scopeKey(frame.msg.scope);
    totals.broadcast++;
    catalog?.append(key, frame);
    const group = this.#groups.get(key);
    if (group !== undefined) this.#offer(frame, group);
    this.#tap.next(frame);
    this.#sweep(key);
    announcer.tick();
  }

  /** Behind everybody that was called: the group may be another one by now. */
  #sweep(key: string): void {
    const { catalog } = this.owner;
    const group = this.#groups.get(key);
    catalog?.open(key).sweep(group?.sessions ?? NOBODY);
    if (group === undefined) catalog?.close(key);
  }

  #offer(frame: DefinitionFrame, group: Group): void {
    const { sessions } = group;
    // Who is registered meanwhile stands behind this one, and starts with the next frame.
    const { length } = sessions;
    this.#frame = frame;
    this.#group = group;
    this.#length = length;
    for (let i = offerToReaders(group); i < length; i++) {
      this.#reached = i;
      sessions[i]?.offer(frame);
    }
    this.#frame = undefined;
    this.#group = undefined;
    this.#reached = -1;
    if (this.#holes) closeHoles(group);
    this.#holes = false;
    this.#closeIfEmpty(group);
  }

  #closeIfEmpty(group: Group): void {
    if (group.sessions.length > 0) return;
    this.#groups.delete(group.key);
    this.owner.catalog?.close(group.key);
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    this.owner.over(failure);
    if (failure === undefined) this.#tap.complete();
    else this.#tap.error(failure.error);
  }
}

/**
 * Tells those who read the log that the frame lies ahead, before anybody is called, and moves them to the front.
 * Whoever of them reads on, ends or is live again during the broadcast has been offered the frame exactly once.
 * @returns how many they are
 */
function offerToReaders({ sessions, reading }: Group): number {
  let count = 0;
  for (const reader of reading) {
    reader.committed();
    const { index } = reader;
    const [first, session] = [sessions[count], sessions[index]];
    // From the second frame on they mostly stand where they should.
    if (index !== count && first !== undefined && session !== undefined) {
      sessions[index] = first;
      first.index = index;
      sessions[count] = session;
      session.index = count;
    }
    count++;
  }
  return count;
}

/** Fills the place with the last session: order among sessions of one frame is nobody's promise. */
function removeAt(sessions: (Session | undefined)[], index: number): void {
  const last = sessions.pop();
  if (last === undefined || last.index === index) return;
  sessions[index] = last;
  last.index = index;
}

function closeHoles(group: Group): void {
  group.sessions = group.sessions.filter((session) => session !== undefined);
  group.sessions.forEach((session, index) => {
    if (session !== undefined) session.index = index;
  });
}
