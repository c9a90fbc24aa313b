import { describe, it, jest } from '@jest/globals';
import { openPglite } from '../helpers/postgresPglite.js';
import { converges } from './convergence.js';

// A PGlite takes a second to start.
jest.setTimeout(120_000);

describe('random DDL of a PGlite', () => {
  it('leaves every reader, however often restarted, with what the catalogs say', () => converges(openPglite, 4));
});
