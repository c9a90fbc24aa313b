import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { PostgresLike } from 'ddl-fanout/postgres';

/** Tells how old a definition is, in ms, counted from its commit, which is when PostgreSQL notifies of it. */
export class CommitClock {
  readonly #committedAt = new Map<string, number>();
  #unread: number | undefined;
  #lastRead = performance.now();

  /** The same database; what reads its capture through this is watched. */
  watch(database: PostgresLike): PostgresLike {
    return {
      connect: async () => {
        const connection = await database.connect();
        return {
          ...connection,
          listen: (channel, wake) =>
            connection.listen(channel, () => {
              this.#unread ??= performance.now();
              wake();
            }),
          query: (sql, parameters) => {
            // What is read now is as old as the oldest commit that was not, or younger.
            if (this.#unread !== undefined) this.#lastRead = this.#unread;
            this.#unread = undefined;
            return connection.query(sql, parameters);
          },
        };
      },
    };
  }

  /** The capture has told of a definition. */
  told(msg: DefinitionSyncMsg): void {
    this.#committedAt.set(identity(msg), this.#lastRead);
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
