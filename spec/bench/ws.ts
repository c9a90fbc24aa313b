/**
 * What a broadcast over WebSockets costs the server: microseconds of CPU (user and system) per frame and socket, with the
 * clients in another process. Beside it, in the same run, what `ws` costs that sends one message after the other to every
 * socket, and what bare `net` sockets cost that are written the same bytes at once.
 *
 *     node --expose-gc --import tsx spec/bench/ws.ts [sockets]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DefinitionSyncFanout, type DefinitionSyncMsg } from 'ddl-fanout';
import { serveDefinitions } from 'ddl-fanout/ws';
import { encodeDefinitionSync } from 'ddl-fanout/wire';
import { WebSocketServer } from 'ws';

const SOCKETS = Number(process.argv[2] ?? 1_000);
const ROUNDS = 20;
const WARM_UP = 3;
const BURST = 50;
const PAYLOAD = new Uint8Array(1_000).fill(0x61);

interface Contender {
  readonly name: string;
  /** Sends so many frames to all sockets, in one turn of the event loop. */
  send(frames: number): void;
  close(): Promise<void>;
}

interface Median {
  readonly name: string;
  readonly one: number;
  readonly burst: number;
}

let made = 0;
function definition(): DefinitionSyncMsg {
  return { definitionType: 'function', name: `f${made++ % 1_000}`, action: 'put', payload: PAYLOAD };
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
  return [{ name: 'ddl-fanout/ws', send, close: () => server.close({ grace: 0 }) }, clients];
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
  return [{ name: 'ws, send loop', send, close }, clients];
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
    const bytes = new Uint8Array(frames * FRAMED);
    for (const socket of sockets) socket.write(bytes);
  };
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return [{ name: 'net, one write', send, close }, clients];
}

/** Microseconds of CPU per frame and socket for one sending, and for what it leaves to the next turns. */
async function cost(contender: Contender, clients: Clients, frames: number): Promise<number> {
  globalThis.gc?.();
  const expected = clients.bytes + frames * FRAMED * SOCKETS * 0.99;
  const before = process.cpuUsage();
  contender.send(frames);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  const { user, system } = process.cpuUsage(before);
  await clients.received(expected);
  return (user + system) / (frames * SOCKETS);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

const fanoutEnd = await fanoutServer();
const opened = [fanoutEnd, await wsServer(), await netServer()];
const rows = opened.map(([{ name }]) => ({ name, one: [] as number[], burst: [] as number[] }));
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (let place = 0; place < opened.length; place++) {
    // Whoever comes first in a round finds warmer caches: each does in turn.
    const index = (place + round + WARM_UP) % opened.length;
    const [contender, clients] = opened.at(index) ?? fanoutEnd;
    const one = await cost(contender, clients, 1);
    const burst = await cost(contender, clients, BURST);
    if (round < 0) continue;
    rows[index]?.one.push(one);
    rows[index]?.burst.push(burst);
  }
}
for (const [contender, clients] of opened) {
  await clients.close();
  await contender.close();
}

const [fanout, ws, net] = rows.map(({ name, one, burst }) => ({ name, one: median(one), burst: median(burst) })) as [
  Median,
  Median,
  Median,
];
console.table(
  Object.fromEntries(
    [net, ws, fanout].map(({ name, one, burst }) => [
      name,
      { 'one frame, µs': one.toFixed(2), [`burst of ${BURST}, µs`]: burst.toFixed(3) },
    ]),
  ),
);
const ratio = (part: number, whole: number): string => (part / whole).toFixed(2);
console.log(`one frame: ${ratio(fanout.one, net.one)} of net, ${ratio(fanout.one, ws.one)} of the send loop`);
console.log(
  `burst: ${ratio(fanout.burst, net.burst)} of net, ${ratio(ws.burst, fanout.burst)} times cheaper than the send loop`,
);
