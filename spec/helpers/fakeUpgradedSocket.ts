import type { UpgradedSocketLike } from 'ddl-fanout/ws';

/** The socket of an upgrade, without a network: it keeps what is written until the spec lets it drain. */
export class FakeUpgradedSocket implements UpgradedSocketLike {
  writable = true;
  writableLength = 0;
  readonly writes: Uint8Array[] = [];
  #callbacks: (() => void)[] = [];

  /** @param blocked whether anything waits for `drain`; otherwise all leaves at once, and callbacks wait for `drain` */
  constructor(private readonly blocked = true) {}

  /** Writes whose callers want to know when they have left. */
  get awaited(): number {
    return this.#callbacks.length;
  }

  write(data: Uint8Array, callback?: () => void): void {
    this.writes.push(data);
    if (this.blocked) this.writableLength += data.length;
    if (callback !== undefined) this.#callbacks.push(callback);
  }

  /** All leaves. `meanwhile`: before anybody is called back. */
  drain(meanwhile?: () => void): void {
    this.writableLength = 0;
    const callbacks = this.#callbacks.splice(0);
    meanwhile?.();
    for (const callback of callbacks) callback();
  }
}
