/** How the server closes a WebSocket. */
export const CloseCode = {
  /** The server, or its fan-out, is shutting down; or this session was unregistered. */
  shuttingDown: 1001,
  protocolError: 1002,
  textMessage: 1003,
  /** The token was refused or has expired; or the client was too slow to shake hands, or silent for too long. */
  refused: 1008,
  tooLarge: 1009,
  /** The server is full or cannot check tokens now; or the session failed (overflow `error`). */
  tryAgainLater: 1013,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];
