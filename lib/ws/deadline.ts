/** One time at which something is done, unless another takes its place before; it keeps no process alive. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;

  /** @param after ms, up to 2^31-1 */
  set(after: number, due: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(due, after).unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
