import type { DefinitionScope, DefinitionSyncMsg } from '../definition.js';
import { hexByte, readBody, type SyncFrame } from './frame.js';
import { packFrame } from './pack.js';
import { badBody, Reader } from './reader.js';
import { packBin, packObject, packString, packU64, type Unchecked } from './scalars.js';
import { SyncMessageType } from './syncMessageType.js';
import { asUnencodable } from './unencodable.js';

const KIND = 'DefinitionSync';
const TYPE = SyncMessageType.DefinitionSync;

/** What errors call the fields. Made once: putting the texts together for each message takes longer than reading it. */
const FIELD = {
  definitionType: `${KIND}.definitionType`,
  name: `${KIND}.name`,
  action: `${KIND}.action`,
  payload: `${KIND}.payload`,
  scope: `${KIND}.scope`,
  tenantId: `${KIND}.scope.tenantId`,
  databaseId: `${KIND}.scope.databaseId`,
} as const;

/**
 * The whole frame of a definition, in a buffer of exactly its own size. With a scope the body has 6 fields, without 4;
 * `position` stays behind.
 * @throws {WireError} UNENCODABLE, naming the field, when a field is missing or of the wrong type, a string holds a lone
 * surrogate, an id of the scope is outside u64, or the body would have more than 2^32-1 bytes
 */
export function encodeDefinitionSync(msg: DefinitionSyncMsg): Uint8Array {
  let where = KIND;
  try {
    const fields: Unchecked<DefinitionSyncMsg> = packObject(msg, where);
    where = FIELD.definitionType;
    const definitionType = packString(fields.definitionType, where);
    where = FIELD.name;
    const name = packString(fields.name, where);
    where = FIELD.action;
    const action = packString(fields.action, where);
    where = FIELD.payload;
    const payload = packBin(fields.payload, where);
    where = FIELD.scope;
    const ids = packScope(fields.scope);
    where = KIND;
    if (ids === undefined) return packFrame(TYPE, [definitionType, name, action], payload);
    return packFrame(TYPE, [ids[0], ids[1], definitionType, name, action], payload);
  } catch (error) {
    throw asUnencodable(where, error);
  }
}

/** The two ids, or `undefined` when there is no scope. */
function packScope(scope: unknown): readonly [number | bigint, number | bigint] | undefined {
  if (scope === undefined) return undefined;
  const { tenantId, databaseId } = packObject(scope, FIELD.scope);
  return [packU64(tenantId, FIELD.tenantId), packU64(databaseId, FIELD.databaseId)];
}

/**
 * Takes the frame of a definition apart, whole (its first 5 bytes are the header) or as `splitFrames` gives it. `payload` is
 * a view on it; bytes after the frame are ignored.
 * @throws {WireError} as `decodeFrame` does, then BAD_BODY, naming the field, when the body is not a definition's or the
 * frame is of another type
 */
export function decodeDefinitionSync(frame: Uint8Array | SyncFrame): DefinitionSyncMsg {
  return readBody(frame, Infinity, readDefinitionFrame);
}

function readDefinitionFrame(type: number, bytes: Uint8Array, start: number, end: number): DefinitionSyncMsg {
  if (type !== TYPE) throw badBody(KIND, `of type ${hexByte(TYPE)}`, `type ${hexByte(type)}`);
  return readDefinitionSync(new Reader(bytes, start, end));
}

/** Reads the body. @throws {WireError} BAD_BODY, naming the field */
export function readDefinitionSync(reader: Reader): DefinitionSyncMsg {
  const count = reader.array(KIND);
  if (count === 4) return readFields(reader);
  if (count !== 6) throw badBody(KIND, 'an array of 4 or 6', `an array of ${count}`);
  const tenantId = reader.u64(FIELD.tenantId);
  const databaseId = reader.u64(FIELD.databaseId);
  return readFields(reader, { tenantId, databaseId });
}

function readFields(reader: Reader, scope?: DefinitionScope): DefinitionSyncMsg {
  const definitionType = reader.string(FIELD.definitionType);
  const name = reader.string(FIELD.name);
  const action = reader.string(FIELD.action);
  const payload = reader.bin(FIELD.payload);
  // Written out: an object that is spread into another costs as much as all the reading.
  if (scope === undefined) return { definitionType, name, action, payload };
  return { definitionType, name, action, payload, scope };
}
