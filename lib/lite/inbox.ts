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

/**
 * What arrived and is not stored yet.
 * A peer that cannot be paused makes it grow; then only the newest change of each definition is kept, so that it never holds
 * much more than twice what the Origin has.
 */
export class Inbox {
  #jobs: Job[] = [];
  #next = 0;
  #compactAt = 4 * PAUSE_AT;

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
    else if (this.#next >= PAUSE_AT && this.#next * 2 > this.#jobs.length) this.#trim();
    return job;
  }

  clear(): void {
    this.#jobs = [];
    this.#next = 0;
  }

  #trim(): void {
    this.#jobs = this.#jobs.slice(this.#next);
    this.#next = 0;
  }

  /** Only the last snapshot counts, and its end stays where it is: what comes later is not judged by it. */
  #compact(): void {
    const jobs = this.#jobs.slice(this.#next);
    const end = jobs.findLastIndex(({ type }) => type === 'snapshot');
    this.#jobs = [
      ...newestOf(jobs.slice(0, Math.max(end, 0))),
      ...jobs.slice(end, end + 1),
      ...newestOf(jobs.slice(end + 1)),
    ];
    this.#next = 0;
    this.#compactAt = Math.max(4 * PAUSE_AT, 2 * this.#jobs.length);
  }
}

/** The newest change of each definition, in their order. */
function newestOf(jobs: readonly Job[]): Iterable<Job> {
  const newest = new Map<string, Job>();
  for (const job of jobs) {
    if (job.type === 'snapshot') continue;
    const key = definitionKey(job.msg);
    newest.delete(key);
    newest.set(key, job);
  }
  return newest.values();
}
