import { describe, expect, it } from '@jest/globals';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import { definition } from 'ddl-fanout/testing';
import { memoryStore, type DefinitionStore } from 'ddl-fanout/lite';
import { DeviceCatalog } from '../../lib/lite/deviceCatalog.js';
import { settle } from '../helpers/promises.js';

/** A store whose every call the spec lets go on, or fail. */
class SlowStore implements DefinitionStore {
  readonly calls: { what: string; resolve: () => void; reject: (error: Error) => void }[] = [];

  get = (): undefined => undefined;
  list = (): [] => [];
  put = (key: string): Promise<void> => this.#call(`put ${key}`);
  delete = (key: string): Promise<void> => this.#call(`delete ${key}`);

  #call(what: string): Promise<void> {
    return new Promise((resolve, reject) => this.calls.push({ what, resolve, reject }));
  }

  async answerAll(): Promise<void> {
    for (let call = this.calls.shift(); call !== undefined; call = this.calls.shift()) {
      call.resolve();
      await settle();
    }
  }
}

function fed(store: DefinitionStore) {
  const told: string[] = [];
  const seen: unknown[] = [];
  const catalog = new DeviceCatalog(store, (error) => seen.push('unfed', error));
  catalog.messages$.subscribe(({ action, name }) => told.push(`${action} ${name}`));
  catalog.feeder = {
    hold: () => seen.push('hold'),
    release: () => seen.push('release'),
    storeFailed: (error) => seen.push(error),
  };
  const add = (name: string, action = 'put'): void =>
    catalog.add({ type: 'message', msg: definition(name, { action }), inSnapshot: false });
  return { catalog, told, seen, add };
}

describe('DeviceCatalog', () => {
  it('tells of a change, and shows it, when the store has taken it', async () => {
    const store = new SlowStore();
    const { catalog, told, add } = fed(store);
    add('a');
    add('b');
    await settle();
    expect([told, [...catalog.definitions.keys()], store.calls.map(({ what }) => what)]).toEqual([
      [],
      [],
      ['put function:a'],
    ]);
    await store.answerAll();
    expect([told, [...catalog.definitions.keys()]]).toEqual([
      ['put a', 'put b'],
      ['function:a', 'function:b'],
    ]);
  });

  it('tells whatever comes live, and of a snapshot only what the device does not have already', () => {
    const { catalog, told, add } = fed(memoryStore());
    for (const action of ['delete', 'put', 'put']) add('a', action);
    for (const msg of [definition('a'), definition('b', { action: 'delete' }), definition('c')]) {
      catalog.add({ type: 'message', msg, inSnapshot: true });
    }
    expect(told).toEqual(['delete a', 'put a', 'put a', 'put c']);
  });

  it('needs no promise with a store that answers at once', () => {
    const { told, add } = fed(memoryStore());
    add('a');
    expect(told).toEqual(['put a']);
  });

  it('keeps the order when a change is told of that causes the next', () => {
    const { catalog, told, add } = fed(memoryStore());
    catalog.messages$.subscribe(({ name }) => {
      if (name === 'a') {
        add('b');
        add('c');
      }
    });
    add('a');
    expect(told).toEqual(['put a', 'put b', 'put c']);
  });

  it('grows no stack by a hundred thousand changes told of one in the other', () => {
    const { catalog, told, add } = fed(memoryStore());
    catalog.messages$.subscribe(({ name }) => {
      if (Number(name) < 100_000) add(String(Number(name) + 1));
    });
    add('0');
    expect(told).toHaveLength(100_001);
  });

  it('holds back a peer that is faster than the store, once, and lets it go on when little is left', async () => {
    const store = new SlowStore();
    const { seen, add } = fed(store);
    for (let i = 0; i < 300; i++) add(`f${i}`);
    expect(seen).toEqual(['hold']);
    await store.answerAll();
    expect(seen).toEqual(['hold', 'release']);
  });

  it.each(['put', 'delete'])(
    'lets go of what waits when the store fails at %s, and takes what comes then',
    async (action) => {
      const store = new SlowStore();
      const { catalog, told, seen, add } = fed(store);
      add('a', action);
      add('b');
      store.calls.shift()?.reject(new Error('disk full'));
      await settle();
      expect(seen).toEqual([new Error('disk full')]);
      expect([told, catalog.definitions.size]).toEqual([[], 0]);
      add('c');
      await store.answerAll();
      expect(told).toEqual(['put c']);
    },
  );

  it('takes a throw of the store for a failure', () => {
    const { told, seen, add } = fed({
      ...memoryStore(),
      put: () => {
        throw new Error('no such table');
      },
    });
    add('a');
    expect([told, seen]).toEqual([[], [new Error('no such table')]]);
  });

  it('deletes what a snapshot does not have, one after the other, before it is done', async () => {
    const store = new SlowStore();
    const { catalog, told, add } = fed(store);
    for (const name of ['a', 'b', 'c']) add(name);
    let done = false;
    catalog.add({ type: 'snapshot', alive: new Set(['function:b']), done: () => (done = true) });
    for (let i = 0; i < 4; i++) {
      store.calls.shift()?.resolve();
      await settle();
    }
    expect([told.slice(3), done]).toEqual([['delete a'], false]);
    await store.answerAll();
    expect([told.slice(3), done]).toEqual([['delete a', 'delete c'], true]);
  });

  it('fails to load when the store cannot be listed', async () => {
    const { catalog } = fed({ ...memoryStore(), list: () => Promise.reject(new Error('locked')) });
    await expect(catalog.load()).rejects.toMatchObject({ code: 'STORE', cause: { message: 'locked' } });
  });

  it.each<[string, () => DefinitionStore]>([
    ['a store that answers at once', memoryStore],
    ['a slow one', () => new SlowStore()],
  ])('changes nothing more once it is closed in the midst of a sweep, with %s', async (_what, make) => {
    const store = make();
    const { catalog, told, add } = fed(store);
    for (const name of ['a', 'b', 'c', 'd']) add(name);
    await (store as Partial<SlowStore>).answerAll?.();
    catalog.messages$.subscribe(({ name, action }) => {
      if (action === 'delete' && name === 'b') catalog.close();
    });
    catalog.add({ type: 'snapshot', alive: new Set(), done: () => told.push('done') });
    await (store as Partial<SlowStore>).answerAll?.();
    expect(told.slice(4)).toEqual(['delete a', 'delete b']);
    expect([...catalog.definitions.keys()]).toEqual(['function:c', 'function:d']);
  });

  it('shows nothing that is listed after it was closed', async () => {
    let answer: (stored: DefinitionSyncMsg[]) => void = () => undefined;
    const store = { ...memoryStore(), list: () => new Promise<DefinitionSyncMsg[]>((resolve) => (answer = resolve)) };
    const { catalog } = fed(store);
    const loaded = catalog.load();
    catalog.close();
    answer([definition('a')]);
    await loaded;
    expect(catalog.definitions.size).toBe(0);
  });
});
