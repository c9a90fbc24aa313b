export { instrumentFanout } from './instrumentFanout.js';
