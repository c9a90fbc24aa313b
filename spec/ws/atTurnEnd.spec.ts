import { describe, expect, it } from '@jest/globals';
import { atTurnEnd } from '../../lib/ws/atTurnEnd.js';
import { settle } from '../helpers/promises.js';
import { unhandledDuring } from '../helpers/unhandled.js';

describe('atTurnEnd', () => {
  it('calls all of a turn back together, and in the next turn what they ask for', async () => {
    const story: string[] = [];
    atTurnEnd(() => {
      story.push('a');
      atTurnEnd(() => story.push('c'));
      setImmediate(() => story.push('next turn'));
    });
    atTurnEnd(() => story.push('b'));
    expect(story).toEqual([]);
    await settle();
    expect(story).toEqual(['a', 'b', 'c', 'next turn']);
  });

  it('calls the others back though one throws', async () => {
    const story: string[] = [];
    const thrown = await unhandledDuring(async () => {
      atTurnEnd(() => {
        throw new Error('the socket is broken');
      });
      atTurnEnd(() => story.push('other'));
      await settle();
    });
    expect([thrown, story]).toEqual([[new Error('the socket is broken')], ['other']]);
  });
});
