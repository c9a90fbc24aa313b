import { describe, expect, it } from '@jest/globals';
import { Row } from '../lib/row.js';
import { alive } from './helpers/garbage.js';
import type { Place } from '../lib/row.js';

/** A value that somebody waits for, and its place. */
function waitedFor<T>(row: Row<T>, value: T): Place<T> | undefined {
  row.push(value);
  const place = row.take();
  row.passed(false);
  return place;
}

/** Appends three objects; returns the second one's place. */
function secondOf(row: Row<object>, refs: WeakRef<object>[]): Place<object> | undefined {
  const places = Array.from({ length: 3 }, () => {
    const value = {};
    refs.push(new WeakRef(value));
    return waitedFor(row, value);
  });
  return places[1];
}

describe('Row', () => {
  it('links every place to the next, up to an empty one', () => {
    const row = new Row<number>();
    const first = waitedFor(row, 1);
    waitedFor(row, 2);
    waitedFor(row, 3);
    expect([first?.value, first?.next?.value, first?.next?.next?.value]).toEqual([1, 2, 3]);
    expect(first?.next?.next?.next).toEqual({ value: undefined, next: undefined });
  });

  it('gives the value under way one place, whoever waits for it, and who is to wait for the next that one', () => {
    const row = new Row<number>();
    const first = row.next();
    row.push(1);
    expect(row.take()).toBe(first);
    expect(row.take()).toBe(first);
    expect(row.next()).toBe(first.next);
    row.passed(false);
    expect(row.next()).toBe(first.next);
    expect(first.value).toBe(1);
  });

  it('is parted by a value that nobody waits for, though somebody is to wait for the next', () => {
    const row = new Row<number>();
    const before = waitedFor(row, 1);
    row.push(2);
    const next = row.next();
    row.passed(false);
    expect(before?.next).toEqual({ value: undefined, next: undefined });
    expect(waitedFor(row, 3)).toBe(next);
  });

  it('is not parted by a value that somebody waits for who stands before it', () => {
    const row = new Row<number>();
    const before = waitedFor(row, 1);
    row.push(2);
    row.passed(true);
    expect(before?.next?.next).toBe(waitedFor(row, 3));
  });

  // The list used to go on for ever, and one old place kept all that came later from the quick collections.
  it('is parted by a value that nobody waits for, which it lets go', () => {
    const row = new Row<number>();
    const before = waitedFor(row, 1);
    row.push(2);
    row.passed(false);
    const behind = waitedFor(row, 3);
    expect(before?.next).toEqual({ value: undefined, next: undefined });
    expect(before?.next).not.toBe(behind);
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
