import { performance } from 'node:perf_hooks';
import { ratioOf, spreadOf } from './figure.js';
import { collectYoung } from './heap.js';
import type { Cost, Spread } from './figure.js';

/** Something that is timed again and again. */
export interface Runner {
  readonly name: string;
  /** How often `prepare` and `run` alternate in one round; default 1. */
  readonly cycles?: number | undefined;
  /** Untimed, before each `run`. */
  prepare?(): void | Promise<void>;
  /** Timed; returns how many operations it did. */
  run(): number | Promise<number>;
  /** Untimed, behind all rounds. */
  close?(): void;
}

export interface Rounds {
  readonly warmUp: number;
  readonly rounds: number;
}

/** Nanoseconds per operation, by runner and round. */
export class Times {
  constructor(private readonly byName: ReadonlyMap<string, readonly number[]>) {}

  of(name: string): readonly number[] {
    const times = this.byName.get(name);
    if (times === undefined) throw new Error(`nothing called ${name} was timed`);
    return times;
  }

  cost(name: string): Cost {
    return { name, cost: spreadOf(this.of(name)) };
  }

  spread(name: string): Spread {
    return spreadOf(this.of(name));
  }

  ratio(ours: string, control: string): Spread {
    return ratioOf(this.of(ours), this.of(control));
  }
}

/**
 * Times runners in turns, each round in another order: what the machine does meanwhile hits all alike.
 * Every run begins with an empty nursery, so that nobody sweeps up behind his predecessor.
 */
export async function interleave(runners: readonly Runner[], { warmUp, rounds }: Rounds): Promise<Times> {
  const times = runners.map((): number[] => []);
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < runners.length; turn++) {
      const place = (turn + Math.abs(round)) % runners.length;
      const runner = runners[place];
      if (runner === undefined) continue;
      const time = await timed(runner);
      if (round >= 0) times[place]?.push(time);
    }
  }
  for (const runner of runners) runner.close?.();
  return new Times(new Map(runners.map(({ name }, place) => [name, times[place] ?? []])));
}

/** Nanoseconds per operation of one round. */
async function timed(runner: Runner): Promise<number> {
  const { cycles = 1 } = runner;
  let operations = 0;
  let milliseconds = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    const preparing = runner.prepare?.();
    if (preparing !== undefined) await preparing;
    if (cycle === 0) collectYoung();
    const start = performance.now();
    const done = runner.run();
    operations += typeof done === 'number' ? done : await done;
    milliseconds += performance.now() - start;
  }
  return (milliseconds * 1e6) / operations;
}
