import type { DefinitionSyncMsg } from '../definition.js';
import { badOption, objectOption } from '../options.js';
import { frameOf } from '../wire/encoded.js';
import type { Bucket } from './bucket.js';
import { subjectOf } from './key.js';

export interface PublishOptions {
  /**
   * What the message is known by: one with an id that was stored within the last two minutes is not stored again, and
   * resolves with the revision of the first. 1 to 256 visible characters of ASCII; default: an id of its own for every
   * call.
   */
  readonly id?: string | undefined;
}

/**
 * Encodes a message and hands it to `write`.
 * @throws {FanoutError} BAD_OPTION
 * @throws {WireError} UNENCODABLE
 * @throws {NatsDefinitionsError} TOO_LONG, or what `write` throws
 */
export async function publishBy(
  bucket: Bucket,
  msg: DefinitionSyncMsg,
  options: PublishOptions | undefined,
  write: (subject: string, bytes: Uint8Array, id: string | undefined) => Promise<number>,
): Promise<bigint> {
  const id = options === undefined ? undefined : objectOption('options', options).id;
  // An empty one would be no id at all to the client, and one with spaces around it another one to the server.
  if (id !== undefined && !(typeof id === 'string' && /^[!-~]{1,256}$/.test(id)))
    throw badOption('id', '1 to 256 visible characters of ASCII', id);
  const bytes = frameOf(msg); // first: it refuses names that no key could hold
  return BigInt(await write(subjectOf(bucket.prefix, msg), bytes, id));
}
