import type { DefinitionSyncMsg } from '../definition.js';
import type { DefinitionStore } from './definitionStore.js';

/** A store that lasts as long as the process: the default. */
export function memoryStore(): DefinitionStore {
  const kept = new Map<string, DefinitionSyncMsg>();
  return {
    get: (key) => kept.get(key),
    put: (key, msg) => void kept.set(key, msg),
    delete: (key) => void kept.delete(key),
    list: () => kept.values(),
  };
}
