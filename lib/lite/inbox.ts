import { definitionKey, type DefinitionSyncMsg } from '../definition.js';

/** Something for the device to do, in the order in which it came. */
export type Job =
  /** `inSnapshot`: it may be known already. */
  | { readonly type: 'message'; readonly msg: DefinitionSyncMsg; readonly inSnapshot: boolean }
  /** The end of a snapshot: what is not `alive` is no more. */
  | { readonly type: 'snapshot'; readonly alive: ReadonlySet<string>; readonly done: () => void };

/** From this many jobs on a socket that can be paused is. */
export const PAUSE_AT = 256;
/** At this many it goes on. */
export const RESUME_AT = 64;

/** At this many jobs, or at twice what the last time left if that is more, only the newest changes are kept. */
const COMPACT_AT = 4 * PAUSE_AT;

/**
 * What arrived and is not stored yet.
 * A peer that cannot be paused makes it grow; then only the newest change of each definition is kept, so that it never holds
 * much more than twice what the Origin has.
 */
export class Inbox {
  #jobs: Job[] = [];
  #next = 0;
  #compactAt = COMPACT_AT;

  get length(): number {
    return this.#jobs.length - this.#next;
  }

  push(job: Job): void {
    this.#jobs.push(job);
    if (this.length >= this.#compactAt) this.#compact();
  }

  shift(): Job | undefined {
    const job = this.#jobs[this.#next++];
    if (this.#next >= this.#jobs.length) this.clear();
    else if (this.#next >= PAUSE_AT && this.#next * 2 > this.#jobs.length) this.#hold(this.#jobs.slice(this.#next));
    return job;
  }

  clear(): void {
    this.#hold([]);
  }

  #hold(jobs: Job[]): void {
    this.#jobs = jobs;
    this.#next = 0;
    this.#compactAt = Math.max(COMPACT_AT, 2 * jobs.length);
  }

  /** Only the last snapshot counts, and its end stays where it is: what comes later is not judged by it. */
  #compact(): void {
    const jobs = this.#jobs.slice(this.#next);
    const behindEnd = jobs.findLastIndex(({ type }) => type === 'snapshot') + 1;
    this.#hold([...newestOf(jobs.slice(0, behindEnd)), ...newestOf(jobs.slice(behindEnd))]);
  }
}

/** The newest change of each definition and the newest end of a snapshot, in their order. */
function newestOf(jobs: readonly Job[]): Iterable<Job> {
  const newest = new Map<string | undefined, Job>();
  for (const job of jobs) {
    const key = job.type === 'message' ? definitionKey(job.msg) : undefined;
    newest.delete(key);
    newest.set(key, job);
  }
  return newest.values();
}
