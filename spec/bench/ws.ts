import { netWrite } from './contenders/netWrite.js';
import { oursOverWs } from './contenders/oursOverWs.js';
import { socketIo } from './contenders/socketIo.js';
import { wsSend } from './contenders/wsSend.js';
import { ratioOf, spreadOf } from './support/figure.js';
import { FRAMED, SOCKETS, type Served } from './support/sockets.js';
import type { Figure, Group } from './support/figure.js';

const CONTENDERS = [oursOverWs, netWrite, wsSend, socketIo];
const ROUNDS = 20;
const WARM_UP = 3;
const BURST = 50;
/** So many times the rounds for one frame: a round of it is short, and costs too little to be told from noise by a few. */
const ROUNDS_OF_ONE = 8;

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
    const servers: Served[] = [];
    for (const contender of CONTENDERS) servers.push(await contender.serve());
    const rounds = Math.max(3, Math.round(ROUNDS * effort));
    const one = await costs(servers, 1, ROUNDS_OF_ONE * rounds);
    const burst = await costs(servers, BURST, rounds);
    for (const server of servers) {
      await server.clients.close();
      await server.close();
    }
    return [figure('one frame', one, 1.05), figure(`a burst of ${BURST} frames`, burst, 1.5)];
  },
};

/** By contender, round by round; each comes first in turn, for whoever does finds warmer caches. */
async function costs(servers: readonly Served[], frames: number, rounds: number) {
  const spent = servers.map((): number[] => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (let turn = 0; turn < servers.length; turn++) {
      const place = (turn + round + WARM_UP) % servers.length;
      const server = servers[place];
      if (server === undefined) continue;
      const cost = await costOf(server, frames);
      if (round >= 0) spent[place]?.push(cost);
    }
  }
  const byName = new Map(CONTENDERS.map(({ name }, place) => [name, spent[place] ?? []]));
  return (name: string): readonly number[] => byName.get(name) ?? [];
}

/** Microseconds of CPU per frame and socket for one sending, and for what it leaves to the next turns. */
async function costOf(server: Served, frames: number): Promise<number> {
  const { clients } = server;
  globalThis.gc?.();
  const expected = clients.bytes + frames * FRAMED * SOCKETS * 0.99;
  const before = process.cpuUsage();
  server.send(frames);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  const { user, system } = process.cpuUsage(before);
  await clients.received(expected);
  return (user + system) / (frames * SOCKETS);
}

function figure(what: string, of: (name: string) => readonly number[], atMost: number): Figure {
  const median = (name: string): number => spreadOf(of(name)).median;
  const cheaper = (name: string): string => (median(wsSend.name) / median(name)).toFixed(1);
  return {
    what,
    size: SOCKETS,
    unit: 'µs',
    ours: spreadOf(of(oursOverWs.name)),
    control: { name: netWrite.name, cost: spreadOf(of(netWrite.name)) },
    ratio: ratioOf(of(oursOverWs.name), of(netWrite.name)),
    target: { of: 'ratio', atMost },
    others: [wsSend, socketIo].map(({ name }) => ({ name, cost: spreadOf(of(name)) })),
    note: `${cheaper(oursOverWs.name)} times cheaper than the send loop, of the ${cheaper(netWrite.name)} that one write can be`,
  };
}
