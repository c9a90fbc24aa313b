import { describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { FanoutError } from 'ddl-fanout';
import { natsDefinitions } from 'ddl-fanout/nats';

/** Options are checked before the connection is touched. */
const untouched = {} as NatsConnection;

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
    ['timeout', { timeout: 99 }],
    ['timeout', { timeout: 60_001 }],
    ['timeout', { timeout: 1_000.5 }],
    ['logger.debug', { logger: {} }],
  ])('rejects with BAD_OPTION that names %s for %j', async (option, options) => {
    const opened = natsDefinitions(untouched, options);
    await expect(opened).rejects.toThrow(FanoutError);
    await expect(opened).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining(`${option} must be`),
    });
  });
});
