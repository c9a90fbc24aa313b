import { decodeRecord, encodeDelete, encodePut } from './logRecord.js';
import type { FileHandle } from 'node:fs/promises';
import type { DefinitionSyncMsg } from '../definition.js';
import type { DefinitionStore } from './definitionStore.js';

/** A store on one file, for one process at a time. */
export interface FileStore extends DefinitionStore {
  /** Waits for what is under way and closes the file; the store is not to be used afterwards. */
  close(): Promise<void>;
}

interface Kept {
  readonly msg: DefinitionSyncMsg;
  /** Bytes of its record. */
  readonly size: number;
}

const MAGIC = new TextEncoder().encode('DDLLITE1');
/** A log is rewritten when it has more than twice the bytes of what is alive, and this many more. */
const SLACK = 65_536;

/**
 * Opens a store that survives a crash at any byte: an append-only log whose records carry checksums.
 *
 * - What follows the last sound record is cut off at opening; the next resync brings what was lost by it.
 * - The log is rewritten now and then, beside the old one, and takes its place by a rename.
 * - Records reach the operating system before `put` and `delete` resolve; they are not forced to the disk one by one.
 *
 * @throws when the file holds something else than such a log, or cannot be read or written; without Node's modules
 */
export async function fileStore(path: string): Promise<FileStore> {
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

class LogFile implements FileStore {
  readonly #kept = new Map<string, Kept>();
  readonly #fs: ReturnType<typeof nodeModules>['fs'];
  readonly #checksum: (bytes: Uint8Array) => number;
  #handle: FileHandle | undefined;
  /** Bytes of the log that are sound. */
  #end = 0;
  #live = MAGIC.length;
  /** A write failed: bytes may lie behind `#end`. */
  #torn = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly path: string,
    { fs, zlib }: ReturnType<typeof nodeModules>,
  ) {
    this.#fs = fs;
    this.#checksum = (bytes) => zlib.crc32(bytes);
  }

  async open(): Promise<void> {
    const handle = await this.#fs.open(this.path, 'a+');
    try {
      this.#handle = handle;
      await this.#load(await handle.readFile());
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get(key: string): DefinitionSyncMsg | undefined {
    return this.#kept.get(key)?.msg;
  }

  list(): Iterable<DefinitionSyncMsg> {
    return Array.from(this.#kept.values(), ({ msg }) => msg);
  }

  put(key: string, msg: DefinitionSyncMsg): Promise<void> {
    return this.#afterLast(async () => {
      const record = encodePut(msg, this.#checksum);
      await this.#append(record);
      this.#remember(key, { msg, size: record.length });
      await this.#rewriteIfLong();
    });
  }

  delete(key: string): Promise<void> {
    return this.#afterLast(async () => {
      if (!this.#kept.has(key)) return;
      await this.#append(encodeDelete(key, this.#checksum));
      this.#remember(key, undefined);
      await this.#rewriteIfLong();
    });
  }

  close(): Promise<void> {
    return this.#afterLast(async () => {
      const handle = this.#handle;
      this.#handle = undefined;
      await handle?.close();
    });
  }

  /** One at a time, in the order of the calls. */
  #afterLast(work: () => Promise<void>): Promise<void> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #load(log: Uint8Array): Promise<void> {
    const head = log.subarray(0, MAGIC.length);
    if (!head.every((byte, index) => byte === MAGIC[index])) throw new Error(`${this.path} is no definition store`);
    if (head.length < MAGIC.length) {
      await this.#rewrite();
      return;
    }
    this.#end = MAGIC.length;
    for (let record; (record = decodeRecord(log, this.#end, this.#checksum)) !== undefined; this.#end = record.end) {
      const { key, msg, end } = record;
      this.#remember(key, msg && { msg, size: end - this.#end });
    }
    if (this.#end < log.length) await this.#open.truncate(this.#end);
    await this.#rewriteIfLong();
  }

  #remember(key: string, kept: Kept | undefined): void {
    this.#live += (kept?.size ?? 0) - (this.#kept.get(key)?.size ?? 0);
    if (kept === undefined) this.#kept.delete(key);
    else this.#kept.set(key, kept);
  }

  get #open(): FileHandle {
    if (this.#handle === undefined) throw new Error('this store is closed');
    return this.#handle;
  }

  async #append(record: Uint8Array): Promise<void> {
    const handle = this.#open;
    if (this.#torn) await handle.truncate(this.#end);
    this.#torn = true;
    await handle.appendFile(record);
    this.#torn = false;
    this.#end += record.length;
  }

  async #rewriteIfLong(): Promise<void> {
    if (this.#end > 2 * this.#live + SLACK) await this.#rewrite();
  }

  async #rewrite(): Promise<void> {
    const beside = `${this.path}.new`;
    const log = Buffer.concat([MAGIC, ...Array.from(this.#kept.values(), ({ msg }) => encodePut(msg, this.#checksum))]);
    // The data must be on the disk before the name is, or a power cut leaves the name of an empty file.
    await this.#fs.writeFile(beside, log, { flush: true });
    await this.#fs.rename(beside, this.path);
    const old = this.#open;
    this.#handle = await this.#fs.open(this.path, 'a+');
    this.#end = log.length;
    this.#torn = false;
    await old.close();
  }
}
