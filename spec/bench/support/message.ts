import type { DefinitionSyncMsg } from 'ddl-fanout';

/** A put of a definition with a payload of so many bytes; default 1 KB. */
export function message(name = 'public.total(integer)', payloadBytes = 1_024): DefinitionSyncMsg {
  return { definitionType: 'function', name, action: 'put', payload: new Uint8Array(payloadBytes).fill(0x20) };
}

/** 0 to `count` - 1 in an order that is the same at every run. */
export function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  let seed = 1;
  for (let i = count - 1; i > 0; i--) {
    seed = (seed * 48_271) % 0x7fff_ffff;
    const j = seed % (i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
