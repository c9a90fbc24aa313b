import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Observable, Subject } from 'rxjs';
import { NatsDefinitionsError, apiCode, definitionsError, isPassing } from './errors.js';
import { newId } from './newId.js';
import { pause } from './pause.js';

export interface BucketOptions {
  readonly name: string;
  readonly replicas: number | undefined;
  readonly storage: 'file' | 'memory';
  readonly maxBytes: number;
  readonly timeout: number;
}

/** An open bucket: the stream behind a key-value bucket, and the clients that reach it. */
export interface Bucket {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly name: string;
  readonly stream: string;
  /** What a subject has before the key. */
  readonly prefix: string;
  /** The stream's description, which holds an id: tells it from another of the same name. */
  readonly identity: string | undefined;
  readonly timeout: number;
  /** Each time the client is connected again; completes with the connection. */
  readonly reconnects$: Observable<void>;
}

const second = 1_000_000_000;
const streamNotFound = 10059;
const streamNameInUse = 10058;
/** What a server that is asked twice at the same moment says to the second. */
const subjectsOverlap = 10065;

function configOf({ name, replicas, storage, maxBytes }: BucketOptions, connection: NatsConnection) {
  return {
    name: `KV_${name}`,
    // The time of creation would not do as an identity: in a cluster every server has its own.
    description: `ddl-fanout ${newId()}`,
    subjects: [`$KV.${name}.>`],
    retention: RetentionPolicy.Limits,
    storage: storage === 'file' ? StorageType.File : StorageType.Memory,
    num_replicas: replicas ?? (connection.info?.cluster === undefined ? 1 : 3),
    max_msgs_per_subject: 1,
    max_bytes: maxBytes === Infinity ? -1 : maxBytes,
    discard: DiscardPolicy.New,
    duplicate_window: 120 * second,
    deny_delete: true,
    deny_purge: true,
    allow_direct: true,
  } satisfies Partial<StreamConfig>;
}

/** @throws {NatsDefinitionsError} BUCKET_REPLACED unless this is the description of the bucket that was opened. */
export function checkSame({ name, identity }: Bucket, description: string | undefined): void {
  if (description === identity) return;
  throw new NatsDefinitionsError('BUCKET_REPLACED', `bucket ${name} is another one now: ${description ?? ''}`);
}

/** The settings without which definitions get lost, mixed up or told twice. */
function checkFit(info: StreamInfo, wanted: ReturnType<typeof configOf>, replicas: number | undefined): void {
  const is: Partial<StreamConfig> = info.config;
  const unfit = (setting: string, value: unknown, must: unknown) =>
    new NatsDefinitionsError(
      'BUCKET_UNFIT',
      `stream ${wanted.name} exists with ${setting} ${JSON.stringify(value)}, and must have ${JSON.stringify(must)}`,
    );
  if (is.mirror !== undefined || is.sources !== undefined) throw unfit('a mirror or sources', true, false);
  const fixed = ['retention', 'max_msgs_per_subject', 'discard', 'deny_delete', 'deny_purge'] as const;
  for (const setting of fixed) if (is[setting] !== wanted[setting]) throw unfit(setting, is[setting], wanted[setting]);
  if (is.subjects?.join() !== wanted.subjects.join()) throw unfit('subjects', is.subjects, wanted.subjects);
  if ((is.max_age ?? 0) > 0) throw unfit('max_age', is.max_age, 0);
  if ((is.max_msgs ?? -1) > 0) throw unfit('max_msgs', is.max_msgs, -1);
  const window = is.duplicate_window ?? 0;
  if (window < wanted.duplicate_window) throw unfit('duplicate_window', window, wanted.duplicate_window);
  if (replicas !== undefined && is.num_replicas !== replicas) throw unfit('num_replicas', is.num_replicas, replicas);
}

async function infoOrCreate(jsm: JetStreamManager, config: ReturnType<typeof configOf>): Promise<StreamInfo> {
  try {
    return await jsm.streams.info(config.name);
  } catch (error) {
    if (apiCode(error) !== streamNotFound) throw error;
  }
  try {
    return await jsm.streams.add(config);
  } catch (error) {
    if (apiCode(error) !== streamNameInUse && apiCode(error) !== subjectsOverlap) throw error;
    // Another node was faster; or the subjects are a foreign stream's, and there is still none of this name.
    return jsm.streams.info(config.name).catch((none: unknown) => {
      throw apiCode(none) === streamNotFound ? error : none;
    });
  }
}

/**
 * Opens a bucket, creating it when there is none; waits out a server that is just starting.
 * @throws {NatsDefinitionsError} NO_JETSTREAM, NOT_PERMITTED, TOO_FEW_SERVERS, BUCKET_UNFIT, BUCKET_FULL, CLOSED, UNAVAILABLE
 */
export async function openBucket(connection: NatsConnection, options: BucketOptions): Promise<Bucket> {
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: Math.min(options.timeout, 2_000) });
  const js = jetstream(connection, { timeout: Math.min(options.timeout, 2_000) });
  const config = configOf(options, connection);
  const { name, timeout } = options;
  const deadline = performance.now() + timeout;
  for (;;) {
    try {
      const info = await infoOrCreate(jsm, config);
      checkFit(info, config, options.replicas);
      return {
        connection,
        js,
        jsm,
        name,
        stream: config.name,
        prefix: `$KV.${name}.`,
        identity: info.config.description,
        timeout,
        reconnects$: reconnectsOf(connection),
      };
    } catch (raw) {
      const error = definitionsError(raw, `opening bucket ${name}`);
      // While another node creates it, a cluster knows the name already and the stream not yet.
      if (!isPassing(error) && apiCode(raw) !== streamNotFound) throw error;
      if (performance.now() >= deadline) throw unanswered(raw, error, name);
      await pause(100);
    }
  }
}

/** Shared, since the client keeps a queue for everyone who ever asked for its status. */
function reconnectsOf(connection: NatsConnection): Observable<void> {
  const reconnects$ = new Subject<void>();
  const told = async (): Promise<void> => {
    for await (const status of connection.status()) if (status.type === 'reconnect') reconnects$.next();
  };
  void told().finally(() => {
    reconnects$.complete();
  });
  return reconnects$;
}

/** Nobody serving JetStream's API for the whole of `timeout` is its absence, not a restart. */
function unanswered(raw: unknown, error: unknown, name: string): unknown {
  if (!(raw instanceof Error) || !['JetStreamNotEnabled', 'NoResponders', 'RequestError'].includes(raw.name))
    return error;
  return new NatsDefinitionsError('NO_JETSTREAM', `opening bucket ${name}: nobody answers for JetStream`, {
    cause: raw,
  });
}
