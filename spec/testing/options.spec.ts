import { describe, expect, it } from '@jest/globals';
import { definition, FakeSocket, marbles, recordingLogger, slowDelivery } from 'ddl-fanout/testing';

describe('what specs are written with', () => {
  // Each was taken as it was, or a TypeError of whatever used it first.
  it.each<[string, string, (bad: never) => unknown, unknown]>([
    ['marbles', 'body', marbles, 5],
    ['slowDelivery', 'scheduler', (bad) => slowDelivery(1, bad), 5],
    ['slowDelivery', 'scheduler.now', (bad) => slowDelivery(1, bad), { schedule: () => undefined }],
    ['recordingLogger', 'told', recordingLogger, 5],
    ['FakeSocket', 'options', (bad) => new FakeSocket(bad), null],
    ['FakeSocket.drain', 'count', (bad) => new FakeSocket().drain(bad), -1],
    ['definition', 'name', definition, 5],
    ['definition', 'overrides', (bad) => definition('a', bad), null],
  ])('%s throws BAD_OPTION at the call for a bad %s', (_name, option, call, bad) => {
    expect(() => call(bad as never)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${option} must be`) as unknown }),
    );
  });
});
