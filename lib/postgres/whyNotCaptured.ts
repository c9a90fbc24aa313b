import type { CaptureNames } from './captureNames.js';

/** SQL for a row of `on_end` and `on_drop`: whether that event trigger fires in ordinary sessions; null when there is none. */
export function eventTriggers({ literal }: CaptureNames): string {
  // By their functions, as they are made and removed: a restore may have met others of their names.
  const fires = (name: string) => `pg_catalog.bool_or(e.evtenabled IN ('O', 'A')) FILTER (WHERE p.proname = '${name}')`;
  return `SELECT ${fires('on_command_end')} AS on_end, ${fires('on_drop')} AS on_drop FROM pg_catalog.pg_event_trigger e
    JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = ${literal}`;
}

/** Why DDL is not captured at this moment, from the answer to `eventTriggers`; `undefined` when it is. */
export function whyNotCaptured(names: CaptureNames, onEnd: unknown, onDrop: unknown): string | undefined {
  const faults = [
    { name: names.onCommandEnd, fires: onEnd },
    { name: names.onDrop, fires: onDrop },
  ].flatMap(({ name, fires }) => {
    if (fires === null) return [`the event trigger ${name} is missing`];
    return fires === false ? [`the event trigger ${name} is disabled`] : [];
  });
  if (faults.length === 0) return undefined;
  return `${faults.join(' and ')}, so DDL is not captured: call installCapture, which also tells what was missed`;
}
