import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Complaint } from './options.js';

/** A nats-server of this run alone. */
export interface NatsServer {
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Starts the nats-server of the PATH with JetStream, on a free port of loopback and in a folder that goes with it.
 * @throws {Complaint} when there is none
 */
export async function startNatsServer(): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ddl-fanout-example-'));
  // In a process group of its own: Ctrl-C is for the origin, which ends it when the nodes have ended.
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', folder], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const remove = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', remove);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  const close = async (): Promise<void> => {
    child.kill();
    await exited;
    process.off('exit', remove);
    remove();
  };
  let log = '';
  try {
    await once(child, 'spawn');
    for await (const chunk of child.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      log += String(chunk);
      if (log.includes('Server is ready')) break;
    }
  } catch (cause) {
    remove();
    process.off('exit', remove);
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new Complaint(`nats-server cannot be started: ${message}`);
    throw new Complaint(
      '--nodes needs nats-server on the PATH (apt-get install nats-server, brew install nats-server)',
    );
  }
  child.stderr.resume();
  const [, address] = /client connections on (\S+)/.exec(log) ?? [];
  if (address !== undefined) return { address, close };
  await close();
  throw new Complaint(`nats-server ended: ${log}`);
}
