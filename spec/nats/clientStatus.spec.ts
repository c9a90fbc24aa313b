import { describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { lastValueFrom, merge } from 'rxjs';
import { ClientStatus } from '../../lib/nats/clientStatus.js';
import { settle } from '../helpers/promises.js';

describe('ClientStatus', () => {
  it('completes when the client fails to tell more: the failure was a rejection that nobody handled', async () => {
    const connection = {
      status: async function* () {
        yield await Promise.reject(new Error('boom'));
      },
    } as unknown as NatsConnection;
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    const { reconnects$, denials$ } = ClientStatus.of(connection);
    await lastValueFrom(merge(reconnects$, denials$), { defaultValue: undefined });
    await settle();
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });
});
