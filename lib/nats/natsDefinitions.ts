import type { NatsConnection } from '@nats-io/transport-node';
import type { Observable, ObservableInput } from 'rxjs';
import type { DefinitionSyncMsg } from '../definition.js';
import { type Logger, safeLogger } from '../log.js';
import { badOption, functionOption, methodOption, objectOption, oneOf, wholeNumber } from '../options.js';
import { openBucket } from './bucket.js';
import type { BucketOptions } from './bucketConfig.js';
import { type CommitsOptions, commitsOf } from './commits.js';
import { type DefinitionsTerm, type LeadOptions, leadBy } from './lead.js';
import { newId } from './newId.js';
import { type PublishOptions, publishBy } from './publish.js';
import { store } from './store.js';

export interface NatsDefinitionsOptions {
  /** The key-value bucket's name: letters, digits, `-` and `_`, but no `_leader` at its end; default `definitions`. */
  readonly bucket?: string | undefined;
  /** Servers that keep a copy, 1 to 5. Default: 3 in a cluster, 1 on a server alone; of a bucket that exists, as it is. */
  readonly replicas?: number | undefined;
  /** Of a bucket that is created; default `file`. `memory` survives a server's restart only where there are replicas. */
  readonly storage?: 'file' | 'memory' | undefined;
  /** Most bytes that a bucket that is created may take, 1 to 2^53 - 1; beyond it `publish` rejects. Default Infinity. */
  readonly maxBytes?: number | undefined;
  /**
   * Versions of each definition that a bucket that is created keeps, for nodes that follow more slowly than it changes, 1 to 64; default 8.
   */
  readonly history?: number | undefined;
  /** Milliseconds that a call goes on trying while nobody answers, 100 to 60_000; default 30_000. */
  readonly timeout?: number | undefined;
  /** Default: tslog at `warn` and above. */
  readonly logger?: Logger | undefined;
}

/** Definitions in a bucket that all nodes share. */
export interface NatsDefinitions {
  /** `commits()`. */
  readonly commits$: Observable<DefinitionSyncMsg>;
  /**
   * The last message of every definition, in the order of their revisions, then what is published, each once; cold.
   *
   * - `position` is the revision: the same on every node.
   * - The bucket keeps the last message of every definition, a `delete` too, and `history` of them for those that are behind:
   *   only a node that is more than so many changes of one definition behind is not told the oldest of these.
   * - Goes on over lost connections and servers, however long they take.
   * - Errors with a `NatsDefinitionsError`: BUCKET_REPLACED, BUCKET_FULL, NOT_PERMITTED, NO_JETSTREAM,
   *   REFUSED or CLOSED.
   *
   * @throws {FanoutError} BAD_OPTION unless `after` is a bigint of 0 to 2^53 - 1, `onCaughtUp` a function
   */
  readonly commits: (options?: CommitsOptions) => Observable<DefinitionSyncMsg>;
  /**
   * Stores a message and resolves with its revision once the server has it; tries again meanwhile, and never stores twice.
   * Rejects with `FanoutError` BAD_OPTION, `WireError` UNENCODABLE or a `NatsDefinitionsError`: TOO_LONG, TOO_LARGE,
   * BUCKET_FULL, BUCKET_REPLACED (another stream has its subjects now), NOT_PERMITTED, UNAVAILABLE, REFUSED or CLOSED.
   * Publishes that do not wait for each other may be stored in any order.
   */
  readonly publish: (msg: DefinitionSyncMsg, options?: PublishOptions) => Promise<bigint>;
  /**
   * Does `work` while this node is the leader, and on one node at a time; cold.
   *
   *     lead(({ publish }) => source$.pipe(concatMap((msg) => publish(msg))))
   *
   * - Subscribed: waits until there is no other leader, then subscribes to what `work` returns, and emits what that does.
   * - The term is over (another took over, or NATS was out of reach for the lease): unsubscribes from the work and waits again.
   * - Unsubscribed, completed or errored: lets the next one in at once. FENCED errors of the work end the term only.
   * - What was published with a term's `publish` after another leader took over is refused by the server.
   *
   * @throws {FanoutError} BAD_OPTION unless `work` is a function, and `lease` and `holder` are as they must be
   */
  readonly lead: <T>(work: (term: DefinitionsTerm) => ObservableInput<T>, options?: LeadOptions) => Observable<T>;
}

/**
 * What the bucket of the lease may take: one message of at most 2 KB, and another one before the first is let go. It has
 * a limit since there are accounts where every stream must have one.
 */
const LEASE_BYTES = 16_384;

function bucketOptions(options: NatsDefinitionsOptions): BucketOptions {
  const { bucket = 'definitions', replicas, storage = 'file', maxBytes = Infinity, timeout = 30_000 } = options;
  const { history = 8 } = options;
  if (typeof bucket !== 'string' || !/^[\w-]{1,64}$/.test(bucket) || bucket.endsWith('_leader'))
    throw badOption('bucket', '1 to 64 letters, digits, - and _, without _leader at its end', bucket);
  if (replicas !== undefined) oneOf('replicas', replicas, [1, 2, 3, 4, 5]);
  oneOf('storage', storage, ['file', 'memory']);
  if (wholeNumber('maxBytes', maxBytes, 1) > Number.MAX_SAFE_INTEGER && maxBytes !== Infinity)
    throw badOption('maxBytes', 'no more than Number.MAX_SAFE_INTEGER, or Infinity', maxBytes);
  if (!Number.isInteger(history) || history < 1 || history > 64)
    throw badOption('history', 'a whole number of 1 to 64', history);
  if (!Number.isInteger(timeout) || timeout < 100 || timeout > 60_000)
    throw badOption('timeout', 'a whole number of 100 to 60,000', timeout); // within the window of two minutes for ids
  return { name: bucket, replicas, storage, maxBytes, history, timeout };
}

function checkCommits({ after, onCaughtUp }: CommitsOptions): void {
  if (after !== undefined && (typeof after !== 'bigint' || after < 0n || after > Number.MAX_SAFE_INTEGER))
    throw badOption('after', 'a bigint of 0 to Number.MAX_SAFE_INTEGER', after);
  if (onCaughtUp !== undefined) functionOption('onCaughtUp', onCaughtUp);
}

function leadOptions({ lease = 10_000, holder = newId() }: LeadOptions): { lease: number; holder: string } {
  if (!Number.isInteger(lease) || lease < 1_000 || lease > 3_600_000)
    throw badOption('lease', 'a whole number of 1,000 to 3,600,000', lease);
  // An empty one would say that the lease is free.
  if (typeof holder !== 'string' || holder.length < 1 || holder.length > 256)
    throw badOption('holder', 'a text of 1 to 256 characters', holder);
  return { lease, holder };
}

/**
 * Opens definitions that many nodes share through a JetStream key-value bucket, creating the bucket when there is none.
 *
 * - The connection is the caller's: this neither closes nor reconfigures it. It SHOULD be set to reconnect for ever
 *   (`maxReconnectAttempts: -1`), or everything here ends with CLOSED when the client gives up.
 * - Nothing is copied out of the bucket but to those who subscribe.
 *
 * @throws {FanoutError} BAD_OPTION at call time
 * @returns rejects with a `NatsDefinitionsError`: NO_JETSTREAM, NOT_PERMITTED, TOO_FEW_SERVERS, BUCKET_UNFIT, BUCKET_FULL,
 * UNAVAILABLE, REFUSED or CLOSED; with BAD_OPTION when there is no `maxBytes` and the account requires a limit
 */
export function natsDefinitions(
  connection: NatsConnection,
  options: NatsDefinitionsOptions = {},
): Promise<NatsDefinitions> {
  const wanted = bucketOptions(objectOption('options', options));
  methodOption('connection', connection, 'request');
  return open(connection, wanted, safeLogger(options.logger));
}

async function open(connection: NatsConnection, wanted: BucketOptions, logger: Logger): Promise<NatsDefinitions> {
  const bucket = await openBucket(connection, wanted);
  const leases = { ...wanted, name: `${wanted.name}_leader`, maxBytes: LEASE_BYTES, history: 1 };
  const openLease = () => openBucket(connection, leases);
  const commits = (how: CommitsOptions = {}): Observable<DefinitionSyncMsg> => {
    checkCommits(objectOption('options', how));
    return commitsOf(bucket, logger, how);
  };
  return {
    commits$: commits(),
    commits,
    publish: (msg, how) =>
      publishBy(
        bucket,
        msg,
        how,
        async (subject, bytes, id = newId()) => (await store(bucket, subject, bytes, { id })).seq,
      ),
    lead: (work, how = {}) => {
      functionOption('work', work);
      const { lease, holder } = leadOptions(objectOption('options', how));
      return leadBy(bucket, openLease, work, lease, holder);
    },
  };
}
