import { Observable, type Subscriber } from 'rxjs';
import { Run } from './run.js';
import { Opcode } from './webSocketFrame.js';

/** The part of the socket that an HTTP upgrade hands over which is written to; a `net.Socket` or `tls.TLSSocket` is one. */
export interface UpgradedSocketLike {
  readonly writable: boolean;
  /** Bytes that the operating system has not taken yet. */
  readonly writableLength: number;
  /** `false`: `drain` will come. Calls back when the operating system has taken the data, or never will. */
  write(data: Uint8Array, callback?: () => void): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

const NOTHING = new Uint8Array();

/**
 * What goes out on one socket. Messages are collected during a turn of the event loop and written at its end, all at once,
 * by whole WebSocket frames: whatever else writes whole frames to the socket, as `ws` does, may do so between.
 */
export class Outbox {
  #run: Run | undefined;
  /** What was queued when the run began; it can only have become less. */
  #before = 0;
  #waiting: Subscriber<never> | undefined;
  #closed = false;
  readonly #drained$ = new Observable<never>((subscriber) => {
    this.#waiting = subscriber;
    return () => {
      this.#waiting = undefined;
    };
  });

  /** @param onReady called when something was written and less than `highWaterMark` bytes are queued */
  constructor(
    private readonly socket: UpgradedSocketLike,
    private readonly highWaterMark: number,
    private readonly onReady: () => void = () => undefined,
  ) {}

  /** Bytes that were given and that the operating system has not taken yet. */
  get queued(): number {
    return this.socket.writableLength + (this.#run?.size ?? 0);
  }

  /** Whether less than the high-water mark is queued. */
  get ready(): boolean {
    return this.queued < this.highWaterMark;
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

  /** Writes what was taken. */
  flush(): void {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined || this.#closed || !this.socket.writable) return;
    const drains = !this.socket.write(run.joined());
    if (this.ready) this.#written();
    else if (drains) this.socket.once('drain', this.#written);
    // The mark is below the one of the socket itself, which promises nothing then.
    else this.socket.write(NOTHING, this.#written);
  }

  /** Lets go of what was taken; nothing is written any more. */
  close(): void {
    this.#closed = true;
    this.#run = undefined;
  }

  #begin(): Run {
    this.#before = this.socket.writableLength;
    return turn.join(this);
  }

  readonly #written = (): void => {
    if (this.#closed || !this.ready) return;
    this.#waiting?.complete();
    this.onReady();
  };
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
    for (const outbox of outboxes) outbox.flush();
  };
}

const turn = new Turn();
