import { filter, ignoreElements, interval, merge, Observable, take } from 'rxjs';
import { badOption, functionOption, objectOption, wholeNumber } from '../options.js';
import { atTurnEnd } from './atTurnEnd.js';
import { Outbox, type UpgradedSocketLike } from './outbox.js';
import type { ObservableInput } from 'rxjs';
import type { DefinitionFrame } from '../definition.js';

/** A WebSocket that can be sent to; that of `ws` is one. */
export interface WebSocketLike {
  /** 1: open. */
  readonly readyState: number;
  /** Bytes that were sent and that the network has not taken yet. */
  readonly bufferedAmount: number;
  /** Calls back, where it can, when the network has taken the data, or with an error. */
  send(data: Uint8Array, callback: (error?: Error | null) => void): void;
}

export interface DeliverToOptions {
  /** Bytes queued in the socket from which on the session waits, 1 or more; default 1 MiB. */
  readonly highWaterMark?: number | undefined;
}

export const DEFAULT_HIGH_WATER_MARK = 1_048_576;
const OPEN = 1;
/** How often a socket that calls nobody back is looked at, ms. */
const LOOK_EVERY = 50;

/**
 * The `deliver` of a session, for those who run their own WebSocket server:
 * `fanout.register(id, deliverTo(socket)).subscribe()`.
 *
 * - Given the socket that the HTTP upgrade handed over (`net.Socket`), it writes WebSocket frames to it that are made once for
 *   all sessions, and all that a session takes in one turn of the event loop by one write. The extension permessage-deflate
 *   MUST be off. This is the fast way.
 * - Given a WebSocket, it sends one message after the other; over the socket of one of `ws` those of a turn go out together.
 * - The session waits while `highWaterMark` bytes or more are queued; it fails when the socket is not open, and when a message could
 *   not be sent: at once, or at the next frame when that is told only later.
 * - You MUST unsubscribe the session when the socket closes, and close the socket when the session completes or errors; given
 *   the upgraded socket no earlier than in a `setImmediate` after that, or the Close goes out before this turn's frames.
 *
 * @throws {FanoutError} BAD_OPTION, naming the rule and the value
 */
export function deliverTo(
  socket: WebSocketLike | UpgradedSocketLike,
  options: DeliverToOptions = {},
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- what a delivery returns that is done
): (frame: DefinitionFrame) => ObservableInput<never> | void {
  const { highWaterMark = DEFAULT_HIGH_WATER_MARK } = objectOption('options', options);
  wholeNumber('highWaterMark', highWaterMark, 1);
  objectOption('socket', socket);
  if ('send' in socket) {
    functionOption('socket.send', (socket as Partial<WebSocketLike>).send);
    return deliverBySending(socket, highWaterMark);
  }
  if (typeof (socket as Partial<UpgradedSocketLike>).write !== 'function')
    throw badOption('socket', 'a WebSocket (send) or the upgraded socket (write)', socket);
  const outbox = new Outbox(socket, highWaterMark);
  return ({ bytes }) => {
    if (outbox.idle && !socket.writable) throw new Error('the socket is not open');
    return outbox.deliver(bytes);
  };
}

/** What lies beneath a WebSocket of `ws`, which has no way of its own to send several messages by one write. */
interface Corked {
  readonly _socket?: { cork?(): void; uncork(): void } | null | undefined;
}

function deliverBySending(socket: WebSocketLike & Corked, highWaterMark: number) {
  let corked: Corked['_socket'];
  const cork = (): void => {
    const beneath = socket._socket;
    if (corked !== undefined || typeof beneath?.cork !== 'function') return;
    beneath.cork();
    corked = beneath;
    atTurnEnd(uncork);
  };
  const uncork = (): void => {
    corked?.uncork();
    corked = undefined;
  };
  const hasRoom = () => socket.bufferedAmount < highWaterMark;
  let failure: Error | null | undefined;
  const throwFailure = (): void => {
    if (failure) throw failure;
  };
  const looks$ = interval(LOOK_EVERY).pipe(filter(() => socket.readyState !== OPEN || hasRoom()));
  return ({ bytes }: DefinitionFrame): Observable<never> | undefined => {
    throwFailure();
    if (socket.readyState !== OPEN) throw new Error('the socket is not open');
    cork();
    let taken: (() => void) | undefined;
    socket.send(bytes, (error) => {
      failure ??= error;
      taken?.();
    });
    throwFailure();
    if (hasRoom()) return undefined;
    // What is corked has not been offered to the network yet.
    uncork();
    if (hasRoom()) return undefined;
    const taken$ = new Observable<void>((subscriber) => {
      taken = () => {
        if (failure) subscriber.error(failure);
        else subscriber.next();
      };
    });
    return merge(taken$, looks$).pipe(take(1), ignoreElements());
  };
}
