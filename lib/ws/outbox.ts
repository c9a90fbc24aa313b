import { Observable, type Subscriber } from 'rxjs';
import { Run } from './run.js';
import { Opcode } from './webSocketFrame.js';

/** The part of the socket that an HTTP upgrade hands over which is written to; a `net.Socket` or `tls.TLSSocket` is one. */
export interface UpgradedSocketLike {
  readonly writable: boolean;
  /** Bytes that the operating system has not taken yet. */
  readonly writableLength: number;
  /** Calls back when the operating system has taken the data, or never will. */
  write(data: Uint8Array, callback?: () => void): unknown;
}

const NOTHING = new Uint8Array(0);
/** What Node keeps beside the bytes of a write that waits behind another, in bytes: up to 490 were measured with Node 20. */
const WRITE_COST = 512;

/**
 * What goes out on one socket. Messages are collected during a turn of the event loop and written at its end, all at once,
 * by whole WebSocket frames: whatever else writes whole frames to the socket, as `ws` does, may do so between.
 */
export class Outbox {
  #run: Run | undefined;
  /** What the socket held when it was last written to; it can only have become less. */
  #before = 0;
  /** Writes that came to wait behind others since the socket was last empty. */
  #behind = 0;
  #waiting: Subscriber<never> | undefined;
  #wanting: Set<() => void> | undefined;
  /** The socket is to call back. */
  #asked = false;
  #closed = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #drained$ = new Observable<never>((subscriber) => {
    this.#waiting = subscriber;
    return () => {
      // At capacity 0 the next delivery is subscribed before the last one is torn down.
      if (this.#waiting === subscriber) this.#waiting = undefined;
    };
  });

  constructor(
    private readonly socket: UpgradedSocketLike,
    private readonly highWaterMark: number,
  ) {}

  /** Bytes that were given and that the operating system has not taken yet, and what it costs to keep them. */
  get queued(): number {
    return this.#held + (this.#run?.size ?? 0);
  }

  /** Whether less than the high-water mark is queued. */
  get ready(): boolean {
    return this.queued < this.highWaterMark;
  }

  /** Whether nothing was taken in this turn of the event loop. */
  get idle(): boolean {
    return this.#run === undefined;
  }

  /** Takes a message that goes to many; `undefined`: ready for the next one, otherwise when what it returns completes. */
  deliver(payload: Uint8Array): Observable<never> | undefined {
    const run = (this.#run ?? this.#begin()).withShared(payload);
    this.#run = run;
    return this.#before + run.size < this.highWaterMark ? undefined : this.#drained$;
  }

  /** Takes a message for this socket alone, whether it is ready or not. */
  send(payload: Uint8Array, opcode: Opcode = Opcode.binary): void {
    this.#run = (this.#run ?? this.#begin()).withOwn(payload, opcode);
  }

  /** Calls back when it is ready: now, or once as soon as it is, however often the same is asked for. */
  whenReady(callback: () => void): void {
    if (this.ready) {
      callback();
      return;
    }
    (this.#wanting ??= new Set()).add(callback);
    this.#look();
  }

  /** Writes what was taken. */
  flush(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined || this.#closed || !this.socket.writable) return;
    this.#behind = this.socket.writableLength > 0 ? this.#behind + 1 : 0;
    // A callback costs the socket more than the rest of a write: only who waits has one.
    if (this.#before + run.size < this.highWaterMark) this.socket.write(run.joined());
    else this.#ask(run.joined());
    this.#before = this.#held;
    this.#look();
  }

  /** Lets go of what was taken; nothing is written any more. */
  close(): void {
    this.#closed = true;
    this.#run = undefined;
    this.#wanting = undefined;
  }

  /** The socket has thrown: whoever delivers to it fails. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.close();
    this.#waiting?.error(error);
  }

  /** What the socket holds. Many small writes hold more than their bytes: as many as may be left, of two bytes at least each. */
  get #held(): number {
    const { writableLength } = this.socket;
    return writableLength + Math.min(this.#behind, writableLength >> 1) * WRITE_COST;
  }

  #begin(): Run {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#before > 0) this.#before = this.#held;
    return turn.join(this);
  }

  #ask(data: Uint8Array): void {
    this.#asked = true;
    this.socket.write(data, this.#taken);
  }

  readonly #taken = (): void => {
    this.#asked = false;
    this.#look();
  };

  /** Lets those go on who wait for the socket. Whoever else writes to it may have filled it, so that it has to be asked again. */
  #look(): void {
    if (this.#closed || (this.#waiting ?? this.#wanting) === undefined) return;
    if (!this.ready) {
      if (!this.#asked && this.#run === undefined && this.socket.writable) this.#ask(NOTHING);
      return;
    }
    const wanting = this.#wanting;
    this.#wanting = undefined;
    // What is for this socket alone is little, and would never have its turn behind a session that is behind.
    if (wanting !== undefined) for (const callback of wanting) callback();
    if (this.queued < this.highWaterMark) this.#waiting?.complete();
  }
}

/** The outboxes that have something to write at the end of this turn of the event loop. */
class Turn {
  #outboxes: Outbox[] = [];
  #start = Run.empty();

  /** Where the outbox begins: all of one turn begin together. */
  join(outbox: Outbox): Run {
    if (this.#outboxes.length === 0) setImmediate(this.#end);
    this.#outboxes.push(outbox);
    return this.#start;
  }

  readonly #end = (): void => {
    const outboxes = this.#outboxes;
    this.#outboxes = [];
    this.#start = Run.empty();
    for (const outbox of outboxes) {
      try {
        outbox.flush();
      } catch (error) {
        outbox.fail(error);
      }
    }
  };
}

const turn = new Turn();
