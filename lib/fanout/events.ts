import { Observable, Subject } from 'rxjs';
import { InOrder } from '../inOrder.js';
import { guarded } from '../unhandled.js';
import type { WireError } from '../errors.js';
import type { DefinitionSyncMsg } from '../definition.js';

/** Why a session ended. */
export type EndReason = 'unsubscribed' | 'unregistered' | 'replaced' | 'completed' | 'failed';

/** What a fan-out tells on `events$`; always after the state has changed. */
export type FanoutEvent =
  | { readonly type: 'registered'; readonly sessionId: string }
  /** The session has been given all that was committed up to `sequence`, and is live. */
  | { readonly type: 'caught-up'; readonly sessionId: string; readonly sequence: number }
  | { readonly type: 'overflow-began'; readonly sessionId: string }
  /** The queue has emptied; `lost` frames were dropped since it began. */
  | { readonly type: 'overflow-ended'; readonly sessionId: string; readonly lost: number }
  | { readonly type: 'encode-failed'; readonly msg: DefinitionSyncMsg; readonly error: WireError }
  | {
      readonly type: 'ended';
      readonly sessionId: string;
      readonly reason: EndReason;
      readonly error?: unknown;
      /** Frames that were let go, in flight or waiting. */
      readonly discarded: number;
    };

/** The events of a fan-out: all observers see one order, also when one of them causes the next event. */
export class FanoutEvents {
  readonly events$: Observable<FanoutEvent>;
  readonly #subject = new Subject<FanoutEvent>();
  readonly #told = new InOrder<FanoutEvent>(
    (event) => guarded(() => this.#subject.next(event)),
    () => guarded(() => this.#subject.complete()),
  );

  constructor() {
    this.events$ = this.#subject.asObservable();
  }

  get observed(): boolean {
    return this.#subject.observed;
  }

  tell(event: FanoutEvent): void {
    if (this.observed) this.#told.next(event);
  }

  /** Completes `events$` after what is still to be told. */
  complete(): void {
    this.#told.complete();
  }
}
