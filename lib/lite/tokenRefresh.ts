/** The new tokens that a device sends: one at a time, as the server takes no other before it has answered. */
export class TokenRefresh {
  #sent: string | undefined;
  #due: string | undefined;

  constructor(private readonly send: (token: string) => void) {}

  /** Sends the token, now or after the answer to the one before; of those that wait only the newest. */
  offer(token: string): void {
    if (this.#sent !== undefined) {
      this.#due = token;
      return;
    }
    this.#sent = token;
    this.send(token);
  }

  /** The server has answered; returns the token that it answered, `undefined` when it was not asked. */
  answered(isAccepted: boolean): string | undefined {
    const sent = this.#sent;
    const due = this.#due;
    this.#sent = this.#due = undefined;
    if (isAccepted && due !== undefined) this.offer(due);
    return sent;
  }
}
