import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { FanoutError } from 'ddl-fanout';
import { type NatsDefinitions, natsDefinitions } from 'ddl-fanout/nats';
import { definition } from 'ddl-fanout/testing';
import { NatsFixture, type NatsServer, natsServer } from '../../helpers/nats.js';
import { NatsProxy } from '../../helpers/natsProxy.js';
import { describeWith } from '../../helpers/servers.js';
import { Watch } from '../../helpers/watch.js';

const unavailable = expect.objectContaining({ name: 'NatsDefinitionsError', code: 'UNAVAILABLE' }) as unknown;

describeWith(natsServer, 'publish of natsDefinitions', () => {
  const fixture = new NatsFixture();
  let server: NatsServer;
  let connection: NatsConnection;
  let definitions: NatsDefinitions;

  beforeEach(async () => {
    server = await fixture.single();
    connection = await fixture.connect(server.url);
    definitions = await natsDefinitions(connection);
  });
  afterEach(() => fixture.close());

  it('stores once what is said again with the same id, and resolves with the revision of the first', async () => {
    const { publish, commits$ } = definitions;
    expect(await publish(definition('a'), { id: 'commit-1' })).toBe(1n);
    expect(await publish(definition('a'), { id: 'commit-2' })).toBe(2n);
    expect(await publish(definition('a'), { id: 'commit-1' })).toBe(1n);
    const other = await natsDefinitions(await fixture.connect(server.url));
    expect(await other.publish(definition('a'), { id: 'commit-2' })).toBe(2n);
    expect(await publish(definition('b'))).toBe(3n);
    const watch = new Watch(commits$);
    await watch.upTo(3n);
    expect(watch.lines).toEqual(['2 put a', '3 put b']);
  });

  it('stores once what is said again with the same id after the server was killed', async () => {
    await definitions.publish(definition('a'), { id: 'commit-1' });
    await server.restart();
    expect(await definitions.publish(definition('a'), { id: 'commit-1' })).toBe(1n);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['a space', ' '],
    ['a line break', 'a\r\nNats-Rollup: all'],
    ['more than ASCII', '\u00e9'],
    ['257 characters', 'x'.repeat(257)],
    ['a number', 7],
    ['null', null],
  ])('rejects with BAD_OPTION when the id is %s', async (_, id) => {
    const published = definitions.publish(definition('a'), { id: id as string });
    await expect(published).rejects.toThrow(FanoutError);
    await expect(published).rejects.toThrow('id must be 1 to 256 visible characters of ASCII');
  });

  it.each([[null], [5], [[]]])('rejects with BAD_OPTION when the options are %j, in a term too', async (options) => {
    const badOption = expect.objectContaining({
      code: 'BAD_OPTION',
      message: expect.stringContaining('options must be'),
    });
    await expect(definitions.publish(definition('a'), options as never)).rejects.toEqual(badOption);
    const led = definitions.lead(({ publish }) => publish(definition('a'), options as never));
    await expect(led.forEach(() => undefined)).rejects.toEqual(badOption);
  });

  it('rejects with UNAVAILABLE after `timeout` while nobody answers, and works again when the server is back', async () => {
    const { publish } = await natsDefinitions(connection, { timeout: 300 });
    await server.kill();
    await expect(publish(definition('a'))).rejects.toEqual(unavailable);
    await server.start();
    await connection.flush().catch(() => connection.flush());
    expect(await publish(definition('b'))).toBe(1n);
  });

  it('puts one try into a network that stalls, which could deliver more when the server has forgotten the id', async () => {
    const proxy = await NatsProxy.to(server.options.port);
    try {
      const { publish } = await natsDefinitions(await fixture.connect(proxy.url), { timeout: 5_000 });
      const copies: number[] = [];
      connection.subscribe('$KV.definitions.>', {
        callback: (_, { data }) => {
          copies.push(data.length);
        },
      });
      await connection.flush();
      proxy.freeze();
      await expect(publish(definition('a'))).rejects.toEqual(unavailable);
      proxy.release();
      const watch = new Watch(definitions.commits$);
      await watch.upTo(1n);
      expect(await publish(definition('b'))).toBe(2n);
      await connection.flush();
      expect(copies).toHaveLength(2);
    } finally {
      await proxy.close();
    }
  });
});
