import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Ring } from '../lib/ring.js';
import { collectGarbage } from './helpers/collectGarbage.js';

describe('Ring', () => {
  it('gives values back in the order in which they came', () => {
    const ring = new Ring<number>();
    for (let i = 0; i < 10; i++) ring.push(i);
    expect(Array.from({ length: 10 }, () => ring.shift())).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(ring.length).toBe(0);
  });

  it('takes `undefined` and `null` for values like any other', () => {
    const ring = new Ring<undefined | null>();
    ring.push(undefined);
    ring.push(null);
    expect(ring.length).toBe(2);
    expect(ring.peek()).toBeUndefined();
    expect(ring.shift()).toBeUndefined();
    expect(ring.shift()).toBeNull();
    expect(ring.length).toBe(0);
  });

  it('does as an array does, whatever is pushed and shifted', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer(), { nil: 'shift' as const }), { maxLength: 200 }), (steps) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        for (const step of steps) {
          if (step !== 'shift') {
            ring.push(step);
            model.push(step);
          } else if (model.length > 0) {
            expect(ring.peek()).toBe(model[0]);
            expect(ring.shift()).toBe(model.shift());
          }
          expect(ring.length).toBe(model.length);
        }
      }),
    );
  });

  it('keeps the order when it grows while its head is not at the start', () => {
    const ring = new Ring<number>();
    for (let i = 0; i < 4; i++) ring.push(i);
    for (let i = 0; i < 3; i++) ring.shift();
    for (let i = 4; i < 12; i++) ring.push(i);
    expect(Array.from({ length: 9 }, () => ring.shift())).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('gives back the room that it took for very many, and goes on', async () => {
    const ring = new Ring<number>();
    await collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 1_000_000; i++) ring.push(i);
    for (let i = 0; i < 1_000_000; i++) ring.shift();
    await collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
    ring.push(1);
    expect(ring.shift()).toBe(1);
  });
});
