export { WireError } from '../errors.js';
export type { WireErrorCode } from '../errors.js';
export type { DefinitionScope, DefinitionSyncMsg } from '../definition.js';
export { SyncMessageType } from './syncMessageType.js';
export { decodeFrame, encodeFrame } from './frame.js';
export type { FrameLimits, SyncFrame } from './frame.js';
export { decodeDefinitionSync, encodeDefinitionSync } from './definitionSync.js';
export { decodeMessage, encodeMessage } from './messageCodec.js';
export type {
  Handshake,
  HandshakeAck,
  MessageKind,
  MessageOf,
  PingPong,
  ResyncReason,
  ResyncRequest,
  SyncMessages,
  Throttle,
  TokenRefresh,
  TokenRefreshAck,
} from './messages.js';
