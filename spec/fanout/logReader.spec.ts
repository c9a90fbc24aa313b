import { describe, expect, it } from '@jest/globals';
import { LogReader } from '../../lib/fanout/logReader.js';
import { ScopeLog } from '../../lib/fanout/scopeLog.js';
import { short } from '../helpers/byHand.js';
import { frames } from '../helpers/frames.js';

const CATCH_UP = { deletesUntil: 0, since: 0 };

/** Appends, offers each frame to the reader, and sweeps for nobody. */
function append(log: ScopeLog, changes: readonly string[], first: number, reader?: LogReader): number {
  let superseded = 0;
  for (const frame of frames(changes, first)) {
    log.append(frame);
    superseded += reader?.offered() ?? 0;
  }
  return superseded;
}

function rest(reader: LogReader): string[] {
  const got: string[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) got.push(short(frame));
  return got;
}

describe('LogReader', () => {
  it('reads on behind its position, and knows how much lies ahead', () => {
    const log = new ScopeLog(Infinity);
    append(log, ['+a', '+b', '-c', '+d'], 1);
    const reader = new LogReader(log, 1, CATCH_UP);
    expect(reader.waiting).toBe(3);
    expect(rest(reader)).toEqual(['+b@2', '-c@3', '+d@4']);
    expect([reader.waiting, reader.position, reader.next()]).toEqual([0, 4, undefined]);
    append(log, ['+e'], 5, reader);
    expect(reader.waiting).toBe(1);
    expect(rest(reader)).toEqual(['+e@5']);
  });

  it('keeps its place while the log is rebuilt under it', () => {
    const log = new ScopeLog(Infinity);
    append(log, ['+a', '+b', '+c'], 1);
    const reader = new LogReader(log, 0, CATCH_UP);
    expect(reader.next()).toMatchObject({ sequence: 1 });
    const { epoch } = log;
    const superseded = append(log, Array<string>(500).fill('+b'), 4, reader);
    expect(log.epoch).toBeGreaterThan(epoch);
    expect(superseded).toBe(500);
    expect(reader.waiting).toBe(2);
    expect(rest(reader)).toEqual(['+c@3', '+b@503']);
  });

  it('counts a frame as superseding only what still lay ahead', () => {
    const log = new ScopeLog(Infinity);
    append(log, ['+a', '+b'], 1);
    const reader = new LogReader(log, 0, CATCH_UP);
    reader.next();
    expect(append(log, ['+a'], 3, reader)).toBe(0);
    expect(append(log, ['+b'], 4, reader)).toBe(1);
    expect(reader.waiting).toBe(2);
  });

  it('is given no tombstone that was there before `since`, unless it was promised', () => {
    const log = new ScopeLog(Infinity);
    append(log, ['+a', '-b', '+c'], 1);
    const plain = new LogReader(log, 0, { deletesUntil: 0, since: 3 });
    const all = new LogReader(log, 0, { deletesUntil: 3, since: 3 });
    expect([plain.waiting, all.waiting]).toEqual([2, 3]);
    append(log, ['-a'], 4, plain);
    all.offered();
    expect(rest(plain)).toEqual(['+c@3', '-a@4']);
    expect(rest(all)).toEqual(['-b@2', '+c@3', '-a@4']);
    expect([plain.waiting, all.waiting]).toEqual([0, 0]);
  });

  it('frozen, gives the log as it was', () => {
    const log = new ScopeLog(Infinity);
    append(log, ['+a', '+b', '+c'], 1);
    const reader = new LogReader(log, 0, CATCH_UP);
    reader.next();
    reader.freeze(3);
    append(log, ['-b', '+d', '+c'], 4);
    reader.freeze(6);
    expect([reader.waiting, reader.position, reader.last]).toEqual([2, 1, 3]);
    expect(rest(reader)).toEqual(['+b@2', '+c@3']);
    expect(reader.waiting).toBe(0);
  });
});
