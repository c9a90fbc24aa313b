/** Counts of a server; those that are not of now only grow. */
export interface DefinitionServerStats {
  /** WebSockets open now, those that have not been let in included. */
  readonly connections: number;
  /** Clients that are let in now. */
  readonly sessions: number;
  /** Clients that were ever let in. */
  readonly accepted: number;
  /** Upgrades that were no WebSocket, of another path (404), or came while the server was closing. */
  readonly rejectedUpgrades: number;
  /** Tokens refused, at the handshake or at a refresh. */
  readonly refused: number;
  /** Handshakes that could not be decided on (`AuthenticationUnavailable`). */
  readonly undecided: number;
  /** Handshakes of a `lite_id` with an epoch not above the last one seen. */
  readonly forked: number;
  /** Sockets that found `maxSessions` there, or a fan-out that is over. */
  readonly full: number;
  /** Sessions whose token expired. */
  readonly expired: number;
  readonly handshakeTimeouts: number;
  readonly idleTimeouts: number;
  /** Closed with 1002, 1003, and 1009 (1008 for too many fragments). */
  readonly protocolErrors: number;
  readonly textMessages: number;
  readonly tooLarge: number;
  /** Sessions that failed, by overflow `error` above all. */
  readonly failed: number;
  /** Resyncs asked for. */
  readonly resyncs: number;
  /** Throttle messages; they are counted, and change nothing: the socket itself tells how fast a client is. */
  readonly throttles: number;
  /** Pings that were not answered, since newer ones took their place. */
  readonly pingsDropped: number;
}

/** The counts that only grow. */
export type ServerCount = Exclude<keyof DefinitionServerStats, 'connections' | 'sessions'>;

export function newCounts(): Record<ServerCount, number> {
  return {
    accepted: 0,
    rejectedUpgrades: 0,
    refused: 0,
    undecided: 0,
    forked: 0,
    full: 0,
    expired: 0,
    handshakeTimeouts: 0,
    idleTimeouts: 0,
    protocolErrors: 0,
    textMessages: 0,
    tooLarge: 0,
    failed: 0,
    resyncs: 0,
    throttles: 0,
    pingsDropped: 0,
  };
}
