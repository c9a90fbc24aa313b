import { decodeRecord, encodeDelete, encodePut } from './logRecord.js';
import type { FileHandle } from 'node:fs/promises';
import type { DefinitionSyncMsg } from '../definition.js';
import type { Awaitable, DefinitionStore } from './definitionStore.js';

/** What a log needs of Node. */
export interface NodeModules {
  readonly fs: typeof import('node:fs/promises');
  readonly zlib: typeof import('node:zlib');
}

interface Kept {
  readonly msg: DefinitionSyncMsg;
  /** Bytes of its record. */
  readonly size: number;
}

const MAGIC = Uint8Array.from('DDLLITE1', (letter) => letter.charCodeAt(0));
/** A log is rewritten when it has more than twice the bytes of what is alive, and this many more. */
const SLACK = 65_536;

/** The log of a file store, and what it says. */
export class LogFile implements DefinitionStore {
  readonly #kept = new Map<string, Kept>();
  readonly #fs: NodeModules['fs'];
  readonly #checksum: (bytes: Uint8Array) => number;
  #handle: FileHandle | undefined;
  /** Bytes of the log that are sound. */
  #end = 0;
  #live = MAGIC.length;
  /** A write failed: bytes may lie after `#end`. */
  #torn = false;
  /** A rewrite failed: none is tried while the log has no more bytes than this. */
  #notBelow = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly path: string,
    { fs, zlib }: NodeModules,
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

  get(key: string): Promise<DefinitionSyncMsg | undefined> {
    return this.#afterLast(() => this.#kept.get(key)?.msg);
  }

  list(): Promise<Iterable<DefinitionSyncMsg>> {
    return this.#afterLast(() => Array.from(this.#kept.values(), ({ msg }) => msg));
  }

  put(key: string, msg: DefinitionSyncMsg): Promise<void> {
    return this.#afterLast(async () => {
      const record = encodePut(msg, this.#checksum);
      await this.#append(record);
      this.#remember(key, { msg, size: record.length });
      await this.#shorten();
    });
  }

  delete(key: string): Promise<void> {
    return this.#afterLast(async () => {
      if (!this.#kept.has(key)) return;
      await this.#append(encodeDelete(key, this.#checksum));
      this.#remember(key, undefined);
      await this.#shorten();
    });
  }

  close(): Promise<void> {
    return this.#afterLast(async () => {
      const handle = this.#handle;
      this.#handle = undefined;
      await handle?.close();
    });
  }

  /** One at a time, in the order of the calls, reads too: whoever had the store before may have left a write under way. */
  #afterLast<T>(work: () => Awaitable<T>): Promise<T> {
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
    await this.#shorten();
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

  /** Rewrites a log that is long. One that cannot be is sound all the same: it goes on, and is tried again when it is longer. */
  async #shorten(): Promise<void> {
    if (this.#end <= Math.max(2 * this.#live + SLACK, this.#notBelow)) return;
    try {
      await this.#rewrite();
      this.#notBelow = 0;
    } catch {
      this.#notBelow = this.#end + SLACK;
    }
  }

  async #rewrite(): Promise<void> {
    const beside = `${this.path}.new`;
    const log = Buffer.concat([MAGIC, ...Array.from(this.#kept.values(), ({ msg }) => encodePut(msg, this.#checksum))]);
    await this.#fs.rm(beside, { force: true });
    const handle = await this.#fs.open(beside, 'a+');
    try {
      // The data must be on the disk before the name is, or a power cut leaves the name of an empty file.
      await handle.appendFile(log);
      await handle.sync();
      await this.#fs.rename(beside, this.path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    const old = this.#open;
    this.#handle = handle;
    this.#end = log.length;
    this.#torn = false;
    await old.close();
  }
}
