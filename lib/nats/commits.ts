import type { JsMsg } from '@nats-io/jetstream';
import { type Observable, defer, filter, map } from 'rxjs';
import type { DefinitionSyncMsg } from '../definition.js';
import type { Logger } from '../log.js';
import { decodeDefinitionSync } from '../wire/definitionSync.js';
import { rememberEncoding } from '../wire/encoded.js';
import { decodeFrame, HEADER_BYTES } from '../wire/frame.js';
import type { Bucket } from './bucket.js';
import { followStream } from './followStream.js';
import { definitionOf, keyOf, leaderKey } from './key.js';

export interface CommitsOptions {
  /**
   * Revision to start after, as a `position` that was told; 0n: all that the bucket keeps. Default: the last message of every definition,
   * then what is published.
   */
  readonly after?: bigint | undefined;
  /**
   * Called once per subscription, when everything that the bucket held at its start has been emitted (an operator that takes
   * its time, such as `concatMap`, may still hold some of it); a throw ends it.
   */
  readonly onCaughtUp?: ((revision: bigint) => void) | undefined;
}

/** How many entries that are no definitions one subscription logs. */
const mostWarnings = 10;

/** The definitions among the bucket's messages; anything else under its subjects is skipped with a warning. */
export function commitsOf(bucket: Bucket, logger: Logger, options: CommitsOptions): Observable<DefinitionSyncMsg> {
  const { after, onCaughtUp } = options;
  return defer(() => {
    let warnings = 0;
    const entries$ = followStream(bucket, {
      after: after === undefined ? undefined : Number(after),
      onCaughtUp:
        onCaughtUp &&
        ((revision) => {
          onCaughtUp(BigInt(revision));
        }),
    });
    return entries$.pipe(
      map((msg) => {
        const commit = commitOf(msg, bucket);
        if (typeof commit !== 'string') return commit;
        const { streamSequence: revision } = msg.info;
        const entry = { bucket: bucket.name, subject: msg.subject.slice(0, 80), revision, why: commit };
        if ((warnings += 1) <= mostWarnings) logger.warn('an entry that is no definition is skipped', entry);
        return undefined;
      }),
      filter((commit) => commit !== undefined),
    );
  });
}

/** The definition in an entry; `undefined` for a leader's fence; a text that says why it is neither. */
function commitOf(msg: JsMsg, bucket: Bucket): DefinitionSyncMsg | string | undefined {
  const key = msg.subject.slice(bucket.prefix.length);
  if (key === leaderKey) return undefined;
  const id = definitionOf(key);
  if (id === undefined) return 'the key names no definition';
  const position = BigInt(msg.info.streamSequence);
  // Other tools delete a key by a marker without a value; the key alone says which definition it was.
  if (msg.headers?.has('KV-Operation') === true)
    return { ...id, action: 'delete', payload: new Uint8Array(), position };
  try {
    const bytes = new Uint8Array(msg.data); // its own buffer: the client's is a piece of what the socket read
    const commit = { ...decodeDefinitionSync(bytes), position };
    if (keyOf(commit) !== key) return 'the value is of another definition';
    if (HEADER_BYTES + decodeFrame(bytes).body.length === bytes.length) rememberEncoding(commit, bytes);
    return commit;
  } catch (error) {
    return String(error);
  }
}
