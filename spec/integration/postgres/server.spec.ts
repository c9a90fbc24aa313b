import { afterAll, beforeAll } from '@jest/globals';
import { PostgresServer, postgresServer } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';
import { statementConformance } from '../../postgres/statementConformance.js';

describeWith(postgresServer, 'a PostgreSQL server as the Origin', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  statementConformance(() => server.open());
});
