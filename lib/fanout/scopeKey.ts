import { badOption, objectOption, show } from '../options.js';
import { U64_MAX } from '../wire/scalars.js';
import type { DefinitionScope } from '../definition.js';

/** A scope as a Map key: equal for equal values; the unscoped one is empty. */
export function scopeKey(scope: DefinitionScope | undefined): string {
  return scope === undefined ? '' : `${scope.tenantId.toString()}/${scope.databaseId.toString()}`;
}

/** A copy, which the caller cannot change. @throws {FanoutError} BAD_OPTION unless `scope` is absent or has two u64. */
export function checkScope(scope: DefinitionScope | undefined): DefinitionScope | undefined {
  if (scope === undefined) return undefined;
  objectOption('scope', scope);
  for (const field of ['tenantId', 'databaseId'] as const) {
    const value: unknown = scope[field];
    if (typeof value === 'bigint' && value >= 0n && value <= U64_MAX) continue;
    throw badOption(`scope.${field}`, `a bigint of 0 to ${show(U64_MAX)}`, value);
  }
  return { tenantId: scope.tenantId, databaseId: scope.databaseId };
}
