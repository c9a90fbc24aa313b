import { describe, expect, it } from '@jest/globals';
import { config } from 'rxjs';
import { reportUnhandled } from '../lib/unhandled.js';
import { unhandledIn } from './helpers/fanout.js';

describe('reportUnhandled', () => {
  it('calls the hook later, so that nothing on the stack is thrown into', () => {
    const told: string[] = [];
    const unhandled = unhandledIn(() => {
      reportUnhandled('late');
      told.push('returned');
    });
    expect(told).toEqual(['returned']);
    expect(unhandled).toEqual(['late']);
  });

  it('leaves the hook as it was', () => {
    const before = config.onUnhandledError;
    unhandledIn(() => reportUnhandled('late'));
    expect(config.onUnhandledError).toBe(before);
  });
});
