import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { ServerProgram } from './servers.js';

const DEBIAN = '/usr/lib/postgresql';

/** The PostgreSQL versions that a capture works on. */
export const majors = [13, 14, 15, 16, 17, 18] as const;

/** The programs of one PostgreSQL server, for `PostgresServer.start`. */
export interface PostgresPrograms extends ServerProgram {
  /** The folder that holds them; `undefined` when they are not there. */
  readonly folder: string | undefined;
}

function holds(folder: string, ...programs: string[]): boolean {
  return programs.every((program) => existsSync(join(folder, program)));
}

/** On PATH, or where Debian keeps them, the newest first. */
function findAny(...more: string[]): string | undefined {
  const found = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...found.map((major) => join(DEBIAN, major, 'bin')),
  ];
  return folders.find((folder) => holds(folder, 'initdb', 'postgres', 'pg_basebackup', ...more));
}

/** In the folder that `DDL_FANOUT_POSTGRES` names, or where Debian keeps them. */
function findMajor(major: number): string | undefined {
  const named = process.env['DDL_FANOUT_POSTGRES'];
  const folders = [
    ...(named === undefined ? [] : [resolve(named, `postgres${major}/native/bin`)]),
    join(DEBIAN, String(major), 'bin'),
  ];
  return folders.find((folder) => holds(folder, 'initdb', 'postgres'));
}

const programs = (name: string, remedy: string, folder: string | undefined): PostgresPrograms => ({
  name,
  remedy,
  folder,
  available: folder !== undefined,
});

/** Any version, with all that comes with a server. */
export const postgresServer = programs('PostgreSQL server', 'Debian: apt-get install postgresql', findAny());

/** The same with the client's programs for dumps; on Debian they come with it. */
export const postgresDumps = programs(
  'PostgreSQL server with pg_dump and pg_restore',
  'Debian: apt-get install postgresql',
  findAny('pg_dump', 'pg_restore'),
);

/** One version, without more than what runs a server. */
export function postgresMajor(major: number): PostgresPrograms {
  const remedy = 'npm ci --prefix .ci/postgres; then set DDL_FANOUT_POSTGRES=.ci/postgres/node_modules';
  return programs(`PostgreSQL ${major} server`, remedy, findMajor(major));
}

/** PostgreSQL refuses to run as root, so root lends it a user without rights. */
export function findUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((entry) => entry.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return user && { uid: Number(user[2]), gid: Number(user[3]) };
}
