import { describe, expect, it } from '@jest/globals';
import { DefinitionSyncFanout } from 'ddl-fanout';
import { failingDelivery, definition, recordingLogger } from 'ddl-fanout/testing';

describe('recordingLogger', () => {
  it('keeps every line in order, with its level, message and facts, if there are any', () => {
    const logger = recordingLogger();
    const context = { sessionId: 'lite' };
    logger.debug('a');
    logger.info('b', context);
    logger.warn('c');
    logger.error('d', context);
    expect(logger.lines).toEqual([
      { level: 'debug', message: 'a' },
      { level: 'info', message: 'b', context },
      { level: 'warn', message: 'c' },
      { level: 'error', message: 'd', context },
    ]);
  });

  it('tells of a line when it is kept', () => {
    const told: number[] = [];
    const logger = recordingLogger(({ level }) => {
      if (level === 'warn') told.push(logger.lines.length);
    });
    const fanout = new DefinitionSyncFanout({ logger });
    fanout.register('lite', failingDelivery()).subscribe();
    fanout.broadcast(definition('f()'));
    expect(told).toEqual([logger.lines.findIndex(({ level }) => level === 'warn') + 1]);
  });
});
