import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

/** Every subpath with everything that it exports at run time. */
const EXPORTS: Record<string, string[]> = {
  '.': [
    'DefinitionCatalog',
    'DefinitionSyncFanout',
    'FanoutError',
    'SyncMessageType',
    'WireError',
    'boundedBuffer',
    'decodeDefinitionSync',
    'decodeFrame',
    'decodeMessage',
    'definitionKey',
    'encodeDefinitionSync',
    'encodeFrame',
    'encodeMessage',
    'encodeOnce',
    'rememberIn',
    'splitFrames',
  ],
  './wire': [
    'SyncMessageType',
    'WireError',
    'decodeDefinitionSync',
    'decodeFrame',
    'decodeMessage',
    'encodeDefinitionSync',
    'encodeFrame',
    'encodeMessage',
  ],
  './operators': ['boundedBuffer', 'encodeOnce', 'splitFrames'],
  './ws': ['AuthenticationUnavailable', 'CloseCode', 'deliverTo', 'jwtAuthenticator', 'serveDefinitions'],
  './lite': ['LiteError', 'connectLite', 'definitionKey', 'fileStore', 'memoryStore'],
  './postgres': [
    'CaptureError',
    'forgetReader',
    'fromPg',
    'fromPglite',
    'installCapture',
    'postgresDefinitions',
    'removeCapture',
  ],
  './nats': ['NatsDefinitionsError', 'isUndeliverable', 'natsDefinitions'],
  './otel': ['instrumentFanout'],
  './testing': [
    'FakeSocket',
    'definition',
    'failingDelivery',
    'marbles',
    'recordingLogger',
    'slowDelivery',
    'stalledDelivery',
  ],
};

interface Manifest {
  exports: Record<string, unknown>;
}

describe('package exports', () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

  it('are the subpaths listed here, and no internals', () => {
    expect(Object.keys(exports)).toEqual([...Object.keys(EXPORTS), './package.json']);
  });

  it.each(Object.keys(EXPORTS))('%s exports exactly what is listed here', async (subpath) => {
    const module = (await import(subpath.replace('.', 'ddl-fanout'))) as object;
    expect(Object.keys(module).sort()).toEqual(EXPORTS[subpath]);
  });
});
