import { badOption } from '../options.js';
import { LogFile } from './logFile.js';
import type { DefinitionStore } from './definitionStore.js';

/** A store on one file, for one process at a time. */
export interface FileStore extends DefinitionStore {
  /** Waits for what is under way and closes the file; the store is not to be used afterwards. */
  close(): Promise<void>;
}

/**
 * Opens a store that survives a crash at any byte: an append-only log whose records carry checksums.
 *
 * - What follows the last sound record is cut off at opening; the next resync brings what was lost by it.
 * - The log is rewritten now and then, beside the old one, and takes its place by a rename.
 * - Records reach the operating system before `put` and `delete` resolve; they are not forced to the disk one by one.
 *
 * @throws {FanoutError} BAD_OPTION at call time
 * @returns rejects when the file holds something else than such a log, or cannot be read or written; without Node's modules
 */
export function fileStore(path: string): Promise<FileStore> {
  if (typeof path !== 'string' || path === '') throw badOption('path', 'a path of one character or more', path);
  return open(path);
}

async function open(path: string): Promise<FileStore> {
  const store = new LogFile(path, nodeModules());
  await store.open();
  return store;
}

/** Node's modules, without an import that a bundler for browsers would have to resolve. */
function nodeModules() {
  const { process } = globalThis as { process?: NodeJS.Process };
  if (typeof process?.getBuiltinModule !== 'function') throw new Error('fileStore needs Node 20.16 or later');
  return { fs: process.getBuiltinModule('node:fs/promises'), zlib: process.getBuiltinModule('node:zlib') };
}
