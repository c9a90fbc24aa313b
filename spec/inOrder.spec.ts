import { describe, expect, it } from '@jest/globals';
import { InOrder } from '../lib/inOrder.js';

/** Keeps what happened, and adds what `more` says while a value is handled. */
function told(more: (value: number, values: InOrder<number>) => void) {
  const story: string[] = [];
  const values: InOrder<number> = new InOrder<number>(
    (value) => {
      story.push(`(${value}`);
      more(value, values);
      story.push(`${value})`);
    },
    () => story.push('|'),
  );
  return { story, values };
}

describe('InOrder', () => {
  it('lets what comes while one is handled wait its turn', () => {
    const { story, values } = told((value) => {
      if (value < 3) values.next(value + 1);
    });
    values.next(1);
    expect(story).toEqual(['(1', '1)', '(2', '2)', '(3', '3)']);
  });

  it('ends behind all that came, at once when nothing is handled', () => {
    const { story, values } = told((value) => {
      if (value > 1) return;
      values.complete();
      values.next(2);
    });
    values.next(1);
    expect(story).toEqual(['(1', '1)', '(2', '2)', '|']);
    const idle = told(() => undefined);
    idle.values.complete();
    expect(idle.story).toEqual(['|']);
  });

  it('lets go of what waits when it is told to', () => {
    const { story, values } = told((value) => {
      if (value > 1) return;
      values.next(2);
      values.clear();
    });
    values.next(1);
    expect(story).toEqual(['(1', '1)']);
  });

  it('goes on with the next value when one could not be handled', () => {
    const { story, values } = told((value) => {
      if (value === 1) throw new Error('no');
    });
    expect(() => values.next(1)).toThrow('no');
    values.next(2);
    expect(story).toEqual(['(1', '(2', '2)']);
  });

  it('grows no stack', () => {
    let count = 0;
    const values: InOrder<number> = new InOrder<number>(
      (value) => {
        count++;
        if (value > 0) values.next(value - 1);
      },
      () => undefined,
    );
    values.next(100_000);
    expect(count).toBe(100_001);
  });
});
