import { afterAll, beforeAll } from '@jest/globals';
import { majors, postgresMajor } from '../../helpers/postgresPrograms.js';
import { PostgresServer } from '../../helpers/postgresServer.js';
import { describeWith } from '../../helpers/servers.js';
import { captureConformance } from '../../postgres/captureConformance.js';
import { costConformance } from '../../postgres/costConformance.js';
import { payloadConformance } from '../../postgres/payloadConformance.js';
import { statementConformance } from '../../postgres/statementConformance.js';

for (const major of majors) {
  const programs = postgresMajor(major);

  describeWith(programs, `PostgreSQL ${major} as the Origin`, () => {
    let server: PostgresServer;

    beforeAll(async () => {
      server = await PostgresServer.start({ fsync: 'off' }, programs);
    });
    afterAll(() => server.stop());

    statementConformance(() => server.open());
    captureConformance(() => server.open());
    payloadConformance(() => server.open());
    costConformance(() => server.open());
  });
}
