import { describe, expect, it } from '@jest/globals';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { WireError } from 'ddl-fanout';
import { isUndeliverable, NatsDefinitionsError } from 'ddl-fanout/nats';
import { definitionsError, isPassing } from '../../lib/nats/errors.js';
import { Patience } from '../../lib/nats/patience.js';

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
    ['UNAVAILABLE', api(10118, 'stream is offline')],
    ['UNAVAILABLE', api(10119, 'consumer is offline')],
    ['BUCKET_UNFIT', api(10065)],
    ['REFUSED', api(19999)],
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
    const answer = api(10071, 'wrong last sequence: 3', 400);
    for (const error of [own, answer, new TypeError('bug'), 'text', undefined])
      expect(definitionsError(error, 'publishing')).toBe(error);
  });
});

describe('Patience', () => {
  it('goes on with a refusal that nobody knows, but not for ever', () => {
    const refused = definitionsError(api(19999), 'following');
    expect(new Patience(1_000).waitAfter(refused)).toBeGreaterThan(0);
    const impatient = new Patience(0);
    impatient.waitAfter(definitionsError(api(10118), 'following'));
    expect(() => impatient.waitAfter(refused)).toThrow(expect.objectContaining({ code: 'REFUSED' }));
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
