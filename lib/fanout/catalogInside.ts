import { FanoutError } from '../errors.js';
import { objectOption, stringOption } from '../options.js';
import { KeyedMap } from './keyedMap.js';
import { LogReader } from './logReader.js';
import { checkScope, scopeKey } from './scopeKey.js';
import { ScopeLog } from './scopeLog.js';
import type { DefinitionFrame } from '../definition.js';
import type { TombstoneRule } from './logReader.js';

/** The logs of a catalog by scope: a catalog as its fan-out sees it, and nobody else should. */
export class CatalogInside {
  readonly #logs = new KeyedMap<ScopeLog>();
  /** The sequence of the last frame, of whatever scope; 0: there was none. */
  last = 0;
  /** What logs that are gone had let go. */
  #forgotten = 0;
  #owned = false;

  constructor(private readonly maxTombstones: number) {}

  own(): void {
    if (this.#owned) throw new FanoutError('BAD_OPTION', 'this catalog already belongs to another fan-out');
    this.#owned = true;
  }

  /** Its fan-out is over: nobody needs a tombstone any more. */
  disown(): void {
    this.#logs.forEach((log, key) => {
      log.sweep();
      this.close(key);
    });
    this.#owned = false;
  }

  /** Live definitions of all scopes. */
  get live(): number {
    let live = 0;
    this.#logs.forEach((log) => (live += log.live));
    return live;
  }

  /** Takes the next frame of a catalog that is nobody's. */
  apply(frame: DefinitionFrame): void {
    if (this.#owned)
      throw new FanoutError('OUT_OF_ORDER', 'this catalog takes the frames of its fan-out, and no others');
    objectOption('frame', frame);
    const { definitionType, name, scope } = objectOption('frame.msg', frame.msg);
    stringOption('frame.msg.definitionType', definitionType);
    stringOption('frame.msg.name', name);
    const key = scopeKey(checkScope(scope));
    this.append(key, frame).sweep();
    this.close(key);
  }

  /** @returns the log that took it */
  append(key: string, frame: DefinitionFrame): ScopeLog {
    const { sequence } = frame;
    if (!(Number.isSafeInteger(sequence) && sequence > this.last)) {
      throw new FanoutError('OUT_OF_ORDER', `a frame's sequence must be above ${this.last}, got ${sequence}`);
    }
    const log = this.open(key);
    log.append(frame);
    this.last = sequence;
    return log;
  }

  /** The log of a scope; made when there is none. */
  open(key: string): ScopeLog {
    let log = this.#logs.get(key);
    if (log === undefined) this.#logs.set(key, (log = new ScopeLog(this.maxTombstones, this.#forgotten)));
    return log;
  }

  /** From which sequence on the scope has every delete. */
  completeSince(key: string): number {
    return this.#logs.get(key)?.forgotten ?? this.#forgotten;
  }

  /** Whether the scope has every delete that came later, and there was such a sequence. */
  canResumeAfter(key: string, sequence: number): boolean {
    return Number.isInteger(sequence) && sequence >= this.completeSince(key) && sequence <= this.last;
  }

  /** Nobody reads this scope any more: an empty log is let go. */
  close(key: string): void {
    const log = this.#logs.get(key);
    if (log?.size !== 0) return;
    this.#forgotten = Math.max(this.#forgotten, log.forgotten);
    this.#logs.delete(key);
  }

  /** Before each frame the log is looked up: one that has become empty may be let go, and another be in its place. */
  *frames(after: number, key: string, rule: TombstoneRule): IterableIterator<DefinitionFrame> {
    for (;;) {
      const log = this.#logs.get(key);
      const frame = log && new LogReader(log, after, rule, 0).next();
      if (frame === undefined) return;
      after = frame.sequence;
      yield frame;
    }
  }
}
