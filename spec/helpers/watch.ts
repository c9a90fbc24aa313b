import type { Observable, Subscription } from 'rxjs';
import type { DefinitionSyncMsg } from 'ddl-fanout';

/** What one subscription has been told, and ways to wait for more of it. */
export class Watch {
  readonly told: DefinitionSyncMsg[] = [];
  readonly subscription: Subscription;
  ended: { readonly error?: unknown } | undefined;
  readonly #looks = new Set<() => void>();

  constructor(source$: Observable<DefinitionSyncMsg>) {
    this.subscription = source$.subscribe({
      next: (msg) => {
        this.told.push(msg);
        this.#look();
      },
      error: (error: unknown) => {
        this.ended = { error };
        this.#look();
      },
      complete: () => {
        this.ended = {};
        this.#look();
      },
    });
  }

  /** `revision action name` of everything told. */
  get lines(): string[] {
    return this.told.map(({ position, action, name }) => `${String(position)} ${action} ${name}`);
  }

  /** The revisions told, in the order of telling. */
  get revisions(): bigint[] {
    return this.told.map(({ position }) => position ?? 0n);
  }

  /** Resolves when `revision` or a later one has been told. */
  async upTo(revision: bigint): Promise<void> {
    await this.#when(() => (this.told.at(-1)?.position ?? 0n) >= revision);
  }

  /** What it ended with: `{ error }`, or `{}` when it completed. */
  async end(): Promise<{ readonly error?: unknown }> {
    await this.#when(() => this.ended !== undefined);
    return this.ended ?? {};
  }

  #look(): void {
    for (const look of this.#looks) look();
  }

  #when(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }
}
