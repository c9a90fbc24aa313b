/** The type byte of every frame that the protocol knows. */
export const SyncMessageType = {
  /** Client to server. */
  Handshake: 0x01,
  HandshakeAck: 0x02,
  DeltaPush: 0x10,
  DeltaAck: 0x11,
  DeltaReject: 0x12,
  CollectionPurged: 0x14,
  ShapeSubscribe: 0x20,
  ShapeSnapshot: 0x21,
  ShapeDelta: 0x22,
  ShapeUnsubscribe: 0x23,
  VectorClockSync: 0x30,
  TimeseriesPush: 0x40,
  TimeseriesAck: 0x41,
  /** Both ways. */
  ResyncRequest: 0x50,
  /** Client to server. */
  Throttle: 0x52,
  TokenRefresh: 0x60,
  TokenRefreshAck: 0x61,
  /** Server to client. */
  DefinitionSync: 0x70,
  PresenceUpdate: 0x80,
  PresenceBroadcast: 0x81,
  PresenceLeave: 0x82,
  ArrayDelta: 0x90,
  ArrayDeltaBatch: 0x91,
  ArraySnapshot: 0x92,
  ArraySnapshotChunk: 0x93,
  ArraySchema: 0x94,
  ArrayAck: 0x95,
  ArrayReject: 0x96,
  ArrayCatchupRequest: 0x97,
  /** Both ways. */
  PingPong: 0xff,
} as const;

export type SyncMessageType = (typeof SyncMessageType)[keyof typeof SyncMessageType];

const known: ReadonlySet<number> = new Set(Object.values(SyncMessageType));

/** Whether the protocol knows this type byte. */
export function isKnownType(type: number): type is SyncMessageType {
  return known.has(type);
}
