import type { DefinitionFrame, DefinitionSyncMsg } from 'ddl-fanout';

/** Tells how old a definition is, in ms, counted from its commit, which is when PostgreSQL notifies of it. */
export class CommitClock {
  readonly #committedAt = new Map<string, number>();
  #lastCommit = performance.now();

  commit(): void {
    this.#lastCommit = performance.now();
  }

  /** A frame goes out: its definition is of the commit before. */
  broadcast({ msg }: DefinitionFrame): void {
    this.#committedAt.set(identity(msg), this.#lastCommit);
  }

  age(msg: DefinitionSyncMsg): number {
    return performance.now() - (this.#committedAt.get(identity(msg)) ?? NaN);
  }
}

const identity = ({ definitionType, name, payload }: DefinitionSyncMsg): string =>
  `${definitionType}:${name}:${new TextDecoder().decode(payload)}`;

/** The value below or at which `share` (0 to 1) of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
