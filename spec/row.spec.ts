import { describe, expect, it } from '@jest/globals';
import { Row } from '../lib/row.js';
import { alive } from './helpers/garbage.js';
import type { Place } from '../lib/row.js';

/** Appends three objects; returns the second one's place. */
function secondOf(row: Row<object>, refs: WeakRef<object>[]): Place<object> | undefined {
  const places = Array.from({ length: 3 }, () => {
    const value = {};
    refs.push(new WeakRef(value));
    return row.append(value);
  });
  return places[1];
}

describe('Row', () => {
  it('links every place to the next, up to an empty one', () => {
    const row = new Row<number>();
    const first = row.append(1);
    row.append(2);
    row.append(3);
    expect([first.value, first.next?.value, first.next?.next?.value]).toEqual([1, 2, 3]);
    expect(first.next?.next?.next).toEqual({ value: undefined, next: undefined });
  });

  it('keeps a value for as long as somebody stands at its place or before', async () => {
    const refs: WeakRef<object>[] = [];
    const standing = [secondOf(new Row<object>(), refs)];
    const moveOn = () => {
      const next = standing.pop()?.next;
      if (next?.value !== undefined) standing.push(next);
    };
    expect(await alive(refs)).toBe(2);
    moveOn();
    expect(await alive(refs)).toBe(1);
    moveOn();
    expect(await alive(refs)).toBe(0);
  });
});
