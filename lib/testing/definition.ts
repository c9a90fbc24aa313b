import { objectOption, stringOption } from '../options.js';
import type { DefinitionSyncMsg } from '../definition.js';

const created = { owner: 'origin', created_at: 1_767_225_600 };

/** By type, the JSON that a stock Lite stores besides the name. */
const bodies: Readonly<Record<string, object>> = {
  function: { parameters: [], return_type: 'integer', body_sql: 'SELECT 1', ...created },
  trigger: {
    collection: 'orders',
    timing: 'AFTER',
    events: ['INSERT'],
    granularity: 'ROW',
    when_condition: null,
    body_sql: 'SELECT 1',
    priority: 0,
    enabled: true,
    execution_mode: 'SYNC',
    ...created,
  },
  procedure: { parameters: [], body_sql: 'SELECT 1', max_iterations: 1_000, timeout_secs: 30, ...created },
};

/** Any field of a message; `undefined` is what it is without. */
export type DefinitionOverrides = { readonly [K in keyof DefinitionSyncMsg]?: DefinitionSyncMsg[K] | undefined };

/**
 * A message that a stock Lite takes: the `put` of a function, unless `overrides` say otherwise.
 *
 * - The payload follows the type and the name; that of a `delete` is empty.
 * - The same arguments give equal messages.
 *
 * @param overrides any field of the message; a `payload` among them is used as it is
 * @throws {FanoutError} BAD_OPTION for a name that is no string, and for overrides that are no object
 */
export function definition(name: string, overrides: DefinitionOverrides = {}): DefinitionSyncMsg {
  stringOption('name', name);
  const { definitionType = 'function', action = 'put', name: named = name } = objectOption('overrides', overrides);
  const body = action === 'delete' ? '' : JSON.stringify({ name: named, ...bodies[definitionType] });
  const { payload = new TextEncoder().encode(body) } = overrides;
  return { ...overrides, definitionType, name: named, action, payload };
}
