import {
  type JetStreamClient,
  type JetStreamManager,
  type StreamInfo,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { badOption } from '../options.js';
import { type BucketConfig, type BucketOptions, checkFit, configOf } from './bucketConfig.js';
import { ClientStatus } from './clientStatus.js';
import { NatsDefinitionsError, apiCode, definitionsError, mayPass } from './errors.js';
import { pause } from './pause.js';

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
  readonly status: ClientStatus;
}

const streamNotFound = 10059;
const streamNameInUse = 10058;
/**
 * What a cluster says in passing: while another node creates the stream it knows the name already and the stream not yet,
 * and while its servers start, some do not know the others yet.
 */
const clusterStarts = new Set([streamNotFound, 10005]);
/** What a server that is asked twice at the same moment says to the second. */
const subjectsOverlap = 10065;
const needsMaxBytes = 10113;
/** What a server alone says of more than one copy: one that names a cluster, or has one beyond a leaf node, may be alone. */
const noCluster = 10074;

/** @throws {NatsDefinitionsError} BUCKET_REPLACED unless this is the description of the bucket that was opened. */
export function checkSame({ name, identity }: Bucket, description: string | undefined): void {
  if (description === identity) return;
  throw new NatsDefinitionsError('BUCKET_REPLACED', `bucket ${name} is another one now: ${description ?? ''}`);
}

async function infoOrCreate(
  jsm: JetStreamManager,
  config: BucketConfig,
  replicas: number | undefined,
): Promise<StreamInfo> {
  try {
    return await jsm.streams.info(config.name);
  } catch (error) {
    if (apiCode(error) !== streamNotFound) throw error;
  }
  try {
    return await jsm.streams.add(config);
  } catch (error) {
    if (apiCode(error) === needsMaxBytes)
      throw badOption('maxBytes', 'given, since the account requires it of every stream', Infinity);
    if (apiCode(error) === noCluster && config.num_replicas > 1 && replicas === undefined)
      return infoOrCreate(jsm, { ...config, num_replicas: 1 }, 1);
    if (apiCode(error) !== streamNameInUse && apiCode(error) !== subjectsOverlap) throw error;
    // Another node was faster; or the subjects are a foreign stream's, and there is still none of this name.
    return jsm.streams.info(config.name).catch((none: unknown) => {
      throw apiCode(none) === streamNotFound ? error : none;
    });
  }
}

/** How far apart two looks at a new stream are, ms. */
const LOOK_AGAIN = 250;

/**
 * Nodes of a cluster that create the same stream at once may each be told that it is theirs, until one of them has won.
 * So a stream to which nothing was ever published is looked at until two looks agree.
 */
async function settled(jsm: JetStreamManager, first: StreamInfo): Promise<StreamInfo> {
  for (let info = first; ;) {
    if (info.state.last_seq > 0) return info;
    await pause(LOOK_AGAIN);
    const next = await jsm.streams.info(first.config.name);
    if (next.config.description === info.config.description) return next;
    info = next;
  }
}

/**
 * Opens a bucket, creating it when there is none; waits out servers that are just starting.
 * @throws {FanoutError} BAD_OPTION when the account requires `maxBytes`
 * @throws {NatsDefinitionsError} NO_JETSTREAM, NOT_PERMITTED, TOO_FEW_SERVERS, BUCKET_UNFIT, BUCKET_FULL, CLOSED, UNAVAILABLE,
 * REFUSED
 */
export async function openBucket(connection: NatsConnection, options: BucketOptions): Promise<Bucket> {
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: Math.min(options.timeout, 2_000) });
  const js = jetstream(connection, { timeout: Math.min(options.timeout, 2_000) });
  const config = configOf(options, connection);
  const { name, timeout } = options;
  const deadline = performance.now() + timeout;
  for (;;) {
    try {
      const info = await settled(jsm, await infoOrCreate(jsm, config, options.replicas));
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
        status: ClientStatus.of(connection),
      };
    } catch (raw) {
      const error = definitionsError(raw, `opening bucket ${name}`);
      if (!mayPass(error) && !clusterStarts.has(apiCode(raw))) throw error;
      if (performance.now() >= deadline) throw unanswered(raw, error, name);
      await pause(100);
    }
  }
}

/** Nobody serving JetStream's API for the whole of `timeout` is its absence, not a restart. */
function unanswered(raw: unknown, error: unknown, name: string): unknown {
  if (!(raw instanceof Error) || !['JetStreamNotEnabled', 'NoResponders', 'RequestError'].includes(raw.name))
    return error;
  return new NatsDefinitionsError(
    'NO_JETSTREAM',
    `opening bucket ${name}: nobody answers for JetStream, which nats-server runs with -js`,
    {
      cause: raw,
    },
  );
}
