import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsConnection, type NodeConnectionOptions, connect } from '@nats-io/transport-node';
import type { ServerProgram } from './servers.js';

/** For `describeWith`. */
export const natsServer: ServerProgram = {
  name: 'nats-server',
  remedy: 'apt-get install nats-server',
  available: spawnSync('nats-server', ['--version']).status === 0,
};

export interface NatsServerOptions {
  readonly port: number;
  readonly dir: string;
  readonly name: string;
  /** Lines of the configuration file besides host, port and name. */
  readonly config: string;
}

/** One nats-server process on loopback, which can be killed and started again on the same port and files. */
export class NatsServer {
  #process: ChildProcess | undefined;

  constructor(readonly options: NatsServerOptions) {}

  get url(): string {
    return `127.0.0.1:${this.options.port}`;
  }

  get name(): string {
    return this.options.name;
  }

  async start(): Promise<void> {
    const { port, dir, name, config } = this.options;
    const file = join(dir, 'nats.conf');
    await writeFile(file, `host: 127.0.0.1\nport: ${port}\nserver_name: ${name}\n${config}\n`);
    const child = spawn('nats-server', ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    const orphaned = (): void => {
      child.kill('SIGKILL');
    };
    process.once('exit', orphaned);
    child.once('exit', () => process.off('exit', orphaned));
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('Server is ready')) resolve();
      });
      child.once('error', reject).once('exit', () => {
        reject(new Error(`nats-server ended: ${output}`));
      });
    });
    child.stderr.removeAllListeners('data').resume();
  }

  /** Sends a signal; unless that only pauses it, resolves when the process is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    child.kill(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    this.#process = undefined;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  /** Copies the files of a server that does not run. */
  async save(dir: string): Promise<void> {
    await cp(this.options.dir, dir, { recursive: true });
  }

  /** Puts such a copy in the place of its files. */
  async restore(dir: string): Promise<void> {
    await rm(this.options.dir, { recursive: true });
    await cp(dir, this.options.dir, { recursive: true });
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }
}

/** Servers and connections of one spec file; `close` leaves nothing behind. */
export class NatsFixture {
  readonly #servers: NatsServer[] = [];
  readonly #dirs: string[] = [];
  readonly #connections: NatsConnection[] = [];

  /** @param config extra lines of the configuration; default: JetStream on files */
  async single(config?: string): Promise<NatsServer> {
    const dir = this.scratch();
    const options = { port: await freePort(), dir, name: 'alone', config: config ?? jetStream(dir) };
    return this.#started(new NatsServer(options));
  }

  /**
   * Three servers with JetStream, each with a route to the others.
   * @param started how many of them, the first ones; the others are the caller's to start
   */
  async cluster(started = 3): Promise<[NatsServer, NatsServer, NatsServer]> {
    const routes = [await freePort(), await freePort(), await freePort()];
    const urls = routes.map((port) => `nats://127.0.0.1:${port}`).join(', ');
    const servers = await Promise.all(
      routes.map(async (route, index) => {
        const dir = this.scratch();
        const config = `${jetStream(dir)}\ncluster { name: spec, listen: "127.0.0.1:${route}", routes: [${urls}] }`;
        return new NatsServer({ port: await freePort(), dir, name: `n${index}`, config });
      }),
    );
    const [a, b, c] = servers;
    if (a === undefined || b === undefined || c === undefined) throw new Error('three were asked for');
    this.#servers.push(...servers);
    await Promise.all(servers.slice(0, started).map((server) => server.start()));
    return [a, b, c];
  }

  /** A client that reconnects for ever, quickly. */
  async connect(servers: string | string[], options: NodeConnectionOptions = {}): Promise<NatsConnection> {
    const connection = await connect({
      servers,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      waitOnFirstConnect: true,
      ...options,
    });
    this.#connections.push(connection);
    return connection;
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.splice(0).map((connection) => connection.close()));
    for (const server of this.#servers.splice(0)) {
      await server.kill('SIGCONT');
      await server.kill();
    }
    await Promise.all(this.#dirs.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
  }

  async #started(server: NatsServer): Promise<NatsServer> {
    this.#servers.push(server);
    await server.start();
    return server;
  }

  /** A directory that `close` removes. */
  scratch(): string {
    const dir = mkdtempSync(join(tmpdir(), 'ddl-fanout-nats-'));
    this.#dirs.push(dir);
    return dir;
  }
}

/** The configuration of a server that keeps streams in files. */
export function jetStream(dir: string, more = ''): string {
  return `jetstream { store_dir: "${dir}", max_file: 1G, max_mem: 64M ${more} }`;
}

/** A port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a port was asked for');
  return address.port;
}
