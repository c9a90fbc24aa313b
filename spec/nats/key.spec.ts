import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NatsDefinitionsError } from 'ddl-fanout/nats';
import { definitionOf, keyOf, maxSubjectBytes, subjectOf } from '../../lib/nats/key.js';

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const id = fc
  .record({
    definitionType: fc.string({ unit: 'binary' }),
    name: fc.string({ unit: 'binary' }),
    scope: fc.option(fc.record({ tenantId: u64, databaseId: u64 }), { nil: undefined }),
  })
  .map(({ scope, ...names }) => (scope === undefined ? names : { ...names, scope }));

describe('keyOf', () => {
  it.each([
    [{ definitionType: 'function', name: 'total' }, '-.-.function.total'],
    [
      { definitionType: 'function', name: 'public.add(integer, text)', scope: { tenantId: 7n, databaseId: 9n } },
      '7.9.function.public=2Eadd=28integer=2C=20text=29',
    ],
    [{ definitionType: 'trigger', name: 'é * >' }, '-.-.trigger.=C3=A9=20=2A=20=3E'],
    [{ definitionType: '', name: '' }, '-.-.=.='],
    [{ definitionType: '=', name: '=3D' }, '-.-.=3D.=3D3D'],
  ])('of %j is %s', (definition, key) => {
    expect(keyOf(definition)).toBe(key);
    expect(definitionOf(key)).toEqual(definition);
  });

  it('is a legal key that leads back to the definition, for any names and scope', () => {
    fc.assert(
      fc.property(id, (definition) => {
        const key = keyOf(definition);
        expect(key).toMatch(/^[-/_=.a-zA-Z0-9]+$/);
        expect(key.split('.').every((token) => token !== '')).toBe(true);
        expect(definitionOf(key)).toEqual(definition);
      }),
    );
  });
});

describe('definitionOf', () => {
  it.each([
    'leader',
    'a.b.c',
    '-.-.function',
    '-.-.function.a.b',
    '7.-.function.a',
    'x.9.function.a',
    '07.9.function.a',
    '18446744073709551616.9.function.a',
    '7.99999999999999999999999.function.a',
  ])('knows %s for no key of a definition', (key) => {
    expect(definitionOf(key)).toBeUndefined();
  });

  it.each(['-.-.function.=zz', '-.-.function.=C3', '-.-.function.=c3=a9', '-.-.function.=61', '-.-.function.'])(
    'refuses %s, which keyOf writes otherwise',
    (key) => {
      expect(definitionOf(key)).toBeUndefined();
    },
  );
});

describe('subjectOf', () => {
  const ofLength = (length: number) => ({ definitionType: 'f', name: 'n'.repeat(length - '$KV.d.-.-.f.'.length) });

  it('takes a subject as long as a server takes, and not a byte more', () => {
    expect(subjectOf('$KV.d.', ofLength(maxSubjectBytes))).toHaveLength(maxSubjectBytes);
    const tooLong = () => subjectOf('$KV.d.', ofLength(maxSubjectBytes + 1));
    expect(tooLong).toThrow(NatsDefinitionsError);
    expect(tooLong).toThrow(expect.objectContaining({ code: 'TOO_LONG' }));
    expect(tooLong).toThrow(/3701 bytes, the most is 3700/);
  });
});
