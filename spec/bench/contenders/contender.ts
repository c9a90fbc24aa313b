import type { DefinitionSyncMsg } from 'ddl-fanout';

export interface Counts {
  frames: number;
  dropped: number;
}

/** Counts what reached sessions, so that nobody is fast by leaving work undone. */
export class Tally implements Counts {
  frames = 0;
  dropped = 0;
}

/** A fan-out with its sessions, whatever it is made of. */
export interface Fanned {
  readonly tally: Readonly<Counts>;
  broadcast(msg: DefinitionSyncMsg): void;
  /** Makes the sessions busy; untimed. */
  occupy?(): void;
  /** Delivers what waits, or waits for what is still being delivered. */
  readonly drain?: (() => void | Promise<void>) | undefined;
  close?(): void;
}

/** What a user could write or pick instead. */
export interface Contender {
  readonly name: string;
  /** Sessions that take every frame at once. */
  readonly live?: ((sessions: number) => Fanned) | undefined;
  /** Sessions in which frames wait until `drain`. */
  readonly queued?: ((sessions: number) => Fanned) | undefined;
  /** Sessions whose every place is taken: each frame is dropped. */
  readonly full?: ((sessions: number) => Fanned) | undefined;
}

/** What waits at most, as in the library. */
export const CAPACITY = 256;

export function eachOf<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
