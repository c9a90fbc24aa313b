import { definitionKey, type DefinitionSyncMsg } from '../definition.js';
import { decodeDefinitionSync, encodeDefinitionSync } from '../wire/index.js';

/**
 * One record of a file store's log: body length (u32, little-endian), CRC-32 of the body (u32), body.
 * The body is a byte that says what happened, then the wire frame of a definition that was put, or the UTF-8 key of one that
 * was deleted. No body is empty, so that a run of zeros, which a file system may leave after a crash, is no record.
 */
export interface LogRecord {
  readonly key: string;
  readonly msg: DefinitionSyncMsg | undefined;
}

type Checksum = (bytes: Uint8Array) => number;

const HEADER = 8;
const PUT = 1;
const DELETE = 2;

export function encodePut(msg: DefinitionSyncMsg, checksum: Checksum): Uint8Array {
  return encode(PUT, encodeDefinitionSync(msg), checksum);
}

export function encodeDelete(key: string, checksum: Checksum): Uint8Array {
  return encode(DELETE, new TextEncoder().encode(key), checksum);
}

function encode(what: number, content: Uint8Array, checksum: Checksum): Uint8Array {
  const record = new Uint8Array(HEADER + 1 + content.length);
  record[HEADER] = what;
  record.set(content, HEADER + 1);
  const view = new DataView(record.buffer);
  view.setUint32(0, content.length + 1, true);
  view.setUint32(4, checksum(record.subarray(HEADER)), true);
  return record;
}

/** Reads the record at `at`; `undefined` when there is no whole and sound one. */
export function decodeRecord(
  log: Uint8Array,
  at: number,
  checksum: Checksum,
): (LogRecord & { end: number }) | undefined {
  if (log.length - at < HEADER + 1) return undefined;
  const view = new DataView(log.buffer, log.byteOffset + at);
  const length = view.getUint32(0, true);
  const start = at + HEADER;
  const end = start + length;
  if (length === 0 || end > log.length) return undefined;
  const body = log.subarray(start, end);
  if (checksum(body) !== view.getUint32(4, true)) return undefined;
  const content = body.slice(1);
  if (body[0] === DELETE)
    return { key: new TextDecoder('utf-8', { ignoreBOM: true }).decode(content), msg: undefined, end };
  const msg = decodeDefinitionSync(content);
  return { key: definitionKey(msg), msg, end };
}
