/**
 * One contender of the WebSocket bench, in a process of its own: told how many frames to send, it sends them and tells what
 * that cost. Argument: the contender's name.
 */
import { overSockets } from './contenders/overSockets.js';
import { FRAMED, SOCKETS, type Served } from './support/sockets.js';

const contender = overSockets.find(({ name }) => name === process.argv[2]);
if (contender === undefined) throw new Error(`there is no contender ${process.argv[2]}`);

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

const server = await contender.serve();
process.on('message', (frames: number) => {
  void costOf(server, frames).then((cost) => process.send?.(cost));
});
// Its clients end with it.
process.on('disconnect', () => process.exit());
process.send?.('serving');
