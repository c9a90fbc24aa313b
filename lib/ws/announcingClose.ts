import type { WebSocket } from 'ws';

/**
 * `ws` answers a client's Close by itself, and tells of it only when the socket is closed, which may take long. This one emits
 * `closing` as soon as a Close goes out, whoever began.
 */
export function announcingClose(Base: typeof WebSocket): typeof WebSocket {
  return class extends Base {
    override close(code?: number, data?: string | Buffer): void {
      super.close(code, data);
      this.emit('closing');
    }
  };
}
