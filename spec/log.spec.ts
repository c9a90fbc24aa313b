import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { FanoutError } from 'ddl-fanout';
import { recordingLogger } from 'ddl-fanout/testing';
import { Logger as TsLogger } from 'tslog';
import { safeLogger } from '../lib/log.js';
import { silent, unhandledIn } from './helpers/fanout.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

describe('safeLogger', () => {
  afterEach(() => void jest.restoreAllMocks());

  it.each(LEVELS)('passes a line at %s on as it is', (level) => {
    const logger = recordingLogger();
    const context = { sessionId: 'a' };
    safeLogger(logger)[level]('a line', context);
    expect(logger.lines).toEqual([{ level, message: 'a line', context }]);
    expect(logger.lines[0]?.context).toBe(context);
  });

  it.each(LEVELS)('hands what the logger throws at %s to the unhandled hook', (level) => {
    const error = new Error('the disk is full');
    const fail = () => {
      throw error;
    };
    const unhandled = unhandledIn(() => safeLogger({ ...silent, [level]: fail })[level]('a line'));
    expect(unhandled).toEqual([error]);
  });

  it.each(LEVELS)('refuses a logger without %s', (level) => {
    const partial = { ...silent, [level]: undefined };
    expect(() => safeLogger(partial)).toThrow(FanoutError);
    expect(() => safeLogger(partial)).toThrow(`logger.${level} must be a function, got undefined`);
  });

  it('calls the methods on the logger itself, and asks for them at each line', () => {
    const lines: string[] = [];
    class Own {
      readonly prefix = 'own';
      debug(message: string): void {
        lines.push(`${this.prefix} ${message}`);
      }
      info = silent.info;
      warn = silent.warn;
      error = silent.error;
    }
    const own = new Own();
    const logger = safeLogger(own);
    logger.debug('1');
    own.debug = (message) => void lines.push(`replaced ${message}`);
    logger.debug('2');
    expect(lines).toEqual(['own 1', 'replaced 2']);
  });

  it('takes a logger of tslog as it is', () => {
    const written: unknown[] = [];
    const logger = new TsLogger({ type: 'hidden', minLevel: 'INFO' });
    logger.attachTransport((line) => void written.push(line));
    const safe = safeLogger(logger);
    safe.debug('below the level');
    safe.info('a line', { sessionId: 'a' });
    expect(written).toHaveLength(1);
  });

  it('writes warnings and errors with tslog by default, and nothing below', () => {
    const written: string[] = [];
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      jest.spyOn(console, method).mockImplementation((...args) => void written.push(args.join(' ')));
    }
    const logger = safeLogger();
    for (const level of LEVELS) logger[level](`a line at ${level}`);
    expect(written).toHaveLength(2);
    expect(written[0]).toContain('a line at warn');
    expect(written[1]).toContain('a line at error');
  });
});
