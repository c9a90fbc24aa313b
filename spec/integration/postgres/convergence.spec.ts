import { it, jest } from '@jest/globals';
import { PostgresServer, postgresServer } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';
import { converges } from '../../postgres/convergence.js';

// Twelve databases, each with three sessions in each other's way.
jest.setTimeout(300_000);

describeWith(postgresServer, 'random DDL of several sessions of a PostgreSQL server', () => {
  it('leaves every reader, however cut off and restarted, with what the catalogs say', async () => {
    const server = await PostgresServer.start({ fsync: 'off', deadlock_timeout: '20ms' });
    try {
      await converges(() => server.open(), 12);
    } finally {
      await server.stop();
    }
  });
});
