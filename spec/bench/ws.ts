import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DefinitionSyncFanout, type DefinitionSyncMsg } from 'ddl-fanout';
import { serveDefinitions } from 'ddl-fanout/ws';
import { encodeDefinitionSync } from 'ddl-fanout/wire';
import { Server as SocketIo } from 'socket.io';
import { WebSocketServer } from 'ws';
import { ratioOf, spreadOf } from './support/figure.js';
import type { Figure, Group } from './support/figure.js';

const OURS = 'ddl-fanout/ws';
const CONTROL = 'net, one write';
const LOOP = 'ws, send loop';
const SOCKET_IO = 'socket.io';

const SOCKETS = 1_000;
const ROUNDS = 20;
const WARM_UP = 3;
const BURST = 50;
/** So many times the rounds for one frame: a round of it is short, and costs too little to be told from noise by a few. */
const ROUNDS_OF_ONE = 8;
const PAYLOAD = new Uint8Array(1_000).fill(0x61);

interface Contender {
  readonly name: string;
  /** Sends so many frames to all sockets, in one turn of the event loop. */
  send(frames: number): void;
  close(): Promise<void>;
}

let made = 0;
/** Of always the same length. */
function definition(): DefinitionSyncMsg {
  return { definitionType: 'function', name: `f${100 + (made++ % 900)}`, action: 'put', payload: PAYLOAD };
}

/** Bytes of one frame as a server's WebSocket message. */
const FRAMED = encodeDefinitionSync(definition()).length + 4;

class Clients {
  bytes = 0;
  readonly #process: ChildProcess;

  constructor(port: number, kind: string) {
    const file = fileURLToPath(new URL('./wsClients.ts', import.meta.url));
    this.#process = fork(file, [String(port), String(SOCKETS), kind], { execArgv: ['--import', 'tsx'] });
    this.#process.on('message', (message: { bytes?: number }) => {
      this.bytes = message.bytes ?? this.bytes;
    });
  }

  async opened(): Promise<void> {
    await once(this.#process, 'message');
  }

  async received(bytes: number): Promise<void> {
    while (this.bytes < bytes) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async close(): Promise<void> {
    this.#process.disconnect();
    await once(this.#process, 'exit');
  }
}

async function fanoutServer(): Promise<[Contender, Clients]> {
  const fanout = new DefinitionSyncFanout({ capacity: 1_000 });
  const limits = { maxSessions: SOCKETS };
  const server = await serveDefinitions({ fanout, authenticate: () => ({ subject: 'bench' }), limits });
  const clients = new Clients(Number(new URL(server.url).port), 'fanout');
  await clients.opened();
  while (fanout.activeSessions < SOCKETS) await new Promise((resolve) => setTimeout(resolve, 5));
  const send = (frames: number): void => {
    for (let i = 0; i < frames; i++) fanout.broadcast(definition());
  };
  return [{ name: OURS, send, close: () => server.close({ grace: 0 }) }, clients];
}

async function wsServer(): Promise<[Contender, Clients]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const clients = new Clients((server.address() as AddressInfo).port, 'ws');
  await clients.opened();
  const send = (frames: number): void => {
    for (let i = 0; i < frames; i++) {
      const bytes = encodeDefinitionSync(definition());
      for (const client of server.clients) client.send(bytes);
    }
  };
  const close = async (): Promise<void> => {
    for (const client of server.clients) client.terminate();
    server.close();
    await once(server, 'close');
  };
  return [{ name: LOOP, send, close }, clients];
}

async function socketIoServer(): Promise<[Contender, Clients]> {
  const http = createHttpServer();
  // The clients of the bench answer no pings.
  const io = new SocketIo(http, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 3_600_000 });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const clients = new Clients((http.address() as AddressInfo).port, 'socket.io');
  await clients.opened();
  while (io.of('/').sockets.size < SOCKETS) await new Promise((resolve) => setTimeout(resolve, 5));
  const send = (frames: number): void => {
    for (let i = 0; i < frames; i++) io.emit('definition', encodeDefinitionSync(definition()));
  };
  return [{ name: SOCKET_IO, send, close: () => io.close() }, clients];
}

async function netServer(): Promise<[Contender, Clients]> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.setNoDelay();
    sockets.add(socket.on('error', () => undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients = new Clients((server.address() as AddressInfo).port, 'net');
  await clients.opened();
  while (sockets.size < SOCKETS) await new Promise((resolve) => setTimeout(resolve, 5));
  const send = (frames: number): void => {
    // Memory that was written to, as frames are: pages that never were are all one page, and cost nothing to read.
    const bytes = Buffer.alloc(frames * FRAMED, 0x61);
    for (const socket of sockets) socket.write(bytes);
  };
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return [{ name: CONTROL, send, close }, clients];
}

/** Microseconds of CPU per frame and socket for one sending, and for what it leaves to the next turns. */
async function cost([contender, clients]: [Contender, Clients], frames: number): Promise<number> {
  globalThis.gc?.();
  const expected = clients.bytes + frames * FRAMED * SOCKETS * 0.99;
  const before = process.cpuUsage();
  contender.send(frames);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  const { user, system } = process.cpuUsage(before);
  await clients.received(expected);
  return (user + system) / (frames * SOCKETS);
}

export const group: Group = {
  name: 'ws',
  title: 'WebSockets',
  axis: 'sockets',
  plotted: false,
  about:
    'Microseconds of CPU (user and system) of the server per frame and socket, with the clients in another process. Beside ' +
    'it what bare `net` sockets cost that are written the same bytes at once, and `ws` that sends one message after the ' +
    'other to every socket, and socket.io that emits a binary argument.',
  async run({ effort }) {
    const opened = [await fanoutServer(), await netServer(), await wsServer(), await socketIoServer()];
    const rounds = Math.max(3, Math.round(ROUNDS * effort));
    const one = await costs(opened, 1, ROUNDS_OF_ONE * rounds);
    const burst = await costs(opened, BURST, rounds);
    for (const [contender, clients] of opened) {
      await clients.close();
      await contender.close();
    }
    return [figure('one frame', one, 1.05), figure(`a burst of ${BURST} frames`, burst, 1.5)];
  },
};

/** By contender, round by round; each comes first in turn, for whoever does finds warmer caches. */
async function costs(opened: readonly [Contender, Clients][], frames: number, rounds: number) {
  const byName = new Map(opened.map(([{ name }]): [string, number[]] => [name, []]));
  for (let round = -WARM_UP; round < rounds; round++) {
    for (let turn = 0; turn < opened.length; turn++) {
      const pair = opened[(turn + round + WARM_UP) % opened.length];
      if (pair === undefined) continue;
      const spent = await cost(pair, frames);
      if (round >= 0) byName.get(pair[0].name)?.push(spent);
    }
  }
  return (name: string): readonly number[] => byName.get(name) ?? [];
}

function figure(what: string, of: (name: string) => readonly number[], atMost: number): Figure {
  const cheaper = (name: string) => (spreadOf(of(LOOP)).median / spreadOf(of(name)).median).toFixed(1);
  return {
    what,
    size: SOCKETS,
    unit: 'µs',
    ours: spreadOf(of(OURS)),
    control: { name: CONTROL, cost: spreadOf(of(CONTROL)) },
    ratio: ratioOf(of(OURS), of(CONTROL)),
    target: { of: 'ratio', atMost },
    others: [LOOP, SOCKET_IO].map((name) => ({ name, cost: spreadOf(of(name)) })),
    note: `${cheaper(OURS)} times cheaper than the send loop, of the ${cheaper(CONTROL)} that one write can be`,
  };
}
