import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import { DefinitionSyncFanout } from 'ddl-fanout';
import * as ws from 'ddl-fanout/ws';
import { serveDefinitions } from 'ddl-fanout/ws';
import { recordingLogger } from 'ddl-fanout/testing';
import { checkServeOptions } from '../../lib/ws/serverOptions.js';

const fanout = new DefinitionSyncFanout();
const filled = new DefinitionSyncFanout({ catalog: true });
const authenticate = () => ({ subject: 's' });

describe('serveDefinitions', () => {
  it.each<[string, Record<string, unknown>]>([
    ['fanout.register', { fanout: {} }],
    ['fanout.register', { fanout: { register: 5 } }],
    ['authenticate', { authenticate: undefined }],
    ['onSession', { onSession: 5 }],
    ['port', { port: -1 }],
    ['port', { port: 65_536 }],
    ['host', { host: 1 }],
    ['port', { server: createServer(), port: 1 }],
    ['host', { server: createServer(), host: 'here' }],
    ['server.on', { server: {} }],
    ['server', { server: null }],
    ['path', { path: 'sync' }],
    ['path', { path: '/sync?from=here' }],
    ['path', { path: '/with space' }],
    ['path', { path: '/ü' }],
    ['path', { path: '/a/../b' }],
    ['path', { path: '//a' }],
    ['host', { host: '' }],
    ['replay', { replay: true }],
    ['replay', { replay: 'all' }],
    ['replay', { replay: null }],
    ['overflow', { overflow: 'catch-up' }],
    ['overflow', { overflow: 'latest' }],
    ['capacity', { capacity: -1 }],
    ['logger.debug', { logger: {} }],
    ['limits', { limits: null }],
    ['limits', { limits: 5 }],
    ['limits.maxSessions', { limits: { maxSessions: 0 } }],
    ['limits.maxSessions', { limits: { maxSessions: null } }],
    ['limits.handshakeTimeout', { limits: { handshakeTimeout: 0 } }],
    ['limits.idleTimeout', { limits: { idleTimeout: 2 ** 31 } }],
    ['limits.maxFrameBytes', { limits: { maxFrameBytes: 4 } }],
    ['limits.highWaterMark', { limits: { highWaterMark: 0.5 } }],
  ])('throws BAD_OPTION at the call for a bad %s', (option, bad) => {
    expect(() => serveDefinitions({ fanout, authenticate, ...bad })).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: expect.stringMatching(`${option} .*(must be|needs)`) as unknown,
      }),
    );
  });

  it('has the limits that the manual tells, unless others are given', () => {
    const defaults = {
      maxSessions: 1_024,
      handshakeTimeout: 10_000,
      idleTimeout: 300_000,
      maxFrameBytes: 65_536,
      highWaterMark: 1_048_576,
    };
    expect(checkServeOptions({ fanout, authenticate }).limits).toEqual(defaults);
    expect(checkServeOptions({ fanout, authenticate, limits: { maxSessions: 5 } }).limits).toEqual({
      ...defaults,
      maxSessions: 5,
    });
  });

  it('takes an explicit undefined for every optional property', async () => {
    const none = { server: undefined, port: undefined, host: undefined, path: undefined, replay: undefined };
    const rest = { capacity: undefined, overflow: undefined, logger: undefined };
    const limits = { maxSessions: undefined, handshakeTimeout: undefined, idleTimeout: undefined };
    const more = { maxFrameBytes: undefined, highWaterMark: undefined };
    const server = await serveDefinitions({
      fanout: filled,
      authenticate,
      ...none,
      ...rest,
      limits: { ...limits, ...more },
    });
    expect(server.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/sync$/);
    await server.close();
  });

  it('throws BAD_OPTION at the call for a path that it serves on the same server already', async () => {
    const server = createServer();
    const first = await serveDefinitions({ fanout: filled, authenticate, server });
    expect(() => serveDefinitions({ fanout: filled, authenticate, server })).toThrow(
      'path must be one that is not served',
    );
    const second = await serveDefinitions({ fanout: filled, authenticate, server, path: '/other' });
    const third = serveDefinitions({ fanout: filled, authenticate, server, path: '/third' });
    // Before the first of the two listens.
    expect(() => serveDefinitions({ fanout: filled, authenticate, server, path: '/third' })).toThrow(
      'path must be one',
    );
    await (await third).close();
    await first.close();
    await (await serveDefinitions({ fanout: filled, authenticate, server })).close();
    await second.close();
  });

  it.each([-1, NaN, Infinity, 2 ** 31, '5', null])('throws BAD_OPTION at close for a grace of %p', async (grace) => {
    const server = await serveDefinitions({ fanout: filled, authenticate });
    expect(() => server.close({ grace: grace as number })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining('grace must be') as unknown }),
    );
    await server.close();
  });

  it.each([null, 5, 'now'])('throws BAD_OPTION at close for the options %p', async (options) => {
    const server = await serveDefinitions({ fanout: filled, authenticate });
    expect(() => server.close(options as never)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    await server.close();
  });

  it('takes limits that are no whole milliseconds, or no limits at all', async () => {
    const limits = { handshakeTimeout: 0.5, idleTimeout: 0.5, maxSessions: Infinity, maxFrameBytes: Infinity };
    const server = await serveDefinitions({ fanout: filled, authenticate, limits });
    expect(server.stats()).toMatchObject({ connections: 0, full: 0 });
    await server.close();
  });

  it.each([
    ['warns of a fan-out without a catalog', {}, ['the fan-out has no catalog']],
    ['does not where no replay is meant', { replay: false }, []],
    ['nor of one with a catalog', { fanout: filled }, []],
  ])('%s', async (_title, options, said) => {
    const logger = recordingLogger();
    await (await serveDefinitions({ fanout, authenticate, logger, ...options })).close();
    const warnings = logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message.split(',')[0]);
    expect(warnings).toEqual(said);
  });

  const nothing = (): void => undefined;
  it.each<[string, before: (over: DefinitionSyncFanout) => void, later: (over: DefinitionSyncFanout) => void]>([
    ['is over already', (over) => over.complete(), nothing],
    ['is over later', nothing, (over) => over.complete()],
    ['has failed later', nothing, (over) => over.error(new Error('no'))],
  ])('warns of a fan-out that %s, to which every client would come for nothing', async (_, before, later) => {
    const logger = recordingLogger();
    const over = new DefinitionSyncFanout({ catalog: true, logger: recordingLogger() });
    before(over);
    const server = await serveDefinitions({ fanout: over, authenticate, logger });
    later(over);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the fan-out is over: new connections are closed with 1013'],
    ]);
    await server.close();
  });

  it('says nothing of a fan-out that ends behind it', async () => {
    const logger = recordingLogger();
    const over = new DefinitionSyncFanout({ catalog: true });
    const server = await serveDefinitions({ fanout: over, authenticate, logger });
    const closed = server.close();
    over.complete();
    await closed;
    expect(logger.lines).toEqual([]);
  });

  it('rejects when it cannot listen', async () => {
    const first = await serveDefinitions({ fanout: filled, authenticate });
    const port = Number(new URL(first.url).port);
    await expect(serveDefinitions({ fanout: filled, authenticate, port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await first.close();
  });
});

describe('ddl-fanout/ws', () => {
  it('exports these names', () => {
    expect(Object.keys(ws)).toEqual([
      'AuthenticationUnavailable',
      'CloseCode',
      'deliverTo',
      'jwtAuthenticator',
      'serveDefinitions',
    ]);
  });
});
