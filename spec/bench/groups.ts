import { group as behind } from './behind.js';
import { group as broadcast } from './broadcast.js';
import { group as bundle } from './bundle.js';
import { group as churn } from './churn.js';
import { group as codec } from './codec.js';
import { group as complete } from './complete.js';
import { group as full } from './full.js';
import { group as idle } from './idle.js';
import { group as kinds } from './kinds.js';
import { group as promises } from './promises.js';
import { group as queue } from './queue.js';
import { group as replay } from './replay.js';
import { group as scope } from './scope.js';
import type { Group } from './support/figure.js';

/** What runs when no group is named, in the order of the report. */
export const groups: readonly Group[] = [
  broadcast,
  queue,
  promises,
  full,
  idle,
  churn,
  complete,
  scope,
  replay,
  behind,
  codec,
  kinds,
  bundle,
];
