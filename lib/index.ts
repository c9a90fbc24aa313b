export { definitionKey } from './definition.js';
export type { DefinitionFrame, DefinitionScope, DefinitionSyncMsg } from './definition.js';

export {
  SyncMessageType,
  decodeDefinitionSync,
  decodeFrame,
  decodeMessage,
  encodeDefinitionSync,
  encodeFrame,
  encodeMessage,
} from './wire/index.js';
export type {
  FrameLimits,
  Handshake,
  HandshakeAck,
  MessageKind,
  MessageOf,
  PingPong,
  ResyncReason,
  ResyncRequest,
  SyncFrame,
  SyncMessages,
  Throttle,
  TokenRefresh,
  TokenRefreshAck,
} from './wire/index.js';

export { boundedBuffer, encodeOnce, splitFrames } from './operators/index.js';
export type { BoundedBufferOptions, EncodeOnceOptions } from './operators/index.js';

export { DefinitionSyncFanout } from './fanout/fanout.js';
export type { FanoutOptions } from './fanout/fanoutOptions.js';
export type { SessionOptions } from './fanout/sessionOptions.js';
export type { OverflowStrategy } from './bufferedDelivery.js';
export type { FanoutStats, SessionStats } from './fanout/totals.js';
export type { EndReason, FanoutEvent } from './fanout/events.js';
export type { DefinitionReceiver } from './fanout/receiver.js';
export { DefinitionCatalog, rememberIn } from './fanout/catalog.js';
export type { CatalogOptions } from './fanout/catalog.js';

export { FanoutError, WireError } from './errors.js';
export type { FanoutErrorCode, WireErrorCode } from './errors.js';
export type { Logger } from './log.js';
