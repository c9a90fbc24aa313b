import type { DefinitionSyncMsg } from '../definition.js';
import { frameBegin, frameEnd, HEADER_BYTES, hexByte } from './frame.js';
import { packFrame } from './pack.js';
import { badBody, Reader } from './reader.js';
import { packBin, packObject, packString, packU64 } from './scalars.js';
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
  try {
    const { definitionType, name, action, payload, scope } = packObject(msg, KIND);
    const fields = [
      packString(definitionType, `${KIND}.definitionType`),
      packString(name, `${KIND}.name`),
      packString(action, `${KIND}.action`),
    ];
    const bin = packBin(payload, `${KIND}.payload`);
    if (scope === undefined) return packFrame(TYPE, fields, bin);
    return packFrame(TYPE, [...packScope(scope), ...fields], bin);
  } catch (error) {
    throw asUnencodable(KIND, error);
  }
}

function packScope(scope: unknown): (number | bigint)[] {
  const { tenantId, databaseId } = packObject(scope, `${KIND}.scope`);
  return [packU64(tenantId, `${KIND}.scope.tenantId`), packU64(databaseId, `${KIND}.scope.databaseId`)];
}

/**
 * Takes the frame of a definition apart. `payload` is a view on `bytes`; bytes after the frame are ignored.
 * @throws {WireError} as `decodeFrame` does, then BAD_BODY, naming the field, when the body is not a definition's or the
 * frame is of another type
 */
export function decodeDefinitionSync(bytes: Uint8Array): DefinitionSyncMsg {
  const view = frameBegin(bytes);
  const end = frameEnd(view, Infinity);
  const type = view.getUint8(0);
  if (type !== TYPE) throw badBody(KIND, `of type ${hexByte(TYPE)}`, `type ${hexByte(type)}`);
  return readDefinitionSync(new Reader(view, HEADER_BYTES, end));
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
