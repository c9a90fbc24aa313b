import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import { DefinitionSyncFanout } from 'ddl-fanout';
import * as ws from 'ddl-fanout/ws';
import { serveDefinitions } from 'ddl-fanout/ws';

const fanout = new DefinitionSyncFanout();
const authenticate = () => ({ subject: 's' });

describe('serveDefinitions', () => {
  it.each<[string, Record<string, unknown>]>([
    ['fanout.register', { fanout: {} }],
    ['authenticate', { authenticate: undefined }],
    ['port', { port: -1 }],
    ['port', { port: 65_536 }],
    ['host', { host: 1 }],
    ['port', { server: createServer(), port: 1 }],
    ['host', { server: createServer(), host: 'here' }],
    ['server.on', { server: {} }],
    ['path', { path: 'sync' }],
    ['replay', { replay: true }],
    ['replay', { replay: 'all' }],
    ['overflow', { overflow: 'catch-up' }],
    ['overflow', { overflow: 'latest' }],
    ['capacity', { capacity: -1 }],
    ['logger.debug', { logger: {} }],
    ['limits.maxSessions', { limits: { maxSessions: 0 } }],
    ['limits.handshakeTimeout', { limits: { handshakeTimeout: 0 } }],
    ['limits.idleTimeout', { limits: { idleTimeout: 2 ** 31 } }],
    ['limits.maxFrameBytes', { limits: { maxFrameBytes: 4 } }],
    ['limits.highWaterMark', { limits: { highWaterMark: 0.5 } }],
  ])('throws BAD_OPTION at the call for a bad %s', (option, bad) => {
    expect(() => serveDefinitions({ fanout, authenticate, ...bad })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) as unknown }),
    );
  });

  it('takes an explicit undefined for every optional property', async () => {
    const none = { server: undefined, port: undefined, host: undefined, path: undefined, replay: undefined };
    const rest = { capacity: undefined, overflow: undefined, logger: undefined };
    const limits = { maxSessions: undefined, handshakeTimeout: undefined, idleTimeout: undefined };
    const more = { maxFrameBytes: undefined, highWaterMark: undefined };
    const server = await serveDefinitions({ fanout, authenticate, ...none, ...rest, limits: { ...limits, ...more } });
    expect(server.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/sync$/);
    await server.close();
  });

  it('rejects when it cannot listen', async () => {
    const first = await serveDefinitions({ fanout, authenticate });
    const port = Number(new URL(first.url).port);
    await expect(serveDefinitions({ fanout, authenticate, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
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
