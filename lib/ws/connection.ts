import { decodeMessage, encodeMessage, type Handshake, type MessageOf } from '../wire/index.js';
import { admit, judge, type Admission, type Doorkeeper } from './admission.js';
import { CloseCode } from './closeCode.js';
import { Deadline } from './deadline.js';
import { EarlyMessages } from './earlyMessages.js';
import { Fault, socketFault, wireFault } from './fault.js';
import { IdleTimer } from './idleTimer.js';
import { Outbox } from './outbox.js';
import { Pongs } from './pongs.js';
import { ServedSession, type SessionTransport } from './servedSession.js';
import { Opcode } from './webSocketFrame.js';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ServerSettings } from './serverOptions.js';
import type { ServerCount } from './serverStats.js';

/** What a connection needs of its server. */
export interface ConnectionHost extends Doorkeeper {
  readonly settings: ServerSettings;
  count(what: ServerCount): void;
  letIn(session: ServedSession): void;
  /** The session is over; its socket may still be closing. */
  left(session: ServedSession): void;
  /** The socket is closed. */
  gone(connection: Connection): void;
}

/** How long a client may take to answer a close, ms. */
const CLOSE_TIMEOUT = 2_000;

/** One socket, from the upgrade to its end: first a handshake, then a session. */
export class Connection implements SessionTransport {
  readonly settings: ServerSettings;
  readonly outbox: Outbox;
  readonly pongs: Pongs;
  #phase: 'handshake' | 'deciding' | 'open' | 'closing' = 'handshake';
  #session: ServedSession | undefined;
  /** What came while the handshake was being decided on. */
  readonly #early: EarlyMessages;
  #graceful = false;
  /** A Close is being sent that the client is to answer. */
  #isAsking = false;
  /** Of the handshake first, then of closing. */
  readonly #deadline = new Deadline();
  readonly #idle = new IdleTimer(
    () => this.outbox.send(encodeMessage('PingPong', { timestampMs: BigInt(Date.now()), isPong: false })),
    () => this.fail(Fault.idle),
  );

  constructor(
    private readonly host: ConnectionHost,
    private readonly webSocket: WebSocket,
    socket: Duplex,
    readonly request: IncomingMessage,
  ) {
    this.settings = host.settings;
    const { highWaterMark, handshakeTimeout, maxFrameBytes } = this.settings.limits;
    this.#early = new EarlyMessages(maxFrameBytes);
    this.outbox = new Outbox(socket, highWaterMark);
    const isReplaying = () => this.#session?.registration.replaying === true;
    this.pongs = new Pongs(this.outbox, isReplaying, () => {
      this.count('pingsDropped');
    });
    this.#deadline.set(handshakeTimeout, () => this.fail(Fault.handshakeTimeout));
    // Whatever comes is life: a piece of a message too, and a message that came long ago and is heard only now.
    const heard = (): void => this.#idle.heard();
    socket.on('data', heard);
    for (const event of ['message', 'ping', 'pong'] as const) this.webSocket.on(event, heard);
    // ws tells of its end after all that came before it.
    socket.on('close', this.#gone);
    this.#listen();
  }

  count(what: ServerCount): void {
    this.host.count(what);
  }

  /** Delivers what waits, then closes with 1001; a client that is not let in yet is closed at once. */
  finish(): void {
    this.#graceful = true;
    if (this.#session === undefined) this.close(CloseCode.shuttingDown);
    else this.#session.registration.finish();
  }

  fail({ code, counted }: Fault): void {
    if (this.#phase === 'closing') return;
    this.count(counted);
    this.close(code);
  }

  close(code: CloseCode): void {
    if (!this.#stop()) return;
    // ws has closed by itself when the client broke the rules of WebSocket: nothing may follow a close.
    if (this.webSocket.readyState === this.webSocket.OPEN) this.outbox.flush();
    this.outbox.close();
    // The last frames may lie in the socket still: who is slow to take them, and then the Close, is no client that does not answer.
    const isSlow = code === CloseCode.shuttingDown && this.outbox.queued > 0;
    const patience = isSlow ? this.settings.limits.idleTimeout : CLOSE_TIMEOUT;
    this.#isAsking = true;
    this.webSocket.close(code);
    this.#isAsking = false;
    if (!this.#graceful) this.#deadline.set(patience, () => this.webSocket.terminate());
  }

  terminate(): void {
    this.#stop();
    this.outbox.close();
    this.webSocket.terminate();
  }

  /** A Close of the client, or its answer to ours: nothing can be sent any more, whether it hangs up or not. */
  #closeCame(): void {
    this.#stop();
    this.outbox.close();
    this.#deadline.set(CLOSE_TIMEOUT, () => this.webSocket.terminate());
  }

  #listen(): void {
    this.webSocket.on('message', (data: Buffer, isBinary) => {
      this.#received(data, isBinary);
    });
    this.webSocket.on('ping', (data) => {
      this.pongs.answer(new Uint8Array(data), Opcode.pong);
    });
    // ws has answered bad frames with the right code by now; a broken socket is closed without one.
    this.webSocket.on('error', (error) => {
      const fault = socketFault(error);
      if (fault === undefined) this.terminate();
      else this.fail(fault);
    });
    this.webSocket.on('close', this.#gone);
    // Behind the error that ws tells of when it was a bad frame that came.
    this.webSocket.on('closing', () => {
      if (!this.#isAsking) queueMicrotask(() => this.#closeCame());
    });
  }

  readonly #gone = (): void => {
    this.#stop();
    this.outbox.close();
    this.#deadline.clear();
    this.host.gone(this);
  };

  /** Ends what this connection is for; `false`: that has happened. */
  #stop(): boolean {
    if (this.#phase === 'closing') return false;
    this.#phase = 'closing';
    this.#deadline.clear();
    this.#idle.stop();
    this.#early.takeAll();
    if (this.#session === undefined) return true;
    this.#session.end();
    this.host.left(this.#session);
    return true;
  }

  #received(data: Buffer, isBinary: boolean): void {
    if (this.#phase === 'closing') return;
    if (!isBinary) this.fail(Fault.textMessage);
    else if (this.#phase === 'deciding') this.#keepForLater(data);
    else this.#handle(data);
  }

  #keepForLater(data: Buffer): void {
    if (!this.#early.push(data)) this.fail(Fault.tooLarge);
  }

  #handle(data: Uint8Array): void {
    let received: MessageOf | undefined;
    try {
      received = decodeMessage(data, this.settings.limits);
    } catch (error) {
      this.fail(wireFault(error));
      return;
    }
    if (this.#phase === 'handshake') {
      if (received?.kind === 'Handshake') void this.#decide(received.message);
      else this.fail(Fault.protocolError);
    } else if (received !== undefined) {
      this.#session?.received(received);
    }
  }

  async #decide(handshake: Handshake): Promise<void> {
    this.#phase = 'deciding';
    const verdict = await judge(this.settings, handshake.jwtToken, this.request);
    // The epoch of a client that has gone meanwhile was never seen: it may come back with it.
    if (this.#isClosing()) return;
    const admission = admit(this.host, handshake, verdict);
    if (admission.type === 'accepted') {
      this.#open(admission);
      return;
    }
    if ('ack' in admission) this.outbox.send(admission.ack);
    this.fail(Fault[admission.type]);
  }

  #isClosing(): boolean {
    return this.#phase === 'closing';
  }

  #open({ ack, identity, sessionId }: Admission & { type: 'accepted' }): void {
    this.#phase = 'open';
    this.#deadline.clear();
    this.#idle.start(this.settings.limits.idleTimeout);
    this.count('accepted');
    const session = new ServedSession(this, sessionId, identity);
    this.#session = session;
    this.host.letIn(session);
    this.outbox.send(ack);
    session.begin();
    for (const data of this.#early.takeAll()) if (!this.#isClosing()) this.#handle(data);
  }
}
