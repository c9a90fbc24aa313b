/** Asks a peer that was silent for half a time for a sign of life, and gives up when it is silent for all of it. */
export class IdleTimer {
  #timer: NodeJS.Timeout | undefined;
  #asked = false;

  constructor(
    private readonly ask: () => void,
    private readonly giveUp: () => void,
  ) {}

  /** @param idleTimeout milliseconds; keeps no process alive */
  start(idleTimeout: number): void {
    this.#timer = setInterval(() => {
      if (this.#asked) this.giveUp();
      else this.ask();
      this.#asked = true;
    }, idleTimeout / 2);
    this.#timer.unref();
  }

  /** Something came from the peer. */
  heard(): void {
    this.#asked = false;
    this.#timer?.refresh();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
