import {
  NEVER,
  Observable,
  type ObservableInput,
  type Subscriber,
  catchError,
  dematerialize,
  from,
  fromEvent,
  materialize,
  switchMap,
  takeUntil,
  throwError,
} from 'rxjs';
import type { DefinitionSyncMsg } from '../definition.js';
import { badOption } from '../options.js';
import type { Bucket } from './bucket.js';
import { definitionsError, hasCode } from './errors.js';
import { Lease } from './lease.js';
import { Patience } from './patience.js';
import { pause } from './pause.js';
import { type PublishOptions, publishBy } from './publish.js';
import { Term } from './term.js';

export interface LeadOptions {
  /** Milliseconds without a sign of life after which another may take over; 1,000 to 3_600_000, default 10_000. */
  readonly lease?: number | undefined;
  /** Who this is, for those who look into the bucket: 1 to 256 characters; default a random id. */
  readonly holder?: string | undefined;
}

/** What the leader works with, for as long as it is one. */
export interface DefinitionsTerm {
  /** The bucket's revision at which the term began; a later term has a greater one. */
  readonly revision: bigint;
  /**
   * As `publish` of the bucket, one after another in call order, and stored only while this term is the latest.
   * Rejects with FENCED when it is not.
   */
  readonly publish: (msg: DefinitionSyncMsg, options?: TermPublishOptions) => Promise<bigint>;
}

export interface TermPublishOptions extends PublishOptions {
  /**
   * Not to store what is the definition's last message already, byte for byte, as far as this term has seen, but resolve with
   * the revision of that: so a leader that tells a whole snapshot publishes what has changed. The bucket is read through for
   * it once a term. What another publisher has stored just before may not have been seen yet. Default false.
   */
  readonly unlessStored?: boolean | undefined;
}

/** Opens the lease's bucket beside that of the definitions: so many heartbeats would leave as many holes in its log. */
export type OpenLease = () => Promise<Bucket>;

/** See `NatsDefinitions.lead`. */
export function leadBy<T>(
  bucket: Bucket,
  openLease: OpenLease,
  work: (term: DefinitionsTerm) => ObservableInput<T>,
  duration: number,
  holder: string,
): Observable<T> {
  const terms$ = new Observable<Term>((subscriber) => {
    const stop = new AbortController();
    campaign(bucket, openLease, duration, holder, subscriber, stop.signal).catch((error: unknown) => {
      subscriber.error(error);
    });
    return () => {
      stop.abort();
    };
  });
  return terms$.pipe(
    // Materialized, since a work that completes or fails ends all, and one whose term is over does not.
    switchMap((term) => workOf(term, work).pipe(materialize(), takeUntil(fromEvent(term.over, 'abort')))),
    dematerialize(),
  );
}

/** What the work tells; a FENCED error of it ends the term, which has no use without its work. */
function workOf<T>(term: Term, work: (term: DefinitionsTerm) => ObservableInput<T>): Observable<T> {
  return from(work(viewOf(term))).pipe(
    catchError((error: unknown) => {
      if (!hasCode(error, 'FENCED')) return throwError(() => error);
      term.end();
      return NEVER;
    }),
  );
}

function viewOf(term: Term): DefinitionsTerm {
  const { bucket, fence } = term;
  return {
    revision: BigInt(fence),
    publish: (msg, options) =>
      publishBy(bucket, msg, options, (subject, bytes, id) => term.write(subject, bytes, id, unlessStored(options))),
  };
}

/** @throws {FanoutError} BAD_OPTION */
function unlessStored(options: TermPublishOptions | undefined): boolean {
  const value: unknown = options?.unlessStored ?? false;
  if (typeof value === 'boolean') return value;
  throw badOption('unlessStored', 'a boolean', value);
}

/** Emits each term as it begins. */
async function campaign(
  bucket: Bucket,
  openLease: OpenLease,
  duration: number,
  holder: string,
  terms: Subscriber<Term>,
  signal: AbortSignal,
): Promise<void> {
  const lease = new Lease(await openLease(), duration, holder);
  const patience = new Patience(bucket.timeout);
  while (!signal.aborted) {
    let wait = duration / 5; // gives way to the others
    try {
      await lease.acquire(signal);
      const term = await rule(bucket, lease, terms, signal);
      if (term?.hasFollowed === true) patience.renew();
      if (term?.failure !== undefined) wait = Math.max(wait, patience.waitAfter(term.failure));
    } catch (raw) {
      const error = definitionsError(raw, `leading in bucket ${bucket.name}`);
      if (!hasCode(error, 'FENCED')) wait = patience.waitAfter(error);
    } finally {
      await lease.release();
    }
    await pause(wait, signal);
  }
}

/** One term, from its fence to its end. */
async function rule(
  bucket: Bucket,
  lease: Lease,
  terms: Subscriber<Term>,
  signal: AbortSignal,
): Promise<Term | undefined> {
  if (signal.aborted) return undefined;
  const term = await Term.begin(bucket, lease, signal);
  const end = (): void => {
    term.end();
  };
  const forget = onAbort(signal, end);
  const kept = lease.keep(term.over).then(end);
  // Over already: whoever begins to listen to that now would never hear of it.
  if (!term.over.aborted) terms.next(term);
  await kept;
  forget();
  return term;
}

/** Calls `listener` when `signal` aborts, at once if it has; returns what takes the listener away. */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener);
  return () => {
    signal.removeEventListener('abort', listener);
  };
}
