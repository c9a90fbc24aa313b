import { describe, expect, it } from '@jest/globals';
import { definition } from 'ddl-fanout/testing';

const json = (payload: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(payload));

describe('definition', () => {
  it('is the put of a function with the payload that a stock Lite stores', () => {
    const msg = definition('total');
    expect(msg).toMatchObject({ definitionType: 'function', name: 'total', action: 'put' });
    expect(Object.keys(msg)).not.toContain('scope');
    expect(json(msg.payload)).toEqual({
      name: 'total',
      parameters: [],
      return_type: 'integer',
      body_sql: 'SELECT 1',
      owner: 'origin',
      created_at: 1_767_225_600,
    });
  });

  it.each([
    ['trigger', ['collection', 'timing', 'events', 'granularity', 'when_condition', 'priority', 'execution_mode']],
    ['procedure', ['parameters', 'max_iterations', 'timeout_secs']],
  ])('gives a %s the keys of its type', (definitionType, keys) => {
    expect(Object.keys(json(definition('d', { definitionType }).payload) as object)).toEqual(
      expect.arrayContaining(['name', 'body_sql', 'owner', 'created_at', ...keys]),
    );
  });

  it('has the name of the overrides in its payload too', () => {
    expect(definition('a', { name: 'b' })).toEqual(definition('b'));
  });

  it('has an empty payload when it is a delete', () => {
    expect(definition('total', { action: 'delete' }).payload).toHaveLength(0);
  });

  it('takes an undefined for nothing', () => {
    const none = {
      definitionType: undefined,
      name: undefined,
      action: undefined,
      payload: undefined,
      scope: undefined,
    };
    expect(definition('total', none)).toEqual(definition('total'));
  });

  it('takes every field from the overrides', () => {
    const overrides = { payload: Uint8Array.of(1), scope: { tenantId: 1n, databaseId: 2n }, position: 3n };
    expect(definition('total', overrides)).toMatchObject(overrides);
  });
});
