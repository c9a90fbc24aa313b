import { describe, expect, it } from '@jest/globals';
import { ScopeLog } from '../../lib/fanout/scopeLog.js';
import { frames } from '../helpers/frames.js';

function filled(changes: readonly string[], maxTombstones = Infinity): ScopeLog {
  const log = new ScopeLog(maxTombstones);
  for (const frame of frames(changes)) {
    log.append(frame);
    log.sweep();
  }
  return log;
}

describe('ScopeLog', () => {
  it('counts live definitions and tombstones', () => {
    const log = filled(['+a', '+b', '-a', '-c', '+b']);
    expect([log.live, log.size]).toEqual([1, 3]);
  });

  it('stays as long as what exists, whatever the number of changes', () => {
    const log = filled(Array.from({ length: 50_000 }, (_, i) => `+d${i % 10}`));
    expect(log.size).toBe(10);
    expect(log.entries.length).toBeLessThanOrEqual(2 * 10 + 33);
    expect(log.epoch).toBeGreaterThan(0);
    log.entries.forEach((entry, slot) => expect(entry?.slot ?? slot).toBe(slot));
  });

  it('finds the first slot above a sequence, before and after it was rebuilt', () => {
    const changes = Array.from({ length: 200 }, (_, i) => `+d${i % 20}`);
    for (const length of [0, 1, 20, 21, 53, 54, 100, 200]) {
      const log = filled(changes.slice(0, length));
      for (let sequence = 0; sequence <= length; sequence++) {
        const found = log.entries.slice(log.slotAfter(sequence)).find((entry) => entry !== undefined);
        const expected = log.entries.find((entry) => entry !== undefined && entry.frame.sequence > sequence);
        expect(found).toBe(expected);
      }
    }
  });

  it('says what the newest frame replaced', () => {
    const log = filled(['+a']);
    expect(log.replaced.sequence).toBe(0);
    for (const frame of frames(['-a'], 2)) log.append(frame);
    expect(log.replaced).toEqual({ sequence: 1, tombstone: false, spare: false });
    log.sweep();
    for (const frame of frames(['+a'], 3)) log.append(frame);
    expect(log.replaced).toEqual({ sequence: 2, tombstone: true, spare: true });
  });

  it('lets a definition live on through its changes, and start anew behind a delete that nobody needs', () => {
    const log = filled(['+a', '+a', '-a', '+a']);
    expect(log.entries.at(-1)).toMatchObject({ born: 4, heard: 1 });
    const unknown = filled(['-a']);
    expect(unknown.entries.at(-1)).toMatchObject({ born: 0, heard: 1 });
  });
});
