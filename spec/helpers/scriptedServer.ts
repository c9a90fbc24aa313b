import { decodeMessage, encodeDefinitionSync, encodeMessage } from 'ddl-fanout/wire';
import type { DefinitionSyncMsg, MessageKind, MessageOf, SyncMessages } from 'ddl-fanout/wire';
import type { LiteSocketEvent, LiteWebSocket, WebSocketConstructor } from 'ddl-fanout/lite';

type Listener = (event: LiteSocketEvent) => void;

/** A socket of a device whose other end is played by the spec; nothing happens that the spec does not do. */
export class ScriptedSocket implements LiteWebSocket {
  binaryType = 'blob';
  readyState = 1;
  bufferedAmount = 0;
  /** What the device has sent, decoded. */
  readonly sent: MessageOf[] = [];
  ended: 'closed' | 'terminated' | undefined;
  paused = false;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(readonly url: string) {}

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(data: Uint8Array): void {
    const message = decodeMessage(data);
    if (message !== undefined) this.sent.push(message);
  }

  close(): void {
    this.ended ??= 'closed';
  }

  terminate(): void {
    this.ended ??= 'terminated';
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** The messages of one kind that the device has sent. */
  of<K extends MessageKind>(kind: K): SyncMessages[K][] {
    return this.sent.filter((sent) => sent.kind === kind).map(({ message }) => message as SyncMessages[K]);
  }

  open(): void {
    this.#tell('open', {});
  }

  receive<K extends MessageKind>(kind: K, message: SyncMessages[K]): void {
    this.receiveBytes(encodeMessage(kind, message));
  }

  receiveBytes(bytes: Uint8Array): void {
    this.receiveData(bytes.slice().buffer);
  }

  receiveData(data: unknown): void {
    this.#tell('message', { data });
  }

  define(...msgs: DefinitionSyncMsg[]): void {
    for (const msg of msgs) this.receiveBytes(encodeDefinitionSync(msg));
  }

  accept(): void {
    this.receive('HandshakeAck', answer(null, false));
  }

  refuse(error = 'invalid token', forkDetected = false): void {
    this.receive('HandshakeAck', answer(error, forkDetected));
  }

  /** Answers the last ping. */
  pong(): void {
    const { timestampMs } = this.of('PingPong')
      .filter(({ isPong }) => !isPong)
      .at(-1) ?? { timestampMs: 0n };
    this.receive('PingPong', { timestampMs, isPong: true });
  }

  drop(code = 1006): void {
    this.#tell('close', { code });
  }

  /** Fails, and says no more: so does the WebSocket of Node 22. */
  failToConnect(error: unknown): void {
    this.#tell('error', { error });
  }

  /** Fails, and closes. */
  break(error: unknown): void {
    this.#tell('error', { error });
    this.drop();
  }

  #tell(type: string, event: Omit<LiteSocketEvent, 'type'>): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ type, ...event });
  }
}

function answer(error: string | null, forkDetected: boolean): SyncMessages['HandshakeAck'] {
  const success = error === null;
  return { success, sessionId: 's', serverClock: new Map(), error, forkDetected, serverWireVersion: 1 };
}

/** A WebSocket class whose sockets the spec plays the server to. */
export function scriptedServer(): {
  WebSocket: WebSocketConstructor;
  sockets: ScriptedSocket[];
  last: () => ScriptedSocket;
} {
  const sockets: ScriptedSocket[] = [];
  class Socket extends ScriptedSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  }
  const last = (): ScriptedSocket => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  };
  return { WebSocket: Socket, sockets, last };
}
