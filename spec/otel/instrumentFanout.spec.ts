import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { DefinitionSyncFanout, type FanoutEvent } from 'ddl-fanout';
import { instrumentFanout } from 'ddl-fanout/otel';
import { definition, failingDelivery, recordingLogger, stalledDelivery } from 'ddl-fanout/testing';
import type { Meter } from '@opentelemetry/api';
import { EMPTY, Subject } from 'rxjs';

const stats = {
  broadcast: 7,
  encodeFailures: 1,
  activeSessions: 3,
  sessionsRegistered: 5,
  ending: 1,
  offered: 21,
  delivered: 9,
  dropped: 4,
  superseded: 2,
  discarded: 1,
  waiting: 3,
  inFlight: 2,
};

const quiet = (): void => undefined;

describe('instrumentFanout', () => {
  let exporter: InMemoryMetricExporter;
  let provider: MeterProvider;

  beforeEach(() => {
    exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    provider = new MeterProvider({ readers: [reader] });
  });
  afterEach(() => provider.shutdown());

  /** One collection: `name {attribute}` to value. */
  async function collect(): Promise<Record<string, unknown>> {
    exporter.reset();
    await provider.forceFlush();
    const points: Record<string, unknown> = {};
    for (const { scopeMetrics } of exporter.getMetrics())
      for (const { metrics } of scopeMetrics)
        for (const { descriptor, dataPoints } of metrics)
          for (const { attributes, value } of dataPoints)
            points[[descriptor.name, ...Object.values(attributes)].join(' ')] = value;
    return points;
  }

  it('observes every count of `stats()`, with its state or outcome as an attribute', async () => {
    instrumentFanout({ stats: () => stats }, provider.getMeter('spec'));
    expect(await collect()).toEqual({
      'ddl_fanout.broadcasts': 7,
      'ddl_fanout.encode_failures': 1,
      'ddl_fanout.session.registrations': 5,
      'ddl_fanout.session.count active': 3,
      'ddl_fanout.session.count ending': 1,
      'ddl_fanout.frame.offers': 21,
      'ddl_fanout.frame.settlements delivered': 9,
      'ddl_fanout.frame.settlements dropped': 4,
      'ddl_fanout.frame.settlements superseded': 2,
      'ddl_fanout.frame.settlements discarded': 1,
      'ddl_fanout.frame.pending waiting': 3,
      'ddl_fanout.frame.pending in_flight': 2,
    });
  });

  it('gives every instrument a unit in braces and a description', async () => {
    instrumentFanout({ stats: () => stats, events$: EMPTY }, provider.getMeter('spec'));
    await collect();
    const descriptors = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics.map((metric) => metric.descriptor)));
    expect(descriptors).toHaveLength(8);
    for (const { unit, description } of descriptors) {
      expect(unit).toMatch(/^\{(frame|message|session)\}$/);
      expect(description).not.toBe('');
    }
  });

  it('reads `stats()` once per collection and never in between', async () => {
    let reads = 0;
    const count = () => ((reads += 1), stats);
    instrumentFanout({ stats: count }, provider.getMeter('spec'));
    expect(reads).toBe(0);
    await collect();
    expect(reads).toBe(1);
  });

  it('tells two fan-outs apart by the attributes given', async () => {
    const meter = provider.getMeter('spec');
    instrumentFanout({ stats: () => stats }, meter, { node: 'a' });
    instrumentFanout({ stats: () => ({ ...stats, broadcast: 8 }) }, meter, { node: 'b' });
    expect(await collect()).toMatchObject({ 'ddl_fanout.broadcasts a': 7, 'ddl_fanout.broadcasts b': 8 });
  });

  it('reads nothing more once uninstalled, however often that is called', async () => {
    let reads = 0;
    const uninstall = instrumentFanout({ stats: () => ((reads += 1), stats) }, provider.getMeter('spec'));
    await collect();
    uninstall();
    uninstall();
    await collect();
    expect(reads).toBe(1);
  });

  it('counts the ends of sessions by why, from when it was installed until it is uninstalled', async () => {
    const fanout = new DefinitionSyncFanout({ logger: recordingLogger() });
    fanout.register('before', quiet).subscribe().unsubscribe();
    const uninstall = instrumentFanout(fanout, provider.getMeter('spec'));
    fanout.register('left', quiet).subscribe().unsubscribe();
    for (let i = 0; i < 2; i++) fanout.register('again', quiet).subscribe();
    fanout.register('bad', failingDelivery()).subscribe();
    fanout.unregister('again');
    fanout.broadcast(definition('f()'));
    const ends = async () =>
      Object.fromEntries(
        Object.entries(await collect()).flatMap(([name, value]) => {
          const [, reason] = name.split('session.ends ');
          return reason === undefined ? [] : [[reason, value]];
        }),
      );
    const before = { unsubscribed: 1, replaced: 1, failed: 1, unregistered: 1, completed: 0 };
    expect(await ends()).toEqual(before);
    for (const id of ['one', 'two']) fanout.register(id, quiet).subscribe();
    fanout.complete();
    expect(await ends()).toEqual({ ...before, completed: 2 });
    uninstall();
  });

  it('leaves nobody at `events$` once uninstalled', () => {
    const events$ = new Subject<FanoutEvent>();
    const uninstall = instrumentFanout({ stats: () => stats, events$ }, provider.getMeter('spec'));
    expect(events$.observed).toBe(true);
    uninstall();
    expect(events$.observed).toBe(false);
  });

  it('leaves nobody at `events$` when the meter refuses it', () => {
    const events$ = new Subject<FanoutEvent>();
    const refuse = () => {
      throw new Error('too many callbacks');
    };
    const meter = Object.create(provider.getMeter('spec'), { addBatchObservableCallback: { value: refuse } }) as Meter;
    expect(() => instrumentFanout({ stats: () => stats, events$ }, meter)).toThrow('too many callbacks');
    expect(events$.observed).toBe(false);
  });

  it('tells a fan-out at work, and adds up', async () => {
    const fanout = new DefinitionSyncFanout({
      capacity: 1,
      logger: recordingLogger(),
    });
    instrumentFanout(fanout, provider.getMeter('spec'));
    fanout.register('fast', () => undefined).subscribe();
    fanout.register('stalled', stalledDelivery()).subscribe();
    for (const name of ['a', 'b', 'c', 'd']) fanout.broadcast(definition(name));
    const points = await collect();
    expect(points).toMatchObject({
      'ddl_fanout.broadcasts': 4,
      'ddl_fanout.session.count active': 2,
      'ddl_fanout.frame.offers': 8,
      'ddl_fanout.frame.settlements delivered': 4,
      'ddl_fanout.frame.settlements dropped': 2,
      'ddl_fanout.frame.pending waiting': 1,
      'ddl_fanout.frame.pending in_flight': 1,
    });
  });

  it('throws BAD_OPTION for something that is no fan-out', () => {
    for (const none of [{}, { stats: 5 }, null])
      expect(() => instrumentFanout(none as never, provider.getMeter('spec'))).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      );
  });

  it('throws BAD_OPTION for something that is no meter, and for attributes that are none', () => {
    const meter = provider.getMeter('spec');
    const partial: unknown = Object.create(meter, { removeBatchObservableCallback: { value: undefined } });
    for (const [given, attributes] of [[partial], [null], [meter, null], [meter, 5]] as const)
      expect(() => instrumentFanout({ stats: () => stats }, given as never, attributes as never)).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      );
  });
});
