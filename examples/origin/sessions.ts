import type { DefinitionSyncFanout, SessionOptions, SessionStats } from 'ddl-fanout';
import { connectDevice, type Device } from './device.js';
import { percentile, type CommitClock } from './latency.js';
import { inMessages, same, type Holdings } from './truth.js';

const SLOW_MS = 10;
const STOPS_AFTER = 40;

/** One session of the run: its device, what the fan-out last said of it, and how old what came was, in ms. */
export interface Participant {
  readonly device: Device;
  readonly keepsUp: boolean;
  readonly ages: number[];
  stats: SessionStats | undefined;
  /** The fan-out had its session, and has it no more. */
  hasEnded: boolean;
}

/** The one that stops reading has less room, so that it overflows long before it reads on. */
export const sessionOptions = (liteId: string): SessionOptions => ({
  replay: true,
  capacity: liteId === 'stops-reading' ? 64 : undefined,
});

/** Connects `keepingUp` devices that keep up, a slow one, and one that stops reading after a while. */
export function connectAll(url: string, keepingUp: number, clock: CommitClock): Promise<Participant[]> {
  const connect = async (name: string, pace: { work?: number; stopsAfter?: number } = {}): Promise<Participant> => {
    const ages: number[] = [];
    const device = await connectDevice({ url, name, ...pace, applied: (msg) => ages.push(clock.age(msg)) });
    return { device, ages, keepsUp: name.startsWith('keeps-up'), stats: undefined, hasEnded: false };
  };
  const names = Array.from({ length: keepingUp }, (_, index) => `keeps-up-${index + 1}`);
  return Promise.all([
    ...names.map((name) => connect(name)),
    connect('slow', { work: SLOW_MS }),
    connect('stops-reading', { stopsAfter: STOPS_AFTER }),
  ]);
}

/** Takes the fan-out's counts; a session that has ended keeps its last ones. */
export function takeStats(participants: readonly Participant[], fanout: DefinitionSyncFanout): void {
  for (const participant of participants) {
    const stats = fanout.session(participant.device.name);
    participant.hasEnded = stats === undefined && participant.stats !== undefined;
    participant.stats = stats ?? participant.stats;
  }
}

export const holdingsOf = ({ device }: Participant): Holdings => inMessages(device.definitions.values());

export const countsHead = ['session', 'state', 'offered', 'delivered', 'dropped', 'superseded', 'waiting'];

export function countsOf({ device, stats, hasEnded }: Participant): (string | number)[] {
  if (stats === undefined) return [device.name, 'new', 0, 0, 0, 0, 0];
  const { state, offered, delivered, dropped, superseded, waiting, inFlight } = stats;
  return [device.name, hasEnded ? 'ended' : state, offered, delivered, dropped, superseded, waiting + inFlight];
}

export const summaryHead = [...countsHead, 'holds', 'same', 'p50 ms', 'p99 ms', 'max ms'];

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
