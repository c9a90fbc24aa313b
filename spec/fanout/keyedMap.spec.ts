import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyedMap } from '../../lib/fanout/keyedMap.js';

const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', '__proto__', ''), put: fc.boolean() });

describe('KeyedMap', () => {
  it('behaves as a Map, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const [ours, map] = [new KeyedMap<object>(), new Map<string, object>()];
        for (const { key, put } of steps) {
          const value = {};
          if (put) expect(ours.set(key, value)).toBe(map.get(key));
          if (put) map.set(key, value);
          else {
            ours.delete(key);
            map.delete(key);
          }
          expect(ours.get(key)).toBe(map.get(key));
          expect(ours.size).toBe(map.size);
        }
        expect(new Set(ours.values())).toEqual(new Set(map.values()));
      }),
    );
  });

  it('keeps what stays through a million keys that come and go', () => {
    const ours = new KeyedMap<object>();
    const stays = {};
    ours.set('stays', stays);
    for (let i = 0; i < 1_000_000; i++) {
      ours.set(`key ${i % 1_000}`, {});
      ours.delete(`key ${i % 1_000}`);
    }
    expect(ours.size).toBe(1);
    expect([...ours.values()]).toEqual([stays]);
  });
});
