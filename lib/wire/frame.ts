import { WireError } from '../errors.js';
import { show, wholeNumber } from '../options.js';
import { dataViewOf, isBytes, viewOf } from './bytes.js';
import { isKnownType } from './syncMessageType.js';

/** Bytes of a frame's header: the type, then the body's length as an unsigned little-endian 32-bit integer. */
export const HEADER_BYTES = 5;

const MAX_BODY_BYTES = 0xffff_ffff;

/** One frame, taken apart. */
export interface SyncFrame {
  /** One of `SyncMessageType`. */
  readonly type: number;
  /** A view on the memory that the frame came in, not a copy. */
  readonly body: Uint8Array;
}

export interface FrameLimits {
  /** Most bytes that a frame may have, its 5-byte header included; 1 or more. Default: no limit. */
  readonly maxFrameBytes?: number | undefined;
}

/**
 * Puts a header before a body. The result lies in a buffer of exactly its own size.
 * @throws {WireError} UNENCODABLE when the type is unknown or the body is no Uint8Array
 */
export function encodeFrame(type: number, body: Uint8Array): Uint8Array {
  if (!isKnownType(type)) throw new WireError('UNENCODABLE', `type must be a SyncMessageType, got ${show(type)}`);
  if (!isBytes(body)) throw new WireError('UNENCODABLE', `body must be a Uint8Array, got ${show(body)}`);
  const frame = newFrame(type, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Takes the first frame of `bytes` apart; what follows it is ignored. Allocates nothing but a view.
 * @throws {WireError} in this order: TRUNCATED (fewer than 5 bytes), UNKNOWN_TYPE, TOO_LARGE, TRUNCATED (fewer bytes
 * than the header says); BAD_BODY when `bytes` is no Uint8Array at all
 * @throws {FanoutError} BAD_OPTION unless `maxFrameBytes` is a whole number of 1 or more, or Infinity
 */
export function decodeFrame(bytes: Uint8Array, limits?: FrameLimits): SyncFrame {
  const limit = frameLimit(limits);
  const view = frameBegin(bytes);
  const end = frameEnd(view, limit);
  return { type: view.getUint8(0), body: viewOf(view, HEADER_BYTES, end) };
}

/**
 * The largest frame that the limits allow, in bytes.
 * @throws {FanoutError} BAD_OPTION unless it is a whole number of 1 or more, or Infinity
 */
export function frameLimit(limits?: FrameLimits): number {
  const { maxFrameBytes = Infinity } = limits ?? {};
  return wholeNumber('maxFrameBytes', maxFrameBytes, 1);
}

/**
 * The bytes as a view that has at least a header.
 * @throws {WireError} BAD_BODY when `bytes` is no Uint8Array, TRUNCATED when it has fewer than 5 bytes
 */
export function frameBegin(bytes: Uint8Array): DataView {
  if (!isBytes(bytes)) throw new WireError('BAD_BODY', `a frame must be a Uint8Array, got ${show(bytes)}`);
  if (bytes.length >= HEADER_BYTES) return dataViewOf(bytes);
  throw new WireError('TRUNCATED', `a frame must have a header of ${HEADER_BYTES} bytes, found ${bytes.length}`);
}

/**
 * Where the first frame ends.
 * @throws {WireError} UNKNOWN_TYPE, TOO_LARGE, TRUNCATED when the view has fewer bytes than the header says
 */
export function frameEnd(view: DataView, limit: number): number {
  const end = frameBytes(view, 0, limit);
  if (end <= view.byteLength) return end;
  throw new WireError('TRUNCATED', `a frame must have the ${end} bytes that its header says, found ${view.byteLength}`);
}

/**
 * The bytes of a frame by its whole header at `at`, the header included.
 * @throws {WireError} UNKNOWN_TYPE, then TOO_LARGE
 */
export function frameBytes(view: DataView, at: number, limit: number): number {
  const type = view.getUint8(at);
  if (!isKnownType(type)) throw new WireError('UNKNOWN_TYPE', `no message has the type ${hexByte(type)}`);
  const length = HEADER_BYTES + view.getUint32(at + 1, true);
  if (length <= limit) return length;
  throw new WireError('TOO_LARGE', `a frame must have at most ${limit} bytes, found ${length}`);
}

/**
 * A frame whose header is written and whose body is still to be, in a buffer of its own size.
 * @throws {WireError} UNENCODABLE when the length does not fit the header
 */
export function newFrame(type: number, bodyLength: number): Uint8Array {
  if (bodyLength > MAX_BODY_BYTES) {
    throw new WireError('UNENCODABLE', `a body must have at most ${MAX_BODY_BYTES} bytes, got ${bodyLength}`);
  }
  const frame = new Uint8Array(HEADER_BYTES + bodyLength);
  frame[0] = type;
  frame[1] = bodyLength;
  frame[2] = bodyLength >>> 8;
  frame[3] = bodyLength >>> 16;
  frame[4] = bodyLength >>> 24;
  return frame;
}

/** A type byte as the wire's description writes it. */
export function hexByte(type: number): string {
  return `0x${type.toString(16).padStart(2, '0')}`;
}
