import { describe, expect, it } from '@jest/globals';
import {
  boundedBuffer,
  decodeFrame,
  decodeMessage,
  DefinitionCatalog,
  DefinitionSyncFanout,
  encodeFrame,
  encodeOnce,
  splitFrames,
} from 'ddl-fanout';
import { connectLite } from 'ddl-fanout/lite';
import { natsDefinitions } from 'ddl-fanout/nats';
import { instrumentFanout } from 'ddl-fanout/otel';
import { forgetReader, installCapture, postgresDefinitions, removeCapture } from 'ddl-fanout/postgres';
import { deliverTo, jwtAuthenticator, serveDefinitions } from 'ddl-fanout/ws';
import { FakeUpgradedSocket } from './helpers/fakeUpgradedSocket.js';

const ignore = (): void => undefined;
const client = { connect: () => Promise.reject(new Error('not to be connected')) };
const fanout = new DefinitionSyncFanout();

/** Everything that takes options, given something else in their place. */
const takers: readonly (readonly [string, (options: never) => unknown])[] = [
  ['boundedBuffer', (options) => boundedBuffer(ignore, options)],
  ['encodeOnce', (options) => encodeOnce(options)],
  ['splitFrames', (options) => splitFrames(options)],
  ['decodeFrame', (options) => decodeFrame(encodeFrame(0xff, new Uint8Array(9)), options)],
  ['decodeMessage', (options) => decodeMessage(encodeFrame(0x90, new Uint8Array(9)), options)],
  ['DefinitionSyncFanout', (options) => new DefinitionSyncFanout(options)],
  ['DefinitionCatalog', (options) => new DefinitionCatalog(options)],
  ['register', (options) => fanout.register('a', ignore, options)],
  ['receiver', (options) => fanout.receiver('a', options)],
  ['deliverTo', (options) => deliverTo(new FakeUpgradedSocket(), options)],
  ['serveDefinitions', (options) => serveDefinitions(options)],
  ['jwtAuthenticator', (options) => jwtAuthenticator(options)],
  ['connectLite', (options) => connectLite(options)],
  ['installCapture', (options) => installCapture(client, options)],
  ['removeCapture', (options) => removeCapture(client, options)],
  ['forgetReader', (options) => forgetReader(client, 'a', options)],
  ['postgresDefinitions', (options) => postgresDefinitions(client, options)],
  ['natsDefinitions', (options) => natsDefinitions({} as never, options)],
  ['instrumentFanout', (options) => instrumentFanout(fanout, options)],
];

describe.each(takers)('%s', (_name, take) => {
  // An array, and a promise that somebody forgot to await, were options that say nothing.
  it.each([null, 5, 'text', true, [], Promise.resolve({})])(
    'refuses %p in the place of its options',
    async (options) => {
      const taken = new Promise((resolve) => {
        resolve(take(options as never));
      });
      await expect(taken).rejects.toMatchObject({ name: 'FanoutError', code: 'BAD_OPTION' });
    },
  );
});
