export { natsDefinitions } from './natsDefinitions.js';
export type { NatsDefinitions, NatsDefinitionsOptions } from './natsDefinitions.js';
export type { CommitsOptions } from './commits.js';
export type { PublishOptions } from './publish.js';
export type { DefinitionsTerm, LeadOptions, TermPublishOptions } from './lead.js';
export { isUndeliverable, NatsDefinitionsError } from './errors.js';
export type { NatsDefinitionsErrorCode } from './errors.js';
