import { Ring } from '../ring.js';
import type { SchedulerLike } from 'rxjs';

/** Frames that all sessions reading the log take together in one turn of the event loop. */
export const FRAMES_PER_TURN = 1_000;
/**
 * What one session may take before the next has its share. More, and a few would have a turn to themselves; less, and what
 * it costs to come from one session to the next shows.
 */
const SHARE = 100;

/** Something that reads the log. */
export interface LogReading {
  /** Whether it waits for a turn; kept by `Turns`. */
  inRow: boolean;
  /** Takes up to `most` frames, while it is ready for them; returns how many it took. */
  pull(most: number): number;
  /** Whether it could take more at once; not when it has gone. */
  readonly hungry: boolean;
}

/**
 * Shares out turns of the event loop among the sessions that read the log, so that they never delay the live ones.
 * Readers take their share in the order in which they asked. Nothing is scheduled while nothing is read.
 */
export class Turns {
  readonly #row = new Ring<LogReading>();
  #left = FRAMES_PER_TURN;
  #running = false;
  #scheduled = false;

  /** @param scheduler where turns come from; default, and where it runs what it is given at once: the event loop's next macrotask */
  constructor(private readonly scheduler: SchedulerLike | undefined) {}

  /** The reader would take frames: now, if this turn has any left, or in one of the next turns. */
  request(reader: LogReading): void {
    this.#queue(reader);
    if (!this.#running) this.#run();
  }

  /** The same, but not before the next turn: whoever asks must not be called back now. */
  requestLater(reader: LogReading): void {
    this.#queue(reader);
    if (!this.#scheduled) this.#schedule();
  }

  /** Whoever asks twice stands in the row once. */
  #queue(reader: LogReading): void {
    if (reader.inRow) return;
    reader.inRow = true;
    this.#row.push(reader);
  }

  #run(): void {
    this.#running = true;
    while (this.#row.length > 0 && this.#left > 0) {
      const reader = this.#row.shift();
      reader.inRow = false;
      this.#left -= reader.pull(Math.min(SHARE, this.#left));
      if (reader.hungry) this.#queue(reader);
    }
    this.#running = false;
    if (this.#left < FRAMES_PER_TURN && !this.#scheduled) this.#schedule();
  }

  #schedule(): void {
    this.#scheduled = true;
    const turn = (): void => {
      this.#scheduled = false;
      this.#left = FRAMES_PER_TURN;
      this.#run();
    };
    if (this.scheduler === undefined) {
      nextMacrotask(turn);
      return;
    }
    // A scheduler that runs work at once, as `queueScheduler` does outside of work of its own, gives no turns.
    let isAtOnce = true;
    this.scheduler.schedule(() => {
      if (isAtOnce) nextMacrotask(turn);
      else turn();
    });
    isAtOnce = false;
  }
}

/**
 * setImmediate where there is one; browsers have a message port that, unlike their timers, is not held back by 4 ms; where
 * there is neither, as in jsdom, a timer.
 */
function nextMacrotask(work: () => void): void {
  if (typeof setImmediate === 'function') {
    setImmediate(work);
    return;
  }
  if (typeof MessageChannel !== 'function') {
    setTimeout(work);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    work();
  };
  port2.postMessage(undefined);
}
