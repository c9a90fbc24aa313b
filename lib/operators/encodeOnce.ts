import { Observable } from 'rxjs';
import { WireError } from '../errors.js';
import { guarded, reportUnhandled } from '../unhandled.js';
import { functionOption, objectOption, sequenceOption } from '../options.js';
import { frameOf } from '../wire/encoded.js';
import { subscribeChained } from '../subscribeChained.js';
import type { OperatorFunction } from 'rxjs';
import type { DefinitionFrame, DefinitionSyncMsg } from '../definition.js';

export interface EncodeOnceOptions {
  /**
   * Called for each message that cannot be encoded, in place of a frame. What it throws goes to `config.onUnhandledError`.
   * Default: the error itself goes there, which ends a Node process unless you have set that hook.
   */
  readonly onFailure?: ((error: WireError, msg: DefinitionSyncMsg) => void) | undefined;
  /** The number of the last frame before the first: a whole number of 0 or more; default 0. */
  readonly after?: number | undefined;
}

/**
 * Turns messages into numbered wire frames; share what it gives and each message is encoded once for all.
 *
 *     source   -a-b-c-|    b cannot be encoded
 *     result   -1---2-|    and takes no number
 *
 * - A message that cannot be encoded is skipped: whatever it changed has been committed, and the next must go out.
 * - A message that came already encoded (from another node) keeps its bytes.
 * - Numbers are counted per subscription: 1, 2, 3 ...
 * @throws {FanoutError} BAD_OPTION at call time, naming the rule and the value.
 */
export function encodeOnce(options: EncodeOnceOptions = {}): OperatorFunction<DefinitionSyncMsg, DefinitionFrame> {
  const { onFailure = reportUnhandled, after = 0 } = objectOption('options', options);
  functionOption('onFailure', onFailure);
  sequenceOption('after', after);

  return (source) =>
    new Observable((subscriber) => {
      let sequence = after;
      subscribeChained(source, subscriber, {
        next: (msg) => {
          const bytes = encode(msg, onFailure);
          if (bytes !== undefined) subscriber.next({ sequence: ++sequence, msg, bytes });
        },
        complete: () => subscriber.complete(),
      });
    });
}

function encode(msg: DefinitionSyncMsg, onFailure: (error: WireError, msg: DefinitionSyncMsg) => void) {
  try {
    return frameOf(msg);
  } catch (cause) {
    guarded(() => onFailure(asWireError(cause), msg));
    return undefined;
  }
}

function asWireError(cause: unknown): WireError {
  if (cause instanceof WireError) return cause;
  return new WireError('UNENCODABLE', 'the message cannot be read', { cause });
}
