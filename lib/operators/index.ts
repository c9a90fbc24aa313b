export { encodeOnce } from './encodeOnce.js';
export type { EncodeOnceOptions } from './encodeOnce.js';
export { boundedBuffer } from './boundedBuffer.js';
export type { BoundedBufferOptions } from './boundedBuffer.js';
export { splitFrames } from './splitFrames.js';
