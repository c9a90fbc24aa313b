import {
  decodeMessage,
  encodeMessage,
  WireError,
  type MessageKind,
  type MessageOf,
  type SyncMessages,
} from '../wire/index.js';
import { guarded } from '../unhandled.js';
import { LiteError, type LiteErrorCode } from './liteError.js';
import type { LiteSocketEvent, LiteWebSocket, UnsharedBytes, WebSocketConstructor } from './webSocketLike.js';

/** What a `LiteSocket` tells; nothing any more after `failed` and `end`. */
export interface LiteSocketListener {
  opened(): void;
  received(message: MessageOf): void;
  failed(error: LiteError): void;
}

const CONNECTING = 0;
/** How long the server may take to answer a close, ms. */
const CLOSE_TIMEOUT = 2_000;

/** A WebSocket in terms of the wire's messages. */
export class LiteSocket {
  #socket: LiteWebSocket | undefined;
  /** What the socket said of its failure, before it closed; a browser's says nothing. */
  #cause: unknown;
  #over = false;

  constructor(private readonly listener: LiteSocketListener) {}

  /** Bytes that wait to be sent. */
  get unsent(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  open(WebSocket: WebSocketConstructor, url: string): void {
    try {
      const socket = new WebSocket(url);
      this.#socket = socket;
      socket.binaryType = 'arraybuffer';
      socket.addEventListener('open', this.#guard(this.#opened));
      socket.addEventListener('message', this.#guard(this.#received));
      socket.addEventListener('close', this.#guard(this.#closed));
      socket.addEventListener('error', this.#failed);
    } catch (error) {
      this.fail('LOST', 'the socket cannot be opened', error);
    }
  }

  send<K extends MessageKind>(kind: K, message: SyncMessages[K]): void {
    this.#attempt(() => this.#socket?.send(encodeMessage(kind, message) as UnsharedBytes));
  }

  pause(): void {
    this.#attempt(() => this.#socket?.pause?.());
  }

  resume(): void {
    this.#attempt(() => this.#socket?.resume?.());
  }

  fail(code: LiteErrorCode, message: string, cause?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const socket = this.#socket;
    guarded(() => {
      // A peer that is lost may never answer a close.
      if (socket?.terminate === undefined) socket?.close();
      else socket.terminate();
    });
    this.listener.failed(new LiteError(code, message, cause === undefined ? undefined : { cause }));
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.resume();
    const socket = this.#socket;
    guarded(() => socket?.close());
    if (socket?.terminate === undefined) return;
    // A peer that does not answer must not keep the process alive.
    const late = setTimeout(() => guarded(() => socket.terminate?.()), CLOSE_TIMEOUT);
    (late as { unref?: () => void }).unref?.();
    socket.addEventListener('close', () => clearTimeout(late));
  }

  /** What the socket throws ends the session, whoever wanted something of it. */
  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fail('LOST', 'the socket failed', error);
    }
  }

  readonly #opened = (): void => {
    this.listener.opened();
  };

  readonly #received = ({ data }: LiteSocketEvent): void => {
    if (typeof data === 'string') {
      this.fail('PROTOCOL', 'the server sent a text message');
      return;
    }
    const message = decodeMessage(new Uint8Array(data as ArrayBuffer));
    if (message !== undefined) this.listener.received(message);
  };

  /** A close follows, but for Node 22's own WebSocket when it cannot connect. */
  readonly #failed = ({ error }: LiteSocketEvent): void => {
    this.#cause ??= error;
    setTimeout(() => {
      if (this.#socket?.readyState === CONNECTING) this.#closed({ type: 'close' });
    });
  };

  readonly #closed = ({ code }: LiteSocketEvent): void => {
    const { message = '', code: why = '' } = (this.#cause ?? {}) as { message?: string; code?: string };
    const said = message || why;
    this.fail('LOST', `the socket was closed, code ${code ?? 1006}${said && `: ${said}`}`, this.#cause);
  };

  /** What a listener throws ends the session, not the process. */
  #guard(listener: (event: LiteSocketEvent) => void): (event: LiteSocketEvent) => void {
    return (event) => {
      if (this.#over) return;
      try {
        listener(event);
      } catch (error) {
        if (error instanceof WireError) this.fail('PROTOCOL', 'the server sent what is no frame', error);
        else this.fail('LOST', 'the socket failed', error);
      }
    };
  }
}
