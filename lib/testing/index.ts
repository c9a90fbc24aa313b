export { marbles } from './marbles.js';
export { definition } from './definition.js';
export type { DefinitionOverrides } from './definition.js';
export { failingDelivery, slowDelivery, stalledDelivery } from './deliveries.js';
export { FakeSocket } from './fakeSocket.js';
export { recordingLogger } from './recordingLogger.js';
export type { LogLine } from './recordingLogger.js';
