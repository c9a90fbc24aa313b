import { netWrite } from './netWrite.js';
import { oursOverWs } from './oursOverWs.js';
import { socketIo } from './socketIo.js';
import { upgradedWrite } from './upgradedWrite.js';
import { wsSend } from './wsSend.js';

/** Ours, its control, and the others. */
export const overSockets = [oursOverWs, netWrite, wsSend, socketIo, upgradedWrite] as const;
