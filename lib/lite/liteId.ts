/** 16 random bytes in hexadecimal: `crypto.randomUUID` is missing on pages that were not loaded over TLS. */
export function newLiteId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Who the device is to the server: the epoch rises with every handshake, or the server takes it for a copy of itself. */
export class LiteIdentity {
  #lastEpoch: bigint;

  constructor(
    public liteId: string,
    epoch: bigint,
  ) {
    this.#lastEpoch = epoch - 1n;
  }

  nextEpoch(): bigint {
    return ++this.#lastEpoch;
  }

  /** Somebody else is known by this id. */
  renew(): void {
    this.liteId = newLiteId();
  }
}
