import { describe, expect, it } from '@jest/globals';
import { FanoutError, WireError } from 'ddl-fanout';

describe('errors', () => {
  it('are Errors with a name and a stable code', () => {
    const fanout = new FanoutError('BAD_OPTION', 'capacity must be a whole number');
    const wire = new WireError('TRUNCATED', 'a header has 5 bytes', { cause: 1 });
    expect(fanout).toMatchObject({
      name: 'FanoutError',
      code: 'BAD_OPTION',
      message: 'capacity must be a whole number',
    });
    expect(wire).toMatchObject({ name: 'WireError', code: 'TRUNCATED', cause: 1 });
    expect(fanout).toBeInstanceOf(Error);
    expect(wire).toBeInstanceOf(Error);
  });
});
