import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { OverflowStrategy } from 'ddl-fanout';

/** Something that the user can put right; shown as one line, exit code 2. */
export class Complaint extends Error {}

export interface Options {
  readonly once: boolean;
  readonly port: number;
  readonly sessions: number;
  readonly migration: string;
  readonly nodes: number;
  readonly overflow: OverflowStrategy;
  /** A server's URL; absent: an embedded PostgreSQL. */
  readonly postgres: string | undefined;
  readonly help: boolean;
}

const strategies = ['catch-up', 'drop-incoming', 'drop-oldest', 'error'] as const satisfies readonly OverflowStrategy[];

export const help = `npm start -- [options]

Commits a migration in PostgreSQL and fans its definitions out to WebSocket sessions.

  --once             exit after the summary: 0 when every session that keeps up holds what the database holds, else 1
  --port N           port on 127.0.0.1; default 0: any free one; the nodes after the first take any
  --sessions N       sessions that keep up, 1 to 1000; default 4
  --migration DIR    folder of .sql files, run in the order of their names
  --overflow NAME    what a full session does: ${strategies.join(', ')}; default catch-up
  --postgres URL     a server, 13 or later, as a superuser; default: a PostgreSQL embedded in this process. The migration
                     runs in a database of its own, ddl_fanout_example_..., which is dropped at the end, as are the
                     roles that it creates; other databases are not touched
  --nodes N          nodes that the sessions are spread over, 1 to 9; default 1. Several share the definitions through a
                     nats-server with JetStream, which is started, and so must be on the PATH
  --help             this text`;

/** @throws {Complaint} naming the option, its rule and the value. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parse(args);
  const overflow = strategies.find((name) => name === values.overflow);
  if (overflow === undefined) {
    throw new Complaint(`--overflow must be one of ${strategies.join(', ')}, got "${values.overflow}"`);
  }
  return {
    once: values.once,
    port: wholeNumber('--port', values.port, 0, 65_535),
    sessions: wholeNumber('--sessions', values.sessions, 1, 1_000),
    migration: values.migration,
    nodes: wholeNumber('--nodes', values.nodes, 1, 9),
    overflow,
    postgres: postgresUrl(values.postgres),
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean', default: false },
        port: { type: 'string', default: '0' },
        sessions: { type: 'string', default: '4' },
        migration: { type: 'string', default: fileURLToPath(new URL('migration', import.meta.url)) },
        overflow: { type: 'string', default: 'catch-up' },
        nodes: { type: 'string', default: '1' },
        postgres: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    // parseArgs explains itself in several lines; the first says what is wrong.
    const [what] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new Complaint(`${what ?? ''} (npm start -- --help lists the options)`, { cause: error });
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Complaint(`${option} must be a whole number of ${least} to ${most}, got "${text}"`);
}

function postgresUrl(text: string | undefined): string | undefined {
  if (text === undefined || (URL.canParse(text) && /^postgres(?:ql)?:\/\/./.test(text))) return text;
  throw new Complaint('--postgres must be a URL postgres://user@host/database'); // not the value: it may hold a password
}
