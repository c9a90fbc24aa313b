/** The lengths of the buffers that are made while `work` runs; views on a buffer are none. */
export function buffersMadeBy(work: () => void): number[] {
  const Original = globalThis.Uint8Array;
  const made: number[] = [];
  globalThis.Uint8Array = new Proxy(Original, {
    construct(target, args: readonly unknown[], newTarget) {
      if (typeof args[0] === 'number') made.push(args[0]);
      return Reflect.construct(target, args, newTarget) as Uint8Array;
    },
  });
  try {
    work();
  } finally {
    globalThis.Uint8Array = Original;
  }
  return made;
}
