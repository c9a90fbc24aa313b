import { describe } from '@jest/globals';
import { openPglite } from '../helpers/postgresPglite.js';
import { statementConformance } from './statementConformance.js';

describe('PGlite as the Origin', () => {
  statementConformance(openPglite);
});
