import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** One line of golden-vectors.json: a message in the wire's own names, and the frame that the original's encoder made of it. */
export interface GoldenVector {
  readonly id: string;
  readonly type: number;
  readonly kind: string;
  readonly message: Readonly<Record<string, unknown>>;
  readonly frame?: string;
  readonly frame_sha256?: string;
  readonly frame_len?: number;
}

export const goldenVectors = JSON.parse(
  readFileSync(new URL('golden-vectors.json', import.meta.url), 'utf8'),
) as readonly GoldenVector[];

const U64_FIELDS =
  /^(tenant_id|database_id|epoch|expected|received|mutation_id|from_mutation_id|queue_depth|suggested_rate|timestamp_ms|expires_in_secs)$/;

/** The message of a vector as this library writes it: camelCase, bigint, Map, bytes. */
export function messageOf({ kind, message }: GoldenVector): Record<string, unknown> {
  const fields = Object.entries(message).map(([key, value]) => [camel(key), convert(key, value)] as const);
  const { tenantId, databaseId, ...rest } = Object.fromEntries(fields);
  return kind === 'DefinitionSyncScoped' ? { ...rest, scope: { tenantId, databaseId } } : rest;
}

/** The kind as `encodeMessage` names it. */
export function kindOf({ kind }: GoldenVector): string {
  return kind.replace('Scoped', '');
}

/** The frame in hex, or its length and hash, in the form that the vector has. */
export function fingerprint(vector: GoldenVector, bytes: Uint8Array): string {
  if (vector.frame !== undefined) return Buffer.from(bytes).toString('hex');
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}

export function expectedFingerprint({ frame, frame_len, frame_sha256 }: GoldenVector): string {
  return frame ?? `${frame_len ?? 0} ${frame_sha256 ?? ''}`;
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

function convert(key: string, value: unknown): unknown {
  if (key === 'payload') return payloadOf(value as string | { payload_pattern_len: number });
  if (U64_FIELDS.test(key)) return BigInt(value as string | number);
  if (key === 'vector_clock') return mapOf(value as object, (inner) => mapOf(inner as object, toU64));
  if (key === 'server_clock') return mapOf(value as object, toU64);
  if (key === 'reason') return reasonOf(value);
  return value;
}

function reasonOf(value: unknown): unknown {
  if (typeof value === 'string') return { type: value };
  const [type, fields] = Object.entries(value as Record<string, Record<string, number>>)[0] ?? ['', {}];
  return { type, ...Object.fromEntries(Object.entries(fields).map(([key, id]) => [camel(key), BigInt(id)])) };
}

function payloadOf(value: string | { payload_pattern_len: number }): Uint8Array {
  if (typeof value === 'string') return fromHex(value);
  return Uint8Array.from({ length: value.payload_pattern_len }, (_, i) => (i * 31 + 7) & 0xff);
}

function mapOf<T>(value: object, item: (value: unknown) => T): Map<string, T> {
  return new Map(Object.entries(value).map(([key, inner]: [string, unknown]) => [key, item(inner)]));
}

function toU64(value: unknown): bigint {
  return BigInt(value as string | number);
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
