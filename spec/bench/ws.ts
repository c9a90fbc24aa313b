import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { overSockets } from './contenders/overSockets.js';
import { wsSend } from './contenders/wsSend.js';
import { ratioOf, spreadOf } from './support/figure.js';
import { compile } from './support/load.js';
import { SOCKETS } from './support/sockets.js';
import type { Figure, Group } from './support/figure.js';

const [OURS, CONTROL, ...OTHERS] = overSockets.map(({ name }) => name) as [string, string, ...string[]];
const SEND_LOOP = wsSend.name;
const ROUNDS = 20;
/** Each is sent by for so long before it counts, ms: until the compiler, whose CPU would count too, is done with it. */
const WARM_UP = 5_000;
const BURST = 50;
/** So many times the rounds for one frame: a round of it is short, and costs too little to be told from noise by a few. */
const ROUNDS_OF_ONE = 8;

export const group: Group = {
  name: 'ws',
  title: 'WebSockets',
  axis: 'sockets',
  plotted: false,
  about:
    'Microseconds of CPU (user and system) of the server per frame and socket. Each server and its clients have a process of ' +
    'their own, so that none pays for what another leaves on the heap. Beside ours what bare `net` sockets cost that are ' +
    'written the same bytes at once, `ws` that sends one message after the other to every socket, socket.io that emits a ' +
    'binary argument, and the sockets of `ws` written as the bare ones are, which is what is left of the difference when ' +
    'nothing of ours is in it.',
  async run({ effort }) {
    const module = await compile('wsServer');
    const servers: Server[] = [];
    for (const { name } of overSockets) servers.push(await serve(module, name));
    const rounds = Math.max(3, Math.round(ROUNDS * effort));
    const one = await costs(servers, 1, ROUNDS_OF_ONE * rounds);
    const burst = await costs(servers, BURST, rounds);
    for (const { process } of servers) {
      process.disconnect();
      await once(process, 'exit');
    }
    return [figure('one frame', one, 1.05), figure(`a burst of ${BURST} frames`, burst, 1.5)];
  },
};

interface Server {
  readonly name: string;
  readonly process: ChildProcess;
}

async function serve(module: string, name: string): Promise<Server> {
  const process = fork(module, [name], { execArgv: ['--expose-gc'] });
  // It ends only when it is told to: otherwise nobody would answer, and the bench wait for ever.
  process.once('exit', (code) => {
    if (code !== 0) throw new Error(`the server of ${name} has ended with ${code}`);
  });
  await once(process, 'message');
  return { name, process };
}

/** By contender, round by round; each comes first in turn, for whoever does finds warmer caches. */
async function costs(servers: readonly Server[], frames: number, rounds: number) {
  const spent = new Map(servers.map(({ name }) => [name, [] as number[]]));
  for (const { process } of servers) {
    for (const begun = performance.now(); performance.now() - begun < WARM_UP;) await costOf(process, frames);
  }
  for (let round = 0; round < rounds; round++) {
    const first = round % servers.length;
    for (const { name, process } of [...servers.slice(first), ...servers.slice(0, first)]) {
      spent.get(name)?.push(await costOf(process, frames));
    }
  }
  return (name: string): readonly number[] => spent.get(name) ?? [];
}

async function costOf(server: ChildProcess, frames: number): Promise<number> {
  server.send(frames);
  const [cost] = (await once(server, 'message')) as [number];
  return cost;
}

function figure(what: string, of: (name: string) => readonly number[], atMost: number): Figure {
  const median = (name: string): number => spreadOf(of(name)).median;
  const cheaper = (name: string): string => (median(SEND_LOOP) / median(name)).toFixed(1);
  return {
    what,
    size: SOCKETS,
    unit: 'µs',
    ours: spreadOf(of(OURS)),
    control: { name: CONTROL, cost: spreadOf(of(CONTROL)) },
    ratio: ratioOf(of(OURS), of(CONTROL)),
    target: { of: 'ratio', atMost },
    others: OTHERS.map((name) => ({ name, cost: spreadOf(of(name)) })),
    note: `${cheaper(OURS)} times cheaper than the send loop, of the ${cheaper(CONTROL)} that one write can be`,
  };
}
