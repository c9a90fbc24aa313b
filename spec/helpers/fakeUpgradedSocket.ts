import { EventEmitter } from 'node:events';
import type { UpgradedSocketLike } from 'ddl-fanout/ws';

/** The socket of an upgrade, without a network: it keeps what is written until the spec lets it drain. */
export class FakeUpgradedSocket extends EventEmitter implements UpgradedSocketLike {
  writable = true;
  writableLength = 0;
  readonly writes: Uint8Array[] = [];
  #callbacks: (() => void)[] = [];

  /** @param mark bytes from which on `write` says no, as that of a Node socket does */
  constructor(
    private readonly mark = 65_536,
    private readonly blocked = true,
  ) {
    super();
  }

  write(data: Uint8Array, callback?: () => void): boolean {
    if (data.length > 0) this.writes.push(data);
    if (this.blocked) this.writableLength += data.length;
    if (callback !== undefined) this.#callbacks.push(callback);
    return this.writableLength < this.mark;
  }

  drain(): void {
    const needed = this.writableLength >= this.mark;
    this.writableLength = 0;
    for (const callback of this.#callbacks.splice(0)) callback();
    if (needed) this.emit('drain');
  }
}
