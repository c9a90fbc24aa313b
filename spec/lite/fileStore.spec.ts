import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as fs from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { filter, firstValueFrom } from 'rxjs';
import { connectLite, fileStore, type FileStore } from 'ddl-fanout/lite';
import { definition } from 'ddl-fanout/testing';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import { LogFile } from '../../lib/lite/logFile.js';
import { settle } from '../helpers/promises.js';
import { scriptedServer } from '../helpers/scriptedServer.js';

let folder: string;
let path: string;
const stores: FileStore[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ddl-fanout-'));
  path = join(folder, 'definitions');
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

async function open(): Promise<FileStore> {
  const store = await fileStore(path);
  stores.push(store);
  return store;
}

async function contents(): Promise<Record<string, string>> {
  const store = await open();
  const list = Array.from(await store.list(), ({ name, payload }) => [name, new TextDecoder().decode(payload)]);
  await store.close();
  return Object.fromEntries(list) as Record<string, string>;
}

const put = (name: string, text: string): DefinitionSyncMsg =>
  definition(name, { payload: new TextEncoder().encode(text) });

describe('fileStore', () => {
  it.each([3, '', undefined])('throws BAD_OPTION at the call for the path %p', (path) => {
    expect(() => fileStore(path as string)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
  });

  it('has what was put and not deleted when it is opened again', async () => {
    const store = await open();
    await store.put('function:a', put('a', '1'));
    await store.put('function:b', put('b', '2'));
    await store.put('function:a', put('a', '3'));
    await store.delete('function:b');
    await store.delete('function:never');
    await store.close();
    expect(await contents()).toEqual({ a: '3' });
  });

  it('gives back type, name, action, payload and scope', async () => {
    const scope = { tenantId: 2n ** 64n - 1n, databaseId: 0n };
    const msg: DefinitionSyncMsg = {
      definitionType: 'view',
      name: 'ä:b',
      action: 'upsert',
      payload: new Uint8Array([0, 255]),
      scope,
    };
    const store = await open();
    await store.put('view:ä:b', msg);
    expect(await store.get('view:ä:b')).toBe(msg);
    await store.close();
    const again = await open();
    expect(await again.get('view:ä:b')).toEqual(msg);
    await again.delete('view:ä:b');
    await again.close();
    expect(await contents()).toEqual({});
  });

  it('has, cut off at any byte, what it had after one of its changes', async () => {
    const states: Record<string, string>[] = [{}];
    const store = await open();
    for (const [name, text] of [
      ['a', '1'],
      ['b', '2'],
      ['a', '33'],
      ['b', undefined],
      ['c', '4'],
    ] as const) {
      if (text === undefined) await store.delete(`function:${name}`);
      else await store.put(`function:${name}`, put(name, text));
      states.push(
        Object.fromEntries(Array.from(await store.list(), (msg) => [msg.name, new TextDecoder().decode(msg.payload)])),
      );
    }
    await store.close();
    const whole = await readFile(path);
    let reached = 0;
    for (let length = 0; length <= whole.length; length++) {
      await writeFile(path, whole.subarray(0, length));
      const has = await contents();
      reached = Math.max(
        reached,
        states.findIndex((state) => JSON.stringify(state) === JSON.stringify(has)),
      );
      expect(states[reached]).toEqual(has);
    }
    expect(reached).toBe(states.length - 1);
  });

  it('goes on behind the cut', async () => {
    const store = await open();
    await store.put('function:a', put('a', '1'));
    await store.put('function:b', put('b', '2'));
    await store.close();
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.length - 1));
    const cut = await open();
    await cut.put('function:c', put('c', '3'));
    await cut.close();
    expect(await contents()).toEqual({ a: '1', c: '3' });
  });

  it('takes no record with a changed byte, nor what follows it', async () => {
    const store = await open();
    await store.put('function:a', put('a', '1'));
    const { size } = await stat(path);
    await store.put('function:b', put('b', '2'));
    await store.close();
    const whole = await readFile(path);
    for (let at = size; at < whole.length; at++) {
      const bent = Buffer.from(whole);
      bent[at] = (bent[at] ?? 0) ^ 0x10;
      await writeFile(path, bent);
      expect(await contents()).toEqual({ a: '1' });
    }
  });

  it('takes no run of zeros for records', async () => {
    const store = await open();
    await store.put('function:a', put('a', '1'));
    await store.close();
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(4_096)]));
    expect(await contents()).toEqual({ a: '1' });
  });

  it('refuses a file that is something else, and leaves it as it is', async () => {
    await writeFile(path, 'my diary');
    await expect(fileStore(path)).rejects.toThrow('is no definition store');
    expect(await readFile(path, 'utf8')).toBe('my diary');
  });

  it('rewrites its log, so that it stays within about twice what is alive', async () => {
    const store = await open();
    const text = 'x'.repeat(1_000);
    for (let i = 0; i < 1_000; i++) await store.put('function:a', put('a', `${text}${i}`));
    await store.put('function:b', put('b', '2'));
    expect((await stat(path)).size).toBeLessThan(72_000);
    await store.close();
    expect(await contents()).toEqual({ a: `${text}999`, b: '2' });
    expect(await readdir(folder)).toEqual(['definitions']);
  });

  it('goes on with a long log while it cannot be rewritten, and rewrites it when it can', async () => {
    const store = await open();
    const text = 'x'.repeat(1_000);
    await mkdir(`${path}.new`);
    for (let i = 0; i < 200; i++) await store.put('function:a', put('a', `${text}${i}`));
    expect((await stat(path)).size).toBeGreaterThan(200_000);
    await store.close();
    expect(await contents()).toEqual({ a: `${text}199` });
    const again = await open();
    await rm(`${path}.new`, { recursive: true });
    for (let i = 0; i < 200; i++) await again.put('function:a', put('a', `${text}${i}`));
    expect((await stat(path)).size).toBeLessThan(72_000);
    await again.close();
    expect(await contents()).toEqual({ a: `${text}199` });
    expect(await readdir(folder)).toEqual(['definitions']);
  });

  // A power cut could leave the name of a file whose data never reached the disk.
  it('has a log that it writes anew on the disk before that takes its name', async () => {
    const steps: string[] = [];
    const recording: typeof fs = {
      ...fs,
      open: async (...args) => {
        const handle = await fs.open(...args);
        const append = handle.appendFile.bind(handle);
        const sync = handle.sync.bind(handle);
        handle.appendFile = (...data) => append(...data).then(() => void steps.push('written'));
        handle.sync = () => sync().then(() => void steps.push('synced'));
        return handle;
      },
      rename: (...names) => fs.rename(...names).then(() => void steps.push('renamed')),
    };
    const store = new LogFile(path, { fs: recording, zlib });
    await store.open();
    await store.close();
    expect(steps).toEqual(['written', 'synced', 'renamed']);
  });

  it('does not mind what a crash while rewriting left behind', async () => {
    const store = await open();
    await store.put('function:a', put('a', '1'));
    await store.close();
    await writeFile(`${path}.new`, 'half a log');
    expect(await contents()).toEqual({ a: '1' });
  });

  it('does what it is told in order, also when nobody waits', async () => {
    const store = await open();
    void store.put('function:a', put('a', '1'));
    void store.delete('function:a');
    void store.put('function:a', put('a', '2'));
    await store.close();
    await expect(store.put('function:b', put('b', '3'))).rejects.toThrow('this store is closed');
    expect(await contents()).toEqual({ a: '2' });
  });

  it('gets and lists behind the writes that are under way', async () => {
    const store = await open();
    const written = store.put('function:a', put('a', '1'));
    expect(await store.get('function:a')).toMatchObject({ name: 'a' });
    const dropped = store.delete('function:a');
    expect([...(await store.list())]).toEqual([]);
    await Promise.all([written, dropped]);
  });

  // The next device began without what the last one was still writing, and never deleted it.
  it('has what the Origin has when a device follows on one that was closed in the midst of a write', async () => {
    const store = await open();
    const server = scriptedServer();
    const connect = () => connectLite({ url: 'ws://origin', token: 't', WebSocket: server.WebSocket, store });
    const sync = async (nth: number, ...msgs: DefinitionSyncMsg[]): Promise<void> => {
      while (server.sockets.length < nth) await settle();
      server.last().accept();
      server.last().define(...msgs);
      server.last().pong();
    };
    const closed = connect();
    await sync(1, put('ghost', '1'));
    closed.close();
    const next = connect();
    await sync(2);
    await firstValueFrom(next.status$.pipe(filter((status) => status === 'live')));
    next.close();
    await store.close();
    expect(await contents()).toEqual({});
  });
});
