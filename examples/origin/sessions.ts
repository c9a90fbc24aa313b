import type { DefinitionSyncMsg, SessionStats } from 'ddl-fanout';
import { connectDevice, type Device, type DeviceOptions } from './device.js';
import { percentile, type CommitClock } from './latency.js';
import type { OriginNode } from './node.js';
import type { Tokens } from './tokens.js';
import { inMessages, same, type Holdings } from './truth.js';

const SLOW_MS = 10;
const STOPS_AFTER = 20;

/** One session of the run: its device, what the fan-out last said of it, and how old what came was, in ms. */
export interface Participant {
  readonly device: Device;
  readonly node: OriginNode;
  readonly keepsUp: boolean;
  readonly ages: number[];
  stats: SessionStats | undefined;
  /** The fan-out had its session, and has it no more. */
  hasEnded: boolean;
}

type Pace = Pick<DeviceOptions, 'work' | 'stopsAfter'> & { readonly onShortLine?: boolean };

/**
 * Connects `keepingUp` devices that keep up, a slow one, and one that stops reading after a while. Those two are on
 * short lines: the buffers of a TCP connection on loopback would take the whole migration. Each has the next node.
 */
export function connectAll(
  nodes: readonly [OriginNode, ...OriginNode[]],
  { tokenFor }: Tokens,
  keepingUp: number,
  clock: CommitClock,
): Promise<Participant[]> {
  let turn = 0;
  const connect = async (name: string, { onShortLine = false, ...pace }: Pace = {}): Promise<Participant> => {
    const node = nodes[turn++ % nodes.length] ?? nodes[0];
    const { url, overShortLine } = node.server;
    const line = onShortLine ? overShortLine : undefined;
    const ages: number[] = [];
    const stored = (msg: DefinitionSyncMsg): void => void ages.push(clock.age(msg));
    const device = await connectDevice({ url, token: await tokenFor(name), name, line, ...pace, stored });
    return { device, node, ages, keepsUp: name.startsWith('keeps-up'), stats: undefined, hasEnded: false };
  };
  const names = Array.from({ length: keepingUp }, (_, index) => `keeps-up-${index + 1}`);
  return Promise.all([
    ...names.map((name) => connect(name)),
    connect('slow', { work: SLOW_MS, onShortLine: true }),
    connect('stops-reading', { stopsAfter: STOPS_AFTER, onShortLine: true }),
  ]);
}

/** Takes the fan-out's counts; a session that has ended keeps its last ones. */
export function takeStats(participants: readonly Participant[]): void {
  for (const participant of participants) {
    const stats = participant.node.fanout.session(participant.device.sessionId);
    participant.hasEnded = stats === undefined && participant.stats !== undefined;
    participant.stats = stats ?? participant.stats;
  }
}

export const holdingsOf = ({ device }: Participant): Holdings => inMessages(device.definitions.values());

const inCluster = (participants: readonly Participant[]): boolean =>
  participants.some(({ node }) => node.name !== undefined);

export const countsHead = (participants: readonly Participant[]): string[] => [
  'session',
  ...(inCluster(participants) ? ['node'] : []),
  ...['state', 'offered', 'delivered', 'dropped', 'superseded', 'waiting'],
];

export function countsOf({ device, node, stats, hasEnded }: Participant): (string | number)[] {
  const who = node.name === undefined ? [device.name] : [device.name, node.name];
  if (stats === undefined) return [...who, 'new', 0, 0, 0, 0, 0];
  const { state, offered, delivered, dropped, superseded, waiting, inFlight } = stats;
  return [...who, hasEnded ? 'ended' : state, offered, delivered, dropped, superseded, waiting + inFlight];
}

export const summaryHead = (participants: readonly Participant[]): string[] => [
  ...countsHead(participants),
  ...['holds', 'same', 'p50 ms', 'p99 ms', 'max ms'],
];

export function summaryOf(participant: Participant, database: Holdings): (string | number)[] {
  const holdings = holdingsOf(participant);
  const age = (share: number): string => percentile(participant.ages, share).toFixed(1);
  return [
    ...countsOf(participant),
    `${holdings.size} of ${database.size}`,
    same(holdings, database) ? 'yes' : 'no',
    age(0.5),
    age(0.99),
    age(1),
  ];
}
