import { show } from '../options.js';
import { type Field, u64 } from './fields.js';
import type { ResyncReason } from './messages.js';
import { badBody } from './reader.js';
import { packObject } from './scalars.js';
import { struct } from './struct.js';
import { unencodable } from './unencodable.js';

type With<T extends ResyncReason['type']> = Omit<Extract<ResyncReason, { type: T }>, 'type'>;

const sequenceGap = struct<With<'SequenceGap'>>({ expected: u64, received: u64 });
const checksumMismatch = struct<With<'ChecksumMismatch'>>({ mutationId: u64 });

/** An enum: an array of the variant's name and its fields, or nil for a variant without fields. */
export const resyncReason: Field<ResyncReason> = {
  pack(value, where) {
    const { type } = packObject(value, where);
    switch (type) {
      case 'SequenceGap':
        return [type, sequenceGap.pack(value, where)];
      case 'ChecksumMismatch':
        return [type, checksumMismatch.pack(value, where)];
      case 'CorruptedState':
        return [type, null];
      default:
        throw unencodable(`${where}.type`, 'SequenceGap, ChecksumMismatch or CorruptedState', type);
    }
  },
  read(reader, where) {
    reader.tuple(2, where);
    const type = reader.string(where);
    switch (type) {
      case 'SequenceGap':
        return { type, ...sequenceGap.read(reader, where) };
      case 'ChecksumMismatch':
        return { type, ...checksumMismatch.read(reader, where) };
      case 'CorruptedState':
        reader.nil(where);
        return { type };
      default:
        throw badBody(where, 'SequenceGap, ChecksumMismatch or CorruptedState', show(type));
    }
  },
};
