export type { DefinitionFrame, DefinitionScope, DefinitionSyncMsg } from './definition.js';
export { FanoutError, WireError } from './errors.js';
export type { FanoutErrorCode, WireErrorCode } from './errors.js';
export type { Logger } from './log.js';
