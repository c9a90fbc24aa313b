import { encodeDefinitionSync } from './definitionSync.js';
import type { DefinitionSyncMsg } from '../definition.js';

const frames = new WeakMap<DefinitionSyncMsg, Uint8Array>();

/**
 * Remembers the wire frame of a message that came from a source already encoded, for as long as the message lives.
 * @param bytes the whole frame, in a buffer of its own size; never written to from here on
 */
export function rememberEncoding(msg: DefinitionSyncMsg, bytes: Uint8Array): void {
  frames.set(msg, bytes);
}

/**
 * The wire frame of a message: the one that `rememberEncoding` was given for this very object, or a new one.
 * @throws {WireError} UNENCODABLE
 */
export function frameOf(msg: DefinitionSyncMsg): Uint8Array {
  return frames.get(msg) ?? encodeDefinitionSync(msg);
}
