import { byteAt } from './bytes.js';
import { encodeDefinitionSync, readDefinitionSync } from './definitionSync.js';
import { bool, listOf, mapOf, str, strOrNull, u16, u64 } from './fields.js';
import { type FrameLimits, frameEnd, frameLimit, HEADER_BYTES } from './frame.js';
import type { MessageKind, MessageOf, SyncMessages } from './messages.js';
import { packFrame } from './pack.js';
import { Reader } from './reader.js';
import { resyncReason } from './resyncReason.js';
import { type Fields, struct } from './struct.js';
import { SyncMessageType } from './syncMessageType.js';
import { asUnencodable, unencodable } from './unencodable.js';

interface Codec<K extends MessageKind> {
  /** @throws {WireError} UNENCODABLE */
  readonly encode: (message: SyncMessages[K]) => Uint8Array;
  /** @throws {WireError} BAD_BODY */
  readonly read: (reader: Reader) => SyncMessages[K];
}

function codec<K extends MessageKind>(kind: K, fields: Fields<SyncMessages[K]>): Codec<K> {
  const { pack, read } = struct<SyncMessages[K]>(kind, fields);
  const encode = (message: SyncMessages[K]): Uint8Array => {
    try {
      return packFrame(SyncMessageType[kind], pack(message));
    } catch (error) {
      throw asUnencodable(kind, error);
    }
  };
  return { encode, read };
}

const codecs: { readonly [K in MessageKind]: Codec<K> } = {
  Handshake: codec('Handshake', {
    jwtToken: str,
    vectorClock: mapOf(mapOf(u64)),
    subscribedShapes: listOf(str),
    clientVersion: str,
    liteId: str,
    epoch: u64,
    wireVersion: u16,
  }),
  HandshakeAck: codec('HandshakeAck', {
    success: bool,
    sessionId: str,
    serverClock: mapOf(u64),
    error: strOrNull,
    forkDetected: bool,
    serverWireVersion: u16,
  }),
  DefinitionSync: { encode: encodeDefinitionSync, read: readDefinitionSync },
  ResyncRequest: codec('ResyncRequest', { reason: resyncReason, fromMutationId: u64, collection: str }),
  Throttle: codec('Throttle', { throttle: bool, queueDepth: u64, suggestedRate: u64 }),
  TokenRefresh: codec('TokenRefresh', { newToken: str }),
  TokenRefreshAck: codec('TokenRefreshAck', { success: bool, error: strOrNull, expiresInSecs: u64 }),
  PingPong: codec('PingPong', { timestampMs: u64, isPong: bool }),
};

const kinds = Object.keys(codecs) as readonly MessageKind[];
const kindOfType: ReadonlyMap<number, MessageKind> = new Map(kinds.map((kind) => [SyncMessageType[kind], kind]));

/**
 * The whole frame of a message, in a buffer of exactly its own size.
 * @throws {WireError} UNENCODABLE, naming the field, the rule and the value: an unknown kind, a missing field or one of
 * the wrong type, a lone surrogate, a u64 or u16 out of its range
 */
export function encodeMessage<K extends MessageKind>(kind: K, message: SyncMessages[K]): Uint8Array {
  if (kinds.includes(kind)) return codecs[kind].encode(message);
  throw unencodable('kind', `one of ${kinds.join(', ')}`, kind);
}

/**
 * Takes any frame apart. Bytes after the frame, or inside the body after the value, are ignored.
 * @returns `undefined` for a known type that this library does not speak, whatever its body: a receiver skips it
 * @throws {WireError} as `decodeFrame` does, then BAD_BODY, naming the field and what was found
 * @throws {FanoutError} BAD_OPTION as `decodeFrame` does
 */
export function decodeMessage(bytes: Uint8Array, limits?: FrameLimits): MessageOf | undefined {
  const end = frameEnd(bytes, frameLimit(limits));
  const kind = kindOfType.get(byteAt(bytes, 0));
  if (kind === undefined) return undefined;
  return { kind, message: codecs[kind].read(new Reader(bytes, HEADER_BYTES, end)) } as MessageOf;
}
