import { describe } from '@jest/globals';
import { openPglite } from '../helpers/postgresPglite.js';
import { captureConformance } from './captureConformance.js';
import { costConformance } from './costConformance.js';
import { payloadConformance } from './payloadConformance.js';
import { statementConformance } from './statementConformance.js';

describe('PGlite as the Origin', () => {
  statementConformance(openPglite);
  captureConformance(openPglite);
  payloadConformance(openPglite);
  costConformance(openPglite);
});
