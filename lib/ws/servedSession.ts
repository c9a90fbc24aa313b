import { FanoutError } from '../errors.js';
import { guarded } from '../unhandled.js';
import { encodeMessage, type MessageOf, type PingPong, type TokenRefresh } from '../wire/index.js';
import { judge, REFUSAL } from './admission.js';
import { CloseCode } from './closeCode.js';
import { Expiry } from './expiry.js';
import { Fault } from './fault.js';
import { isSameIdentity, type CheckedIdentity } from './identity.js';
import { Registration, type RegistrationListener } from './registration.js';
import { Opcode } from './webSocketFrame.js';
import type { IncomingMessage } from 'node:http';
import type { Outbox } from './outbox.js';
import type { Pongs } from './pongs.js';
import type { ServerSettings } from './serverOptions.js';
import type { ServerCount } from './serverStats.js';

/** A session's connection. */
export interface SessionTransport {
  readonly settings: ServerSettings;
  readonly outbox: Outbox;
  readonly pongs: Pongs;
  readonly request: IncomingMessage;
  count(what: ServerCount): void;
  fail(fault: Fault): void;
  close(code: CloseCode): void;
}

/** Told to a client whose token has no end, or a later one, seconds: 2^32-1. */
const NO_END = 0xffff_ffff;

/** A client that was let in. */
export class ServedSession implements RegistrationListener {
  readonly registration: Registration;
  #refreshing = false;
  #over = false;
  readonly #expiry = new Expiry(() => {
    this.transport.fail(Fault.expired);
  });

  constructor(
    private readonly transport: SessionTransport,
    readonly sessionId: string,
    private readonly identity: CheckedIdentity,
  ) {
    const { settings, outbox } = transport;
    this.registration = new Registration(sessionId, settings, identity, outbox, this);
  }

  begin(): void {
    const { sessionId, identity } = this;
    const { settings, request } = this.transport;
    this.#expiry.set(identity.expiresAt);
    settings.logger.info('a client is let in', { sessionId, subject: identity.subject });
    this.registration.begin();
    // Whoever reads the log may have closed the server; a fan-out that is over has registered nothing.
    if (!this.#over) guarded(() => settings.onSession?.({ sessionId, identity: identity.given, request }));
  }

  received({ kind, message }: MessageOf): void {
    if (kind === 'PingPong') this.#pinged(message);
    else if (kind === 'ResyncRequest') this.#resync();
    else if (kind === 'TokenRefresh') this.#refresh(message);
    else if (kind === 'Throttle') this.transport.count('throttles');
    else if (kind === 'Handshake') this.transport.fail(Fault.protocolError);
    // What only a server sends is skipped, as is what this library does not speak.
  }

  caughtUp(): void {
    this.registration.caughtUp();
    this.transport.pongs.flush();
  }

  completed(): void {
    this.transport.close(CloseCode.shuttingDown);
  }

  failed(error: unknown): void {
    const isOverflow = error instanceof FanoutError && error.code === 'BUFFER_OVERFLOW';
    const { sessionId, identity } = this;
    const message = isOverflow ? 'a client is too slow' : 'a session failed';
    // At info: the fan-out has warned of it.
    this.transport.settings.logger.info(message, { sessionId, subject: identity.subject, error });
    this.transport.fail(Fault.failed);
  }

  end(): void {
    this.#over = true;
    this.#expiry.clear();
    this.registration.end();
  }

  #pinged({ timestampMs, isPong }: PingPong): void {
    if (!isPong) this.transport.pongs.answer(encodeMessage('PingPong', { timestampMs, isPong: true }), Opcode.binary);
  }

  #resync(): void {
    this.transport.count('resyncs');
    this.registration.resync();
  }

  /** One at a time: a client waits for the answer, and gets it when its socket is ready. */
  #refresh({ newToken }: TokenRefresh): void {
    if (this.#refreshing) {
      this.transport.fail(Fault.protocolError);
      return;
    }
    this.#refreshing = true;
    void this.#decide(newToken);
  }

  async #decide(newToken: string): Promise<void> {
    const { settings, request, outbox } = this.transport;
    const verdict = await judge(settings, newToken, request);
    if (this.#over) return;
    if (verdict.type === 'undecided') {
      this.transport.fail(Fault.undecided);
    } else if (verdict.type === 'accepted' && isSameIdentity(verdict.identity, this.identity)) {
      const { expiresAt } = verdict.identity;
      this.#expiry.set(expiresAt);
      outbox.whenReady(() => {
        this.#refreshing = false;
        outbox.send(
          encodeMessage('TokenRefreshAck', { success: true, error: null, expiresInSecs: secondsTo(expiresAt) }),
        );
      });
    } else {
      outbox.send(encodeMessage('TokenRefreshAck', { success: false, error: REFUSAL, expiresInSecs: 0n }));
      this.transport.fail(Fault.refused);
    }
  }
}

function secondsTo(epochSeconds: number | undefined): bigint {
  const left = (epochSeconds ?? Infinity) - Date.now() / 1000;
  return BigInt(Math.max(0, Math.floor(Math.min(left, NO_END))));
}
