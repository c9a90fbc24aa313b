import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { NatsDefinitionsError } from './errors.js';
import { newId } from './newId.js';

export interface BucketOptions {
  readonly name: string;
  readonly replicas: number | undefined;
  readonly storage: 'file' | 'memory';
  readonly maxBytes: number;
  readonly history: number;
  readonly timeout: number;
}

export type BucketConfig = Pick<
  StreamConfig,
  | 'name'
  | 'description'
  | 'subjects'
  | 'retention'
  | 'storage'
  | 'num_replicas'
  | 'max_msgs_per_subject'
  | 'max_bytes'
  | 'discard'
  | 'duplicate_window'
  | 'deny_delete'
  | 'deny_purge'
  | 'allow_direct'
>;

const second = 1_000_000_000;

/** The stream of a bucket that is created. */
export function configOf(options: BucketOptions, connection: NatsConnection): BucketConfig {
  const { name, replicas, storage, maxBytes, history } = options;
  return {
    name: `KV_${name}`,
    // The time of creation would not do as an identity: in a cluster every server has its own.
    description: `ddl-fanout ${newId()}`,
    subjects: [`$KV.${name}.>`],
    retention: RetentionPolicy.Limits,
    storage: storage === 'file' ? StorageType.File : StorageType.Memory,
    num_replicas: replicas ?? (connection.info?.cluster === undefined ? 1 : 3),
    max_msgs_per_subject: history,
    max_bytes: maxBytes === Infinity ? -1 : maxBytes,
    discard: DiscardPolicy.New,
    duplicate_window: 120 * second,
    deny_delete: true,
    deny_purge: true,
    allow_direct: true,
  };
}

/** What removes definitions, or refuses publishes or leaves them without an answer, or mixes in what others publish. */
const harmful = ['max_age', 'max_msgs', 'no_ack', 'sealed', 'discard_new_per_subject', 'mirror', 'sources'] as const;
/** How a server says that a setting is not made. */
const unset: readonly unknown[] = [undefined, false, 0, -1];

const same = ['retention', 'discard', 'deny_delete', 'deny_purge'] as const;

/**
 * Looks at a stream that exists for the settings without which definitions get lost, mixed up or told twice.
 * @throws {NatsDefinitionsError} BUCKET_UNFIT
 */
export function checkFit(info: StreamInfo, wanted: BucketConfig, replicas: number | undefined): void {
  const is: Partial<StreamConfig> = info.config;
  const unfit = (setting: string, value: unknown, must: unknown) =>
    new NatsDefinitionsError(
      'BUCKET_UNFIT',
      `stream ${wanted.name} exists with ${setting} ${JSON.stringify(value)}, and must have ${JSON.stringify(must)}`,
    );
  for (const setting of harmful) if (!unset.includes(is[setting])) throw unfit(setting, is[setting], 'none');
  for (const setting of same) if (is[setting] !== wanted[setting]) throw unfit(setting, is[setting], wanted[setting]);
  const history = is.max_msgs_per_subject ?? -1;
  if (history < 1) throw unfit('max_msgs_per_subject', history, 'a limit');
  if (is.subjects?.join() !== wanted.subjects.join()) throw unfit('subjects', is.subjects, wanted.subjects);
  const window = is.duplicate_window ?? 0;
  if (window < wanted.duplicate_window) throw unfit('duplicate_window', window, wanted.duplicate_window);
  if (replicas !== undefined && is.num_replicas !== replicas) throw unfit('num_replicas', is.num_replicas, replicas);
}
