import { decodeMessage, encodeMessage, type MessageKind, type MessageOf, type SyncMessages } from 'ddl-fanout/wire';
import { filter, fromEvent, map, share, takeUntil, type Observable } from 'rxjs';
import type { MessageEvent, WebSocket } from 'ws';

/** The messages that come in on a socket until it closes; errors on bytes that are none. */
export function messagesOf(socket: WebSocket): Observable<MessageOf> {
  return fromEvent(socket, 'message').pipe(
    map((event) => decodeMessage((event as MessageEvent).data as Buffer)),
    filter((message) => message !== undefined),
    takeUntil(fromEvent(socket, 'close')),
    share(),
  );
}

export const isKind =
  <K extends MessageKind>(kind: K) =>
  (message: MessageOf): message is Extract<MessageOf, { kind: K }> =>
    message.kind === kind;

/** A socket that closes meanwhile sends nothing; its session ends with it. */
export function send<K extends MessageKind>(socket: WebSocket, kind: K, message: SyncMessages[K]): void {
  socket.send(encodeMessage(kind, message), () => undefined);
}
