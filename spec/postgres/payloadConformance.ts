import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listening, type Listener, payloadOf, type TestDatabase } from '../helpers/postgresDatabase.js';
import { payloads } from './payloads.js';

/** What the payload of a put holds, on any server. */
export function payloadConformance(open: () => Promise<TestDatabase>): void {
  describe('the payload', () => {
    let database: TestDatabase;
    let listener: Listener;
    let version: number;

    beforeAll(async () => {
      database = await open();
      const [row] = await database.sql(`SELECT current_setting('server_version_num')::int / 10000 AS version`);
      version = Number(row?.['version']);
      listener = await listening(database);
    });
    afterAll(async () => {
      listener.stop();
      await database.close();
    });

    it.each(Object.entries(payloads))('of %s', async (_title, { since = 13, ...given }) => {
      await database.sql('DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s');
      if (version < since) return;
      const payload = payloadOf((await listener.messagesAfter(given.create)).at(-1));
      expect(payload).toMatchObject(given.told);
      const definition = version === 13 ? (given.definition13 ?? given.definition) : given.definition;
      expect(definition.filter((text) => !String(payload['definition']).includes(text))).toEqual([]);
    });

    it('has exactly the keys that a stock Lite stores, and `definition`', async () => {
      await database.sql('DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s');
      const common = ['name', 'body_sql', 'owner', 'created_at', 'definition'];
      const messages = await listener.messagesAfter(
        `CREATE FUNCTION s.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE PROCEDURE s.p() LANGUAGE sql AS ''; CREATE TABLE s.t (a int);
         CREATE TRIGGER trg AFTER INSERT ON s.t EXECUTE FUNCTION s.run(); DROP TRIGGER trg ON s.t`,
      );
      const keys = messages.slice(0, 3).map((msg) => Object.keys(payloadOf(msg)).sort());
      expect(keys).toEqual([
        [...common, 'parameters', 'return_type'].sort(),
        [...common, 'parameters', 'max_iterations', 'timeout_secs'].sort(),
        [
          ...[...common, 'collection', 'timing', 'events', 'granularity', 'when_condition', 'priority', 'enabled'],
          'execution_mode',
        ].sort(),
      ]);
      expect(messages[3]?.payload.length).toBe(0);
    });

    it('keeps `created_at`, whole seconds of the epoch, over changes and renames, and not over a drop', async () => {
      const create = (value: number) =>
        `CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT ${value}'`;
      await database.sql('DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s');
      const [made] = (await listener.messagesAfter(create(1))).map((msg) => payloadOf(msg)['created_at'] as number);
      expect(Number.isInteger(made)).toBe(true);
      expect(String(made)).toHaveLength(10);
      await database.sql(`UPDATE ddl_fanout.definition SET payload = replace(payload, '${made ?? ''}', '1000')`);
      const told = await listener.messagesAfter(
        `${create(2)}; ALTER FUNCTION s.f() RENAME TO g; DROP FUNCTION s.g(); ${create(3)}`,
      );
      const times = told.filter((msg) => msg.action === 'put').map((msg) => payloadOf(msg)['created_at']);
      expect(times).toEqual([1000, 1000, expect.any(Number)]);
      expect(times[2]).not.toBe(1000);
    });
  });
}
