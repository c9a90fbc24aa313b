import type { DefinitionSyncMsg } from '../definition.js';

/** A client's first message. */
export interface Handshake {
  readonly jwtToken: string;
  /** By collection and document, the last u64 seen. */
  readonly vectorClock: ReadonlyMap<string, ReadonlyMap<string, bigint>>;
  readonly subscribedShapes: readonly string[];
  readonly clientVersion: string;
  /** Empty for a client that has none. */
  readonly liteId: string;
  /** u64; rises with every start of a device. */
  readonly epoch: bigint;
  /** u16; 0 is a legacy client, of version 1. */
  readonly wireVersion: number;
}

/** The server's answer to a Handshake. */
export interface HandshakeAck {
  readonly success: boolean;
  readonly sessionId: string;
  /** By collection, a u64. */
  readonly serverClock: ReadonlyMap<string, bigint>;
  /** Why not, or `null`. */
  readonly error: string | null;
  /** Whether the device's epoch is not above the last one seen. */
  readonly forkDetected: boolean;
  /** u16. */
  readonly serverWireVersion: number;
}

/** A new token, before the old one expires. */
export interface TokenRefresh {
  readonly newToken: string;
}

/** The server's answer to a TokenRefresh. */
export interface TokenRefreshAck {
  readonly success: boolean;
  /** Why not, or `null`. */
  readonly error: string | null;
  /** u64, seconds. */
  readonly expiresInSecs: bigint;
}

/** Why a peer asks for what it missed; every id is a u64. */
export type ResyncReason =
  | { readonly type: 'SequenceGap'; readonly expected: bigint; readonly received: bigint }
  | { readonly type: 'ChecksumMismatch'; readonly mutationId: bigint }
  | { readonly type: 'CorruptedState' };

/** Asks the other side to send again. */
export interface ResyncRequest {
  readonly reason: ResyncReason;
  /** u64; 0 asks for everything. */
  readonly fromMutationId: bigint;
  /** Empty asks for all collections. */
  readonly collection: string;
}

/** A client that falls behind, or has caught up. */
export interface Throttle {
  readonly throttle: boolean;
  /** u64, messages that wait. */
  readonly queueDepth: bigint;
  /** u64, messages a second. */
  readonly suggestedRate: bigint;
}

/** Keepalive; the answer has the same timestamp. */
export interface PingPong {
  /** u64, epoch milliseconds. */
  readonly timestampMs: bigint;
  readonly isPong: boolean;
}

/** Every message that this library speaks, by kind. */
export interface SyncMessages {
  readonly Handshake: Handshake;
  readonly HandshakeAck: HandshakeAck;
  readonly DefinitionSync: DefinitionSyncMsg;
  readonly ResyncRequest: ResyncRequest;
  readonly Throttle: Throttle;
  readonly TokenRefresh: TokenRefresh;
  readonly TokenRefreshAck: TokenRefreshAck;
  readonly PingPong: PingPong;
}

export type MessageKind = keyof SyncMessages;

/** A message with its kind, of which a `switch` tells the message's type. */
export type MessageOf<K extends MessageKind = MessageKind> = {
  [Kind in K]: { readonly kind: Kind; readonly message: SyncMessages[Kind] };
}[K];
