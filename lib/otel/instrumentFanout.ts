import type { Attributes, BatchObservableCallback, Meter, Observable } from '@opentelemetry/api';
import type { EndReason } from '../fanout/events.js';
import type { DefinitionSyncFanout } from '../fanout/fanout.js';
import { methodOption, objectOption } from '../options.js';

const sessionState = 'ddl_fanout.session.state';
const frameState = 'ddl_fanout.frame.state';
const outcome = 'ddl_fanout.frame.outcome';
const METER_METHODS = [
  'createObservableCounter',
  'createObservableUpDownCounter',
  'addBatchObservableCallback',
  'removeBatchObservableCallback',
];
const endReason = 'ddl_fanout.session.end_reason';

function instrumentsOf(meter: Meter) {
  const counter = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(`ddl_fanout.${name}`, { unit, description });
  const upDown = (name: string, unit: string, description: string) =>
    meter.createObservableUpDownCounter(`ddl_fanout.${name}`, { unit, description });
  return {
    broadcasts: counter('broadcasts', '{frame}', 'Messages that were encoded and numbered.'),
    failures: counter('encode_failures', '{message}', 'Messages that could not be encoded and were skipped.'),
    registrations: counter('session.registrations', '{session}', 'Sessions that were ever registered.'),
    ends: counter('session.ends', '{session}', 'Sessions that have ended since this was installed, by why.'),
    sessions: upDown('session.count', '{session}', 'Sessions that exist: active, or ending with frames to deliver.'),
    offered: counter('frame.offers', '{frame}', 'Frames offered to sessions, one per frame and session.'),
    settled: counter('frame.settlements', '{frame}', 'Offered frames that left, by what became of them.'),
    pending: upDown('frame.pending', '{frame}', 'Offered frames that wait or are being delivered.'),
  };
}

/**
 * Makes a fan-out's counts visible through OpenTelemetry; they are read when, and only when, the meter is collected. The ends of
 * sessions are counted as they come, from `events$`.
 *
 * | instrument | kind | unit | attribute |
 * |---|---|---|---|
 * | `ddl_fanout.broadcasts` | counter | `{frame}` | |
 * | `ddl_fanout.encode_failures` | counter | `{message}` | |
 * | `ddl_fanout.session.registrations` | counter | `{session}` | |
 * | `ddl_fanout.session.ends` | counter | `{session}` | `ddl_fanout.session.end_reason`: as on `events$`, `failed` and so on |
 * | `ddl_fanout.session.count` | up-down | `{session}` | `ddl_fanout.session.state`: `active`, `ending` |
 * | `ddl_fanout.frame.offers` | counter | `{frame}` | |
 * | `ddl_fanout.frame.settlements` | counter | `{frame}` | `ddl_fanout.frame.outcome`: `delivered`, `dropped`, `superseded`, `discarded` |
 * | `ddl_fanout.frame.pending` | up-down | `{frame}` | `ddl_fanout.frame.state`: `waiting`, `in_flight` |
 *
 * - All points of one collection are of one moment: offers equal settlements plus pending.
 * - No session id is ever an attribute: the number of series does not grow with the sessions.
 *
 * @param attributes put on every point, to tell two fan-outs of one process apart; default none
 * @returns uninstalls: from then on the fan-out is not read, and nothing here refers to it. (A cumulative exporter goes on
 *   telling the last values, as it does for any instrument.)
 * @throws {FanoutError} BAD_OPTION unless the fan-out has `stats`, the meter makes instruments, and the attributes are an object
 */
export function instrumentFanout(
  fanout: Pick<DefinitionSyncFanout, 'stats'> & Partial<Pick<DefinitionSyncFanout, 'events$'>>,
  meter: Meter,
  attributes: Attributes = {},
): () => void {
  methodOption('fanout', fanout, 'stats');
  for (const method of METER_METHODS) methodOption('meter', meter, method);
  objectOption('attributes', attributes);
  const of = instrumentsOf(meter);
  const ends: Record<EndReason, number> = { unsubscribed: 0, unregistered: 0, replaced: 0, completed: 0, failed: 0 };
  const observe: BatchObservableCallback = (result) => {
    const now = fanout.stats();
    const point = (metric: Observable, value: number, more?: Attributes) => {
      result.observe(metric, value, { ...attributes, ...more });
    };
    point(of.broadcasts, now.broadcast);
    point(of.failures, now.encodeFailures);
    point(of.registrations, now.sessionsRegistered);
    if (fanout.events$)
      for (const [reason, count] of Object.entries(ends)) point(of.ends, count, { [endReason]: reason });
    point(of.sessions, now.activeSessions, { [sessionState]: 'active' });
    point(of.sessions, now.ending, { [sessionState]: 'ending' });
    point(of.offered, now.offered);
    for (const what of ['delivered', 'dropped', 'superseded', 'discarded'] as const)
      point(of.settled, now[what], { [outcome]: what });
    point(of.pending, now.waiting, { [frameState]: 'waiting' });
    point(of.pending, now.inFlight, { [frameState]: 'in_flight' });
  };
  const observed = Object.values(of);
  meter.addBatchObservableCallback(observe, observed);
  const counting = fanout.events$?.subscribe((event) => {
    if (event.type === 'ended') ends[event.reason]++;
  });
  return () => {
    counting?.unsubscribe();
    meter.removeBatchObservableCallback(observe, observed);
  };
}
