import { WireError } from '../errors.js';
import { objectOption, show, wholeNumber } from '../options.js';
import { byteAt, isBytes, viewOf } from './bytes.js';
import { packBin } from './scalars.js';
import { isKnownType } from './syncMessageType.js';
import { unencodable } from './unencodable.js';

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
  if (!isKnownType(type)) throw unencodable('type', 'a SyncMessageType', type);
  packBin(body, 'body');
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
  const end = frameEnd(bytes, limit);
  return { type: byteAt(bytes, 0), body: viewOf(bytes, HEADER_BYTES, end) };
}

/**
 * The largest frame that the limits allow, in bytes.
 * @throws {FanoutError} BAD_OPTION unless it is a whole number of 1 or more, or Infinity
 */
export function frameLimit(limits: FrameLimits = {}): number {
  const { maxFrameBytes = Infinity } = objectOption('limits', limits);
  return wholeNumber('maxFrameBytes', maxFrameBytes, 1);
}

/** Calls `read` with a frame's type, and with where its body lies. @throws {WireError} as `decodeFrame` does */
export function readBody<T>(
  frame: Uint8Array | SyncFrame,
  limit: number,
  read: (type: number, bytes: Uint8Array, start: number, end: number) => T,
): T {
  if (isBytes(frame)) return read(byteAt(frame, 0), frame, HEADER_BYTES, frameEnd(frame, limit));
  if (typeof frame !== 'object' || (frame as unknown) === null) throw noFrame(frame);
  const { type, body } = frame;
  if (!isBytes(body)) throw noFrame(frame);
  checked(type, HEADER_BYTES + body.length, limit);
  return read(type, body, 0, body.length);
}

function noFrame(frame: unknown): WireError {
  return new WireError('BAD_BODY', `a frame must be a Uint8Array, got ${show(frame)}`);
}

/** Where the first frame ends. @throws {WireError} as `decodeFrame` does */
function frameEnd(bytes: Uint8Array, limit: number): number {
  if (!isBytes(bytes)) throw noFrame(bytes);
  const { length } = bytes;
  if (length < HEADER_BYTES) {
    throw new WireError('TRUNCATED', `a frame must have a header of ${HEADER_BYTES} bytes, found ${length}`);
  }
  const end = frameBytes(bytes, 0, limit);
  if (end <= length) return end;
  throw new WireError('TRUNCATED', `a frame must have the ${end} bytes that its header says, found ${length}`);
}

/**
 * The bytes of a frame by its whole header at `at`, the header included.
 * @throws {WireError} UNKNOWN_TYPE, then TOO_LARGE
 */
export function frameBytes(bytes: Uint8Array, at: number, limit: number): number {
  const low = byteAt(bytes, at + 1) | (byteAt(bytes, at + 2) << 8) | (byteAt(bytes, at + 3) << 16);
  return checked(byteAt(bytes, at), HEADER_BYTES + low + byteAt(bytes, at + 4) * 0x100_0000, limit);
}

/** The length of a frame of this type. @throws {WireError} UNKNOWN_TYPE, then TOO_LARGE */
function checked(type: number, length: number, limit: number): number {
  if (!isKnownType(type))
    throw new WireError(
      'UNKNOWN_TYPE',
      `no message has the type ${typeof type === 'number' ? hexByte(type) : show(type)}`,
    );
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
