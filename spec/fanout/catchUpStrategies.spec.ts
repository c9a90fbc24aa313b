import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DefinitionSyncFanout, type DefinitionFrame, FanoutError, type OverflowStrategy } from 'ddl-fanout';
import { definition, marbles } from 'ddl-fanout/testing';
import { asyncScheduler, map, tap, timer } from 'rxjs';
import { fold, short } from '../helpers/byHand.js';
import { silent } from '../helpers/fanout.js';

const page = readFileSync(new URL('../../docs/delivery.md', import.meta.url), 'utf8');

/** Each delivery takes 5 frames of time; one frame waits (capacity 1). The Origin ends with the first b, the second a and c. */
const source = '-abac--------------------|';
const full = new FanoutError('BUFFER_OVERFLOW', 'at most 1 values (the capacity) can wait, and one more arrived');

describe('the four overflow strategies, side by side', () => {
  it.each<[OverflowStrategy, string, string[], object]>([
    ['drop-incoming', '------a----b-------------|', ['a@1', 'b@2'], { dropped: 2 }],
    ['drop-oldest', '  ------a----c-------------|', ['a@1', 'c@4'], { dropped: 2 }],
    ['error', '        ---#', [], { dropped: 1, discarded: 2 }],
    ['catch-up', '     ------a----b----a----c---|', ['b@2', 'a@3', 'c@4'], { dropped: 0, superseded: 0 }],
  ])('%s', (overflow, result, held, counts) => {
    const fanout = new DefinitionSyncFanout({ catalog: true, logger: silent, scheduler: asyncScheduler });
    const got: string[] = [];
    marbles(({ hot, expectObservable }) => {
      const deliver = (frame: DefinitionFrame) => {
        const done = (): void => void got.push(short(frame));
        return timer(5).pipe(tap(done), map(() => frame.msg.name)); // prettier-ignore
      };
      expectObservable(fanout.register('s', deliver, { overflow, capacity: 1 })).toBe(result, undefined, full);
      const messages$ = hot(source).pipe(map((name) => definition(name)));
      messages$.subscribe(fanout);
    });
    expect(fold(got)).toEqual(held);
    expect(fanout.stats()).toMatchObject(counts);
    expect(page).toContain(`source         ${source}`);
    expect(page).toContain(`${overflow.padEnd(15)}${result.trim()}`);
  });
});
