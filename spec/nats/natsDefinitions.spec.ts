import { describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { natsDefinitions } from 'ddl-fanout/nats';

/** Options are checked before the connection is touched. */
const untouched = Object.freeze({ request: () => undefined }) as unknown as NatsConnection;

describe('natsDefinitions', () => {
  it.each<[string, object]>([
    ['bucket', { bucket: 'a.b' }],
    ['bucket', { bucket: '' }],
    ['bucket', { bucket: 'definitions_leader' }],
    ['bucket', { bucket: 7 }],
    ['replicas', { replicas: 0 }],
    ['replicas', { replicas: 6 }],
    ['storage', { storage: 'disk' }],
    ['maxBytes', { maxBytes: 0 }],
    ['maxBytes', { maxBytes: 2 ** 53 }],
    ['maxBytes', { maxBytes: 1e300 }],
    ['history', { history: 0 }],
    ['history', { history: 65 }],
    ['timeout', { timeout: 99 }],
    ['timeout', { timeout: 60_001 }],
    ['timeout', { timeout: 1_000.5 }],
    ['logger.debug', { logger: {} }],
  ])('throws BAD_OPTION that names %s for %j, at the call', (option, options) => {
    expect(() => natsDefinitions(untouched, options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) }),
    );
  });

  it.each<[string, unknown]>([
    ['connection', undefined],
    ['connection', 'nats://127.0.0.1'],
    ['connection.request', {}],
    ['connection.request', { request: 1 }],
  ])('throws BAD_OPTION that names %s for the connection %j', (option, connection) => {
    expect(() => natsDefinitions(connection as NatsConnection)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) }),
    );
  });
});
