import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What becomes of the bytes on their way. */
export interface Weather {
  /** Milliseconds that each chunk is held; order is kept. */
  delay?: number;
  /** Each byte goes out by a write of its own. */
  bytewise?: boolean;
  /** Nothing goes through, in either direction; the sockets stay open. */
  stalled?: boolean;
  /** A connection is reset when so many bytes have come to its client. */
  cutAfter?: number | undefined;
}

/** A TCP proxy on this machine that delays, splits, stalls and cuts. */
export class TcpProxy {
  readonly weather: Weather;
  /** How often `cutAfter` has struck. */
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(
    /** Where connections go; may be changed. */
    public target: number,
    weather: Weather,
  ) {
    this.weather = weather;
    this.#server = createServer((socket) => this.#join(socket));
  }

  static async start(target: number, weather: Weather = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, weather);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size / 2;
  }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Resets some connections, each with this probability. */
  cutSome(probability: number): void {
    for (const socket of this.#sockets) if (Math.random() < probability) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay();
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      void this.#carry(from, to, to === client);
    }
  }

  async #carry(from: Socket, to: Socket, isAnswer: boolean): Promise<void> {
    let carried = 0;
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        const { delay = 0, bytewise } = this.weather;
        if (delay > 0) await pass(delay);
        while (this.weather.stalled === true && !from.destroyed) await pass(5);
        const room = isAnswer ? (this.weather.cutAfter ?? Infinity) - carried : Infinity;
        carried += chunk.length;
        if (chunk.length > room) {
          if (room > 0) await written(to, chunk.subarray(0, room));
          this.cuts++;
          to.resetAndDestroy();
          return;
        }
        if (bytewise !== true) await written(to, chunk);
        else for (let i = 0; i < chunk.length; i++) await written(to, chunk.subarray(i, i + 1));
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
}
