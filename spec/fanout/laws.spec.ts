import { describe, expect, it } from '@jest/globals';
import { definition } from 'ddl-fanout/testing';
import { alive } from '../helpers/garbage.js';
import { holders, type HolderOptions, type MakeHolder } from '../helpers/holders.js';

/** Lets promises settle. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Plays a script against one holder: a name is pushed, `take` ends the delivery in flight, `complete`, `error` and
 * `unsubscribe` end all. What comes of one step has come before the next.
 */
async function play(make: MakeHolder, options: HolderOptions, ...steps: string[]) {
  const log: string[] = [];
  const refs: WeakRef<object>[] = [];
  const holder = make(log, options);
  const push = (name: string) => {
    const msg = definition(name);
    refs.push(new WeakRef(msg));
    holder.push(msg);
  };
  await settled();
  for (const step of steps) {
    if (step === 'take') holder.take();
    else if (step === 'complete') holder.complete();
    else if (step === 'error') holder.error(new Error('lost'));
    else if (step === 'unsubscribe') holder.unsubscribe();
    else push(step);
    await settled();
  }
  return { log, dropped: holder.dropped(), refs, holder };
}

describe.each(holders)('%s', (_, make) => {
  it('gives in the order of arrival, one at a time', async () => {
    const { log } = await play(make, { capacity: 256 }, 'a', 'b', 'c');
    expect(log).toEqual(['a']);
    const taken = await play(make, { capacity: 256 }, 'a', 'b', 'c', 'take', 'take', 'd', 'take');
    expect(taken.log).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([1, 2, 3, 5, 10, 100])('lets exactly %i wait', async (capacity) => {
    const names = Array.from({ length: capacity + 4 }, (__, i) => String(i));
    const takes = names.map(() => 'take');
    const { log, dropped } = await play(make, { capacity }, ...names, ...takes);
    expect(log).toEqual(names.slice(0, capacity + 1));
    expect(dropped).toBe(3);
  });

  it('lets none wait at capacity 0, and drops the arriving', async () => {
    for (const overflow of ['drop-incoming', 'drop-oldest'] as const) {
      const { log, dropped } = await play(make, { capacity: 0, overflow }, 'a', 'b', 'c', 'take', 'd');
      expect(log).toEqual(['a', 'd']);
      expect(dropped).toBe(2);
    }
  });

  it('drops the arriving, by default', async () => {
    const { log, dropped } = await play(make, { capacity: 2 }, '1', '2', '3', '4', '5', 'take', 'take', '6', 'take');
    expect(log).toEqual(['1', '2', '3', '6']);
    expect(dropped).toBe(2);
  });

  it('drops the one that has waited longest, under drop-oldest', async () => {
    const options = { capacity: 2, overflow: 'drop-oldest' } as const;
    const { log, dropped } = await play(make, options, '1', '2', '3', '4', '5', 'take', 'take', '6', 'take');
    expect(log).toEqual(['1', '4', '5', '6']);
    expect(dropped).toBe(2);
  });

  it('fails, under error', async () => {
    const options = { capacity: 1, overflow: 'error' } as const;
    const { log, dropped } = await play(make, options, 'a', 'b', 'c', 'd', 'take', 'take');
    expect(log).toEqual(['a', '# BUFFER_OVERFLOW']);
    expect(dropped).toBe(1);
  });

  it('gives what waits before it completes', async () => {
    const { log } = await play(make, { capacity: 2 }, 'a', 'b', 'complete', 'late', 'take', 'take');
    expect(log).toEqual(['a', 'b', '|']);
  });

  it('completes at once when nothing waits', async () => {
    const { log } = await play(make, { capacity: 2 }, 'complete');
    expect(log).toEqual(['|']);
  });

  it('lets go of what waits when the source errors', async () => {
    const { log } = await play(make, { capacity: 2 }, 'a', 'b', 'error', 'take', 'late', 'take');
    expect(log).toEqual(['a', '# Error: lost']);
  });

  it('lets go of what waits when it is unsubscribed', async () => {
    const { log } = await play(make, { capacity: 2 }, 'a', 'b', 'unsubscribe', 'take', 'late', 'take');
    expect(log).toEqual(['a']);
  });

  it.each<[string, number, HolderOptions, string[]]>([
    ['has been delivered', 0, { capacity: 2 }, ['a', 'b', 'take', 'take', 'c', 'take']],
    ['arrived and was dropped', 1, { capacity: 2 }, ['a', 'b', 'c', 'd', 'e', 'take']],
    ['waited and was dropped', 1, { capacity: 1, overflow: 'drop-oldest' }, ['a', 'b', 'c', 'd', 'take', 'e']],
    ['waited when it overflowed', 0, { capacity: 2, overflow: 'error' }, ['a', 'b', 'c', 'd', 'take']],
    ['waited when it was unsubscribed', 0, { capacity: 2 }, ['a', 'b', 'c', 'unsubscribe']],
    ['waited when the source errored', 0, { capacity: 2 }, ['a', 'b', 'error', 'take']],
  ])('keeps no reference to what %s', async (__, left, options, steps) => {
    const { refs, holder } = await play(make, options, ...steps);
    expect(await alive(refs)).toBe(left);
    expect(holder).toBeDefined();
  });
});
