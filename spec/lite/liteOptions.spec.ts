import { describe, expect, it } from '@jest/globals';
import { connectLite, memoryStore, type LiteOptions } from 'ddl-fanout/lite';
import { checkLiteOptions } from '../../lib/lite/liteOptions.js';
import { scriptedServer } from '../helpers/scriptedServer.js';

describe('connectLite', () => {
  it.each<[string, Partial<Record<keyof LiteOptions, unknown>>]>([
    ['url', { url: 'http://origin' }],
    ['url', { url: 'origin' }],
    ['url', { url: undefined }],
    ['url', { url: 'ws://origin/#here' }],
    ['token', { token: undefined }],
    ['token', { token: 5 }],
    ['clientVersion', { clientVersion: 1 }],
    ['liteId', { liteId: 1 }],
    ['epoch', { epoch: 1 }],
    ['epoch', { epoch: -1n }],
    ['epoch', { epoch: 2n ** 63n }],
    ['store.delete', { store: { ...memoryStore(), delete: undefined } }],
    ['store', { store: null }],
    ['liteId', { liteId: '\ud800' }],
    ['clientVersion', { clientVersion: 'a\udc00' }],
    ['token', { token: '\ud800' }],
    ['scheduler', { scheduler: null }],
    ['reconnect', { reconnect: null }],
    ['reconnect.initialDelay', { reconnect: { initialDelay: null } }],
    ['keepalive', { keepalive: null }],
    ['WebSocket', { WebSocket: 'ws' }],
    ['scheduler.schedule', { scheduler: {} }],
    ['reconnect.initialDelay', { reconnect: { initialDelay: 0 } }],
    ['reconnect.maxDelay', { reconnect: { initialDelay: 10, maxDelay: 9 } }],
    ['reconnect.maxDelay', { reconnect: { maxDelay: 0 } }],
    ['handshakeTimeout', { handshakeTimeout: NaN }],
    ['keepalive', { keepalive: 2 ** 31 }],
  ])('throws BAD_OPTION at the call for a bad %s', (option, bad) => {
    const { WebSocket } = scriptedServer();
    const options = { url: 'ws://origin', token: 't', WebSocket, ...bad } as unknown as LiteOptions;
    expect(() => connectLite(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) as unknown }),
    );
  });

  it.each([
    [{}, { initialDelay: 500, maxDelay: 30_000 }],
    [{ maxDelay: 200 }, { initialDelay: 200, maxDelay: 200 }],
    [{ initialDelay: 40_000 }, { initialDelay: 40_000, maxDelay: 40_000 }],
  ])('fits the other delay to %j', (reconnect, fitted) => {
    const { WebSocket } = scriptedServer();
    expect(checkLiteOptions({ url: 'ws://origin', token: 't', WebSocket, reconnect }).reconnect).toEqual(fitted);
  });

  it('gives the server 10 s to let it in, and 30 s of silence, unless told otherwise', () => {
    const { WebSocket } = scriptedServer();
    const checked = checkLiteOptions({ url: 'ws://origin', token: 't', WebSocket });
    expect(checked).toMatchObject({ handshakeTimeout: 10_000, keepalive: 30_000, clientVersion: '' });
  });

  it('takes an explicit undefined for every optional property', () => {
    const { WebSocket } = scriptedServer();
    const none = {
      clientVersion: undefined,
      liteId: undefined,
      epoch: undefined,
      store: undefined,
      reconnect: undefined,
    };
    const rest = { handshakeTimeout: undefined, keepalive: undefined, scheduler: undefined };
    connectLite({ url: 'wss://origin', token: 't', WebSocket, ...none, ...rest }).close();
  });
});
