import { CodedError } from './codedError.js';

export type FanoutErrorCode = 'BUFFER_OVERFLOW' | 'BAD_OPTION' | 'OUT_OF_ORDER';

/**
 * What the library throws or sends down a stream when its rules are broken.
 *
 * - `BUFFER_OVERFLOW`: a buffer with `overflow: 'error'` was full when a value arrived.
 * - `BAD_OPTION`: an option makes no sense; thrown at call time, names the rule and the value.
 * - `OUT_OF_ORDER`: a catalog was given a frame that is not newer than all before, or not its fan-out's.
 */
export class FanoutError extends CodedError<FanoutErrorCode> {
  override readonly name = 'FanoutError';
}

export type WireErrorCode = 'TRUNCATED' | 'UNKNOWN_TYPE' | 'TOO_LARGE' | 'BAD_BODY' | 'UNENCODABLE';

/**
 * Bytes that are no frame, or a message that cannot be one.
 *
 * - `TRUNCATED`: fewer bytes than a header has, or than the header says.
 * - `UNKNOWN_TYPE`: the type byte is none of `SyncMessageType`.
 * - `TOO_LARGE`: the frame is over the limit that the caller set.
 * - `BAD_BODY`: the body is not the MessagePack value that the type asks for.
 * - `UNENCODABLE`: the message holds a value that the wire cannot carry.
 */
export class WireError extends CodedError<WireErrorCode> {
  override readonly name = 'WireError';
}
