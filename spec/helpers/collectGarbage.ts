import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Lets go of all that nobody holds, so that what is held can be measured.
 * More than once: a WeakRef keeps its target until the job is over that made or read it, and what is optimised may keep one too.
 */
export async function collectGarbage(): Promise<void> {
  const collect = collector();
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}

/** Empties the nursery, where all that is new is made, so that it need not be emptied while what is made is measured. */
export function emptyNursery(): void {
  collector()({ type: 'minor' });
}

function collector(): (options?: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as ReturnType<typeof collector>;
}
