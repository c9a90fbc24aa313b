import { describe, expect, it } from '@jest/globals';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { WireError } from 'ddl-fanout';
import { isUndeliverable, NatsDefinitionsError } from 'ddl-fanout/nats';
import { definitionsError, isPassing } from '../../lib/nats/errors.js';

const api = (err_code: number, description = 'said the server', code = 500) =>
  new JetStreamApiError({ err_code, description, code });

describe('definitionsError', () => {
  it.each<[string, Error]>([
    ['BUCKET_FULL', api(10077, 'maximum bytes exceeded')],
    ['UNAVAILABLE', api(10077, 'stream closed')],
    ['BUCKET_FULL', api(10026)],
    ['BUCKET_FULL', api(10027)],
    ['UNAVAILABLE', api(10008, 'temporarily unavailable', 503)],
    ['UNAVAILABLE', api(10009)],
    ['BUCKET_REPLACED', api(10059)],
    ['NO_JETSTREAM', api(10039)],
    ['TOO_FEW_SERVERS', api(10074)],
    ['UNAVAILABLE', new errors.TimeoutError()],
    ['UNAVAILABLE', new errors.NoRespondersError('$KV.a')],
    ['CLOSED', new errors.ClosedConnectionError()],
    ['CLOSED', new errors.DrainingConnectionError()],
  ])('gives %s to %s', (code, cause) => {
    const error = definitionsError(cause, 'publishing');
    expect(error).toBeInstanceOf(NatsDefinitionsError);
    expect(error).toMatchObject({ code, cause, message: `publishing: ${cause.message}` });
    expect(isPassing(error)).toBe(code === 'UNAVAILABLE');
  });

  it('looks through the error that wraps a refused request', () => {
    const refused = new errors.PermissionViolationError('not to $KV.a', 'publish', '$KV.a');
    const wrapped = new errors.RequestError('request failed', { cause: refused });
    expect(definitionsError(wrapped, 'publishing')).toMatchObject({
      code: 'NOT_PERMITTED',
      message: 'publishing: not to $KV.a',
      cause: wrapped,
    });
  });

  it('leaves everything else as it is', () => {
    const own = new NatsDefinitionsError('FENCED', 'over');
    const unknown = api(10071, 'wrong last sequence: 3', 400);
    for (const error of [own, unknown, new TypeError('bug'), 'text', undefined])
      expect(definitionsError(error, 'publishing')).toBe(error);
  });
});

describe('isUndeliverable', () => {
  it.each([
    [true, new NatsDefinitionsError('TOO_LONG', 'a key')],
    [true, new NatsDefinitionsError('TOO_LARGE', 'a frame')],
    [true, new WireError('UNENCODABLE', 'a name')],
    [false, new NatsDefinitionsError('BUCKET_FULL', 'a limit')],
    [false, new NatsDefinitionsError('FENCED', 'over')],
    [false, new WireError('BAD_BODY', 'another server')],
    [false, new Error('anything')],
    [false, undefined],
  ])('is %p for %p', (is, error) => {
    expect(isUndeliverable(error)).toBe(is);
  });
});
