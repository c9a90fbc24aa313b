type Collect = (options?: { type: 'minor' | 'major' }) => void;
const { gc } = globalThis as { gc?: Collect };

/** Empties the nursery. */
export function collectYoung(): void {
  collector()({ type: 'minor' });
}

/** Bytes that are in use after all garbage is collected. */
export function heapUsed(): number {
  collector()();
  collector()();
  return process.memoryUsage().heapUsed;
}

function collector(): Collect {
  if (gc === undefined) throw new Error('run with --expose-gc');
  return gc;
}
