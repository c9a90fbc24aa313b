import type { DefinitionSyncMsg } from '../definition.js';
import { encodeDefinitionSync, readDefinitionSync } from './definitionSync.js';
import { bool, type Field, listOf, mapOf, str, strOrNull, u16, u64 } from './fields.js';
import { type FrameLimits, frameLimit, readBody, type SyncFrame } from './frame.js';
import type { MessageKind, MessageOf, SyncMessages } from './messages.js';
import { packFrame } from './pack.js';
import { Reader } from './reader.js';
import { resyncReason } from './resyncReason.js';
import { type Struct, struct } from './struct.js';
import { SyncMessageType } from './syncMessageType.js';
import { asUnencodable, unencodable } from './unencodable.js';

type Body<K extends MessageKind> = K extends 'DefinitionSync'
  ? Pick<Field<SyncMessages[K]>, 'read'>
  : Struct<SyncMessages[K]>;

/** How each body is read, and packed; a DefinitionSync, of which there are so many, has code of its own for either. */
const bodies: { readonly [K in MessageKind]: Body<K> } = {
  Handshake: struct({
    jwtToken: str,
    vectorClock: mapOf(mapOf(u64)),
    subscribedShapes: listOf(str),
    clientVersion: str,
    liteId: str,
    epoch: u64,
    wireVersion: u16,
  }),
  HandshakeAck: struct({
    success: bool,
    sessionId: str,
    serverClock: mapOf(u64),
    error: strOrNull,
    forkDetected: bool,
    serverWireVersion: u16,
  }),
  DefinitionSync: { read: readDefinitionSync },
  ResyncRequest: struct({ reason: resyncReason, fromMutationId: u64, collection: str }),
  Throttle: struct({ throttle: bool, queueDepth: u64, suggestedRate: u64 }),
  TokenRefresh: struct({ newToken: str }),
  TokenRefreshAck: struct({ success: bool, error: strOrNull, expiresInSecs: u64 }),
  PingPong: struct({ timestampMs: u64, isPong: bool }),
};

const kinds = Object.keys(bodies) as readonly MessageKind[];
const kindOfType: ReadonlyMap<number, MessageKind> = new Map(kinds.map((kind) => [SyncMessageType[kind], kind]));

/**
 * The whole frame of a message, in a buffer of exactly its own size.
 * @throws {WireError} UNENCODABLE, naming the field, the rule and the value: an unknown kind, a missing field or one of
 * the wrong type, a lone surrogate, a u64 or u16 out of its range
 */
export function encodeMessage<K extends MessageKind>(kind: K, message: SyncMessages[K]): Uint8Array {
  if (!kinds.includes(kind)) throw unencodable('kind', `one of ${kinds.join(', ')}`, kind);
  const body: Body<MessageKind> = bodies[kind];
  if (!('pack' in body)) return encodeDefinitionSync(message as DefinitionSyncMsg);
  try {
    return packFrame(SyncMessageType[kind], body.pack(message, kind));
  } catch (error) {
    throw asUnencodable(kind, error);
  }
}

/**
 * Takes any frame apart, whole (its first 5 bytes are the header) or as `splitFrames` gives it. Bytes after the frame, or
 * inside the body after the value, are ignored.
 * @returns `undefined` for a known type that this library does not speak, whatever its body: a receiver skips it
 * @throws {WireError} as `decodeFrame` does, then BAD_BODY, naming the field and what was found
 * @throws {FanoutError} BAD_OPTION as `decodeFrame` does
 */
export function decodeMessage(frame: Uint8Array | SyncFrame, limits?: FrameLimits): MessageOf | undefined {
  return readBody(frame, frameLimit(limits), (type, bytes, start, end) => {
    const kind = kindOfType.get(type);
    if (kind === undefined) return undefined;
    return { kind, message: bodies[kind].read(new Reader(bytes, start, end), kind) } as MessageOf;
  });
}
