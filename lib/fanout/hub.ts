import { Subject } from 'rxjs';
import { InOrder } from '../inOrder.js';
import { guarded } from '../unhandled.js';
import { Group } from './group.js';
import { KeyedMap } from './keyedMap.js';
import { scopeKey } from './scopeKey.js';
import type { Observable, Observer, SubjectLike, Unsubscribable } from 'rxjs';
import type { DefinitionFrame, DefinitionScope } from '../definition.js';
import type { CatalogInside } from './catalogInside.js';
import type { SessionHost } from './sessionHost.js';
import type { Session } from './session.js';

/** What the hub asks of its fan-out. */
export interface HubHost extends SessionHost {
  /** The source has completed: ends the sessions after what waits for them. */
  complete(): void;
  /** The source has failed: ends the sessions. */
  fail(error: unknown): void;
}

/**
 * `encodeOnce`'s connector: a Subject of frames that knows its sessions by scope.
 *
 * - One order for all: a frame that comes while another is under way waits until that one has reached everyone.
 * - `subscribe` is for those who want the frames of every scope; they see each after the sessions.
 */
export class Hub implements SubjectLike<DefinitionFrame> {
  #groups = new KeyedMap<Group>();
  readonly #tap = new Subject<DefinitionFrame>();
  readonly #frames = new InOrder<DefinitionFrame>(
    (frame) => this.#dispatch(frame),
    () => this.#end(undefined),
  );
  /** The scopes to sweep when the next broadcast has reached everyone: its own, and where somebody has let go of tombstones. */
  readonly #unswept = new Set<string>();

  constructor(
    private readonly host: HubHost,
    private readonly catalog: CatalogInside | undefined,
  ) {}

  next(frame: DefinitionFrame): void {
    this.#frames.next(frame);
  }

  /** After the frames that are under way or wait. */
  complete(): void {
    this.#frames.complete();
  }

  /** At once, whatever is under way. */
  error(error: unknown): void {
    this.#frames.clear();
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
      group = new Group(this.host, key, scope, this.catalog?.open(key));
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Nothing more is offered to the session, but for the frame under way when `afterThis`. */
  detach(session: Session, afterThis = false): void {
    const { group } = session;
    if (!session.attached) return;
    group.detach(session, afterThis);
    this.sweepSoon(group);
    this.#closeIfEmpty(group);
  }

  /** Somebody has moved past tombstones of the group's scope, or has left. */
  sweepSoon(group: Group): void {
    if (group.log?.hasTombstones) this.#unswept.add(group.key);
  }

  #dispatch(frame: DefinitionFrame): void {
    const { host, catalog } = this;
    const { totals, announcer } = host;
    const key = scopeKey(frame.msg.scope);
    totals.broadcast++;
    const group = this.#groups.get(key);
    // What the frame makes of a tombstone that it replaces depends on whether anybody still needs that.
    if (group?.log?.hasTombstones) this.#sweep(key);
    if (catalog?.append(key, frame).hasTombstones) this.#unswept.add(key);
    if (group !== undefined) {
      group.offer(frame);
      this.#closeIfEmpty(group);
    }
    guarded(() => this.#tap.next(frame));
    // Whoever was called may have ended all: the catalog may be another fan-out's by now.
    if (host.over) return;
    // After everybody that was called: a group may be another one by now.
    for (const unswept of this.#unswept) this.#sweep(unswept);
    this.#unswept.clear();
    announcer.tick();
  }

  #sweep(key: string): void {
    const { catalog } = this;
    const group = this.#groups.get(key);
    catalog?.open(key).sweep(() => group?.slots.unready() ?? []);
    if (group === undefined) catalog?.close(key);
  }

  #closeIfEmpty(group: Group): void {
    // A session may leave when all is over, and an empty log be another fan-out's by then.
    if (!group.empty || this.host.over) return;
    this.#groups.delete(group.key);
    this.catalog?.close(group.key);
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    if (failure === undefined) this.host.complete();
    else this.host.fail(failure.error);
    this.#groups.forEach((group, key) => {
      group.end();
      this.catalog?.close(key);
    });
    this.#groups = new KeyedMap();
    guarded(() => (failure === undefined ? this.#tap.complete() : this.#tap.error(failure.error)));
    this.host.ended();
  }
}
