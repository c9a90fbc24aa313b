import { collectGarbage } from './collectGarbage.js';

/** How many of the values are still referenced by anybody. */
export async function alive(refs: readonly WeakRef<object>[]): Promise<number> {
  await collectGarbage();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
