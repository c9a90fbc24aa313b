import type { WebSocket } from 'ws';

/**
 * `ws` hears a client's Close by itself, and tells of it only when the socket is closed, which may take long. This one emits `closing`
 * whenever it is told to close: by `ws`, when a Close or a bad frame has come, and by others.
 */
export function announcingClose(Base: typeof WebSocket): typeof WebSocket {
  return class extends Base {
    override close(code?: number, data?: string | Buffer): void {
      super.close(code, data);
      this.emit('closing');
    }
  };
}
