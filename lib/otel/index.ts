export { instrumentFanout } from './instrumentFanout.js';
export type { FanoutLike } from './instrumentFanout.js';
