import { afterAll, beforeAll, jest } from '@jest/globals';
import { PostgresServer, postgresServer } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';
import { captureConformance } from '../../postgres/captureConformance.js';
import { payloadConformance } from '../../postgres/payloadConformance.js';
import { statementConformance } from '../../postgres/statementConformance.js';

// A server's start takes seconds on a busy machine.
jest.setTimeout(60_000);

describeWith(postgresServer, 'a PostgreSQL server as the Origin', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  statementConformance(() => server.open());
  captureConformance(() => server.open());
  payloadConformance(() => server.open());
});
