import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { encodeDefinitionSync } from 'ddl-fanout/wire';
import type { Socket } from 'node:net';
import type { DefinitionSyncMsg } from 'ddl-fanout';

export const SOCKETS = 1_000;
const PAYLOAD = new Uint8Array(1_000).fill(0x61);

/** A server with `SOCKETS` sockets open. */
export interface Served {
  readonly clients: Clients;
  /** Sends so many frames to all sockets, in one turn of the event loop. */
  send(frames: number): void;
  close(): Promise<void>;
}

export interface SocketContender {
  readonly name: string;
  serve(): Promise<Served>;
}

let made = 0;
/** Of always the same length. */
export function definition(): DefinitionSyncMsg {
  return { definitionType: 'function', name: `f${100 + (made++ % 900)}`, action: 'put', payload: PAYLOAD };
}

/** Bytes of one frame as a server's WebSocket message. */
export const FRAMED = encodeDefinitionSync(definition()).length + 4;

/** Writes to each, at once, as many bytes as so many frames are. */
export function writeRaw(sockets: Iterable<Socket>, frames: number): void {
  // Memory that was written to, as frames are: pages that never were are all one page, and cost nothing to read.
  const bytes = Buffer.alloc(frames * FRAMED, 0x61);
  for (const socket of sockets) socket.write(bytes);
}

/** What the clients shake hands with. */
type ClientKind = 'fanout' | 'ws' | 'socket.io' | 'net';

/** The other ends, in a process of their own. */
export class Clients {
  bytes = 0;
  readonly #process: ChildProcess;

  private constructor(port: number, kind: ClientKind) {
    this.#process = fork(resolve('spec/bench/wsClients.ts'), [String(port), String(SOCKETS), kind], {
      execArgv: ['--import', 'tsx'],
    });
    this.#process.on('message', (message: { bytes?: number }) => {
      this.bytes = message.bytes ?? this.bytes;
    });
  }

  /** Resolves when all are open. */
  static async open(port: number, kind: ClientKind): Promise<Clients> {
    const clients = new Clients(port, kind);
    await once(clients.#process, 'message');
    return clients;
  }

  async received(bytes: number): Promise<void> {
    await until(() => this.bytes >= bytes);
  }

  async close(): Promise<void> {
    this.#process.disconnect();
    await once(this.#process, 'exit');
  }
}

/** Resolves when `done` says so; looks every 5 ms. */
export async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
}
