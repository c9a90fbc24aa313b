import { expect } from '@jest/globals';
import type { DefinitionFrame, DefinitionSyncFanout, DefinitionSyncMsg, FanoutEvent, Logger } from 'ddl-fanout';
import { definition, marbles } from 'ddl-fanout/testing';
import { config } from 'rxjs';

/** For fan-outs whose log is not what a spec is about. */
export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A message that the wire cannot carry. */
export const unencodable: DefinitionSyncMsg = definition('\ud800');

/** Broadcasts one message for every name. */
export function broadcast(fanout: DefinitionSyncFanout, ...names: string[]): void {
  for (const name of names) fanout.broadcast(definition(name));
}

/** The name of the definition in a frame. */
export function nameOf(frame: DefinitionFrame): string {
  return frame.msg.name;
}

/** A delivery that is done at once and keeps the names it was given. */
export function keeper(): { readonly names: string[]; readonly deliver: (frame: DefinitionFrame) => void } {
  const names: string[] = [];
  return { names, deliver: (frame) => void names.push(nameOf(frame)) };
}

/** Everything told on `events$`, as short text: `ended a replaced`. */
export function eventsOf(fanout: DefinitionSyncFanout): string[] {
  const told: string[] = [];
  fanout.events$.subscribe({ next: (event) => told.push(text(event)), complete: () => told.push('|') });
  return told;
}

function text(event: FanoutEvent): string {
  if (event.type === 'encode-failed') return `encode-failed ${event.error.code}`;
  const { type, sessionId } = event;
  if (type === 'ended') return `ended ${sessionId} ${event.reason} ${event.discarded}`;
  if (type === 'overflow-ended') return `${type} ${sessionId} ${event.lost}`;
  if (type === 'caught-up') return `${type} ${sessionId} ${event.sequence}`;
  return `${type} ${sessionId}`;
}

/** Every sum of F9 that does not add up now. To be looked at behind a callback, since what that throws is caught. */
export function imbalances(fanout: DefinitionSyncFanout): string[] {
  const wrong: string[] = [];
  const same = (what: string, one: unknown, other: unknown) => {
    if (one !== other) wrong.push(`${what}: ${String(one)}, not ${String(other)}`);
  };
  let sessions = 0;
  for (const session of fanout.sessions()) {
    const { sessionId, offered, delivered, dropped, superseded, waiting, inFlight } = session;
    sessions++;
    same(`offered to ${sessionId}`, offered, delivered + dropped + superseded + waiting + inFlight);
    same(`offered to ${sessionId}, asked alone`, fanout.session(sessionId)?.offered, offered);
  }
  const { offered, delivered, dropped, superseded, discarded, waiting, inFlight, ...rest } = fanout.stats();
  same('offered', offered, delivered + dropped + superseded + discarded + waiting + inFlight);
  same('activeSessions', rest.activeSessions, sessions);
  same('fanout.activeSessions', fanout.activeSessions, sessions);
  same('fanout.sessionsRegistered', fanout.sessionsRegistered, rest.sessionsRegistered);
  same('fanout.framesDropped', fanout.framesDropped, dropped);
  return wrong;
}

/** Asserts F9's sums, of every session and over all. */
export function expectBalance(fanout: DefinitionSyncFanout): void {
  expect(imbalances(fanout)).toEqual([]);
}

/** Runs `body` in virtual time, and returns the errors that no stream could carry. */
export function unhandledIn(body: Parameters<typeof marbles>[0]): unknown[] {
  const errors: unknown[] = [];
  const before = config.onUnhandledError;
  config.onUnhandledError = (error) => errors.push(error);
  try {
    marbles(body);
  } finally {
    config.onUnhandledError = before;
  }
  return errors;
}
