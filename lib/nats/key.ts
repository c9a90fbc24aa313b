import type { DefinitionSyncMsg } from '../definition.js';
import { NatsDefinitionsError } from './errors.js';

/** What identifies a definition: its scope, type and name. */
export type DefinitionId = Pick<DefinitionSyncMsg, 'scope' | 'definitionType' | 'name'>;

/**
 * The longest subject, in bytes. A server closes a connection whose protocol line is over 4,096 bytes (`max_control_line`);
 * the rest of that line is verbs, sizes and a reply subject of up to some 300 bytes.
 */
export const maxSubjectBytes = 3_700;

/** The key under which every leader says that its term begins; no definition's key has a single token. */
export const leaderKey = 'leader';

const plain = /^[A-Za-z0-9_-]$/;

/** Any text as one token: what a KV key allows stays readable, every other UTF-8 byte is `=` and two hex digits. */
function token(text: string): string {
  if (text === '') return '=';
  let written = '';
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    written += plain.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return written;
}

function textOf(written: string): string {
  if (written === '=') return '';
  return decodeURIComponent(written.replaceAll('=', '%'));
}

/**
 * The bucket's key of a definition: `<tenant>.<database>.<type>.<name>`, with `-.-` for a definition without a scope.
 * Different definitions have different keys, and `7.>` matches all of tenant 7.
 */
export function keyOf({ scope, definitionType, name }: DefinitionId): string {
  const owner = scope === undefined ? '-.-' : `${scope.tenantId.toString()}.${scope.databaseId.toString()}`;
  return `${owner}.${token(definitionType)}.${token(name)}`;
}

const u64 = (digits: string): boolean => /^\d{1,20}$/.test(digits) && BigInt(digits) < 2n ** 64n;

/** The definition that a key names; `undefined` for a key that `keyOf` never makes. */
export function definitionOf(key: string): DefinitionId | undefined {
  const [tenant = '', database = '', type = '', name = '', ...more] = key.split('.');
  const unscoped = tenant === '-' && database === '-';
  if (more.length > 0 || (!unscoped && !(u64(tenant) && u64(database)))) return undefined;
  try {
    const id = {
      definitionType: textOf(type),
      name: textOf(name),
      ...(unscoped ? {} : { scope: { tenantId: BigInt(tenant), databaseId: BigInt(database) } }),
    };
    return keyOf(id) === key ? id : undefined;
  } catch {
    return undefined; // not UTF-8
  }
}

/** @throws {NatsDefinitionsError} TOO_LONG, when the subject is longer than a server takes. */
export function subjectOf(prefix: string, id: DefinitionId): string {
  const subject = prefix + keyOf(id);
  if (subject.length <= maxSubjectBytes) return subject;
  throw new NatsDefinitionsError(
    'TOO_LONG',
    `the key of ${id.definitionType} ${id.name.slice(0, 40)}... makes a subject of ${subject.length} bytes, the most is ${maxSubjectBytes}`,
  );
}
