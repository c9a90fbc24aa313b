/** What this library reads of a WebSocket's events: `data` of a message, `code` of a close, `error` of an error where it tells. */
export interface LiteSocketEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly code?: number | undefined;
  readonly error?: unknown;
}

/**
 * Bytes in a buffer that nobody shares: the only ones that a browser's WebSocket takes. TypeScript says so from version 6 on;
 * before 5.7 it has no `Uint8Array<ArrayBuffer>` to say it with.
 */
export type UnsharedBytes = Uint8Array & { readonly buffer: ArrayBuffer };

/**
 * The part of a WebSocket that a device uses; the browser's, Node's and that of `ws` have it.
 * `pause` and `resume`, where there are any, hold back a peer that sends faster than the device stores; `terminate` lets go
 * of a peer that may be gone.
 */
export interface LiteWebSocket {
  binaryType: string;
  /** 0: connecting. */
  readonly readyState?: number;
  readonly bufferedAmount: number;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: LiteSocketEvent) => void): void;
  send(data: UnsharedBytes): void;
  close(): void;
  terminate?(): void;
  pause?(): void;
  resume?(): void;
}

export type WebSocketConstructor = new (url: string) => LiteWebSocket;

/** The platform's WebSocket: browsers have one, Node from version 22 on. */
export function platformWebSocket(): WebSocketConstructor | undefined {
  return (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
}
