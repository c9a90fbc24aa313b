import type { DefinitionSyncMsg } from '../definition.js';
import { byteAt } from './bytes.js';
import { frameEnd, HEADER_BYTES, hexByte } from './frame.js';
import { packFrame } from './pack.js';
import { badBody, Reader } from './reader.js';
import { packBin, packObject, packString, packU64, type Unchecked } from './scalars.js';
import { SyncMessageType } from './syncMessageType.js';
import { asUnencodable } from './unencodable.js';

const KIND = 'DefinitionSync';
const TYPE = SyncMessageType.DefinitionSync;

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
    where = `${KIND}.definitionType`;
    const definitionType = packString(fields.definitionType, where);
    where = `${KIND}.name`;
    const name = packString(fields.name, where);
    where = `${KIND}.action`;
    const action = packString(fields.action, where);
    where = `${KIND}.payload`;
    const payload = packBin(fields.payload, where);
    where = `${KIND}.scope`;
    const scope = packScope(fields.scope, where);
    where = KIND;
    return packFrame(TYPE, [...scope, definitionType, name, action], payload);
  } catch (error) {
    throw asUnencodable(where, error);
  }
}

/** The two ids, or nothing when there is no scope. */
function packScope(scope: unknown, where: string): (number | bigint)[] {
  if (scope === undefined) return [];
  const { tenantId, databaseId } = packObject(scope, where);
  return [packU64(tenantId, `${where}.tenantId`), packU64(databaseId, `${where}.databaseId`)];
}

/**
 * Takes the frame of a definition apart. `payload` is a view on `bytes`; bytes after the frame are ignored.
 * @throws {WireError} as `decodeFrame` does, then BAD_BODY, naming the field, when the body is not a definition's or the
 * frame is of another type
 */
export function decodeDefinitionSync(bytes: Uint8Array): DefinitionSyncMsg {
  const end = frameEnd(bytes, Infinity);
  const type = byteAt(bytes, 0);
  if (type !== TYPE) throw badBody(KIND, `of type ${hexByte(TYPE)}`, `type ${hexByte(type)}`);
  return readDefinitionSync(new Reader(bytes, HEADER_BYTES, end));
}

/** Reads the body. @throws {WireError} BAD_BODY, naming the field */
export function readDefinitionSync(reader: Reader): DefinitionSyncMsg {
  const count = reader.array(KIND);
  if (count === 4) return readFields(reader);
  if (count !== 6) throw badBody(KIND, 'an array of 4 or 6', `an array of ${count}`);
  const tenantId = reader.u64(`${KIND}.scope.tenantId`);
  const databaseId = reader.u64(`${KIND}.scope.databaseId`);
  return { ...readFields(reader), scope: { tenantId, databaseId } };
}

function readFields(reader: Reader): DefinitionSyncMsg {
  return {
    definitionType: reader.string(`${KIND}.definitionType`),
    name: reader.string(`${KIND}.name`),
    action: reader.string(`${KIND}.action`),
    payload: reader.bin(`${KIND}.payload`),
  };
}
