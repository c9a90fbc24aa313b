/** Messages that are kept at most, more than the smallest of a whole read: an empty one takes memory too. */
const MOST = 16_384;

/** What a client sends while it waits for the answer to its handshake. */
export class EarlyMessages {
  #messages: Uint8Array[] = [];
  #bytes = 0;

  constructor(private readonly mostBytes: number) {}

  /** `false`: there is no room for it. */
  push(message: Uint8Array): boolean {
    this.#bytes += message.length;
    if (this.#bytes > this.mostBytes || this.#messages.length === MOST) return false;
    // A copy: what came is a view on all that was read from the socket at once, and would keep that.
    this.#messages.push(new Uint8Array(message));
    return true;
  }

  takeAll(): readonly Uint8Array[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }
}
