import {
  exhaustMap,
  filter,
  firstValueFrom,
  lastValueFrom,
  ReplaySubject,
  type Subscription,
  takeUntil,
  timer,
} from 'rxjs';
import type { DefinitionSyncMsg } from 'ddl-fanout';
import {
  installCapture,
  postgresDefinitions,
  type PostgresDefinitionsOptions,
  type PostgresLike,
  type Row,
} from 'ddl-fanout/postgres';

/** A session of its own: what it does between `begin` and `commit` is one transaction. */
export interface TestSession {
  sql(text: string): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** A database of its own for one spec file. */
export interface TestDatabase {
  readonly client: PostgresLike;
  /** Runs one statement or several in autocommit; the rows are those of a single one. */
  sql(text: string): Promise<readonly Row[]>;
  /** A client as another role; where there is one session only, it has that role until `RESET ROLE`. */
  as(role: string): Promise<PostgresLike>;
  /** Another session; a server with a single one has none. */
  session?: (() => Promise<TestSession>) | undefined;
  close(): Promise<void>;
}

/** A message as one line, as the tables of cases write it. */
export const line = (msg: DefinitionSyncMsg): string => `${msg.action} ${msg.definitionType} ${msg.name}`;

/** The JSON of a message's payload. */
export const payloadOf = (msg: DefinitionSyncMsg | undefined): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(msg?.payload)) as Record<string, unknown>;

let flushes = 0;

/** Reads a capture and remembers what it was told. */
export class Listener {
  readonly messages: DefinitionSyncMsg[] = [];
  private readonly all = new ReplaySubject<DefinitionSyncMsg>(Infinity);
  private readonly subscription: Subscription;

  constructor(
    private readonly database: TestDatabase,
    options: PostgresDefinitionsOptions = {},
  ) {
    this.subscription = postgresDefinitions(database.client, { pollInterval: 50, ...options }).subscribe(this.all);
    this.all.subscribe({
      next: (msg) => {
        if (!msg.name.startsWith('flush.')) this.messages.push(msg);
      },
      error: () => undefined,
    });
  }

  /**
   * Resolves when everything that had committed before the call was told: a definition that commits behind it was.
   * It is made again and again, for a reader without a snapshot may begin after the first.
   */
  async settled(): Promise<void> {
    const name = `f${++flushes}`;
    const told = firstValueFrom(this.all.pipe(filter((msg) => msg.name === `flush.${name}()`)));
    const create = `CREATE SCHEMA IF NOT EXISTS flush; CREATE OR REPLACE FUNCTION flush.${name}() RETURNS int LANGUAGE sql AS 'SELECT 1'`;
    await lastValueFrom(
      timer(0, 100).pipe(
        exhaustMap(() => this.database.sql(create)),
        takeUntil(told),
      ),
      { defaultValue: [] },
    );
    await told;
  }

  /** What `text` made the capture tell, one line a message. */
  async after(text: string): Promise<string[]> {
    return (await this.messagesAfter(text)).map(line);
  }

  async messagesAfter(text: string): Promise<DefinitionSyncMsg[]> {
    await this.settled();
    this.messages.length = 0;
    await this.database.sql(text);
    await this.settled();
    return this.messages.splice(0);
  }

  /** The first message that passes. */
  first(test: (msg: DefinitionSyncMsg) => boolean): Promise<DefinitionSyncMsg> {
    return firstValueFrom(this.all.pipe(filter(test)));
  }

  stop(): void {
    this.subscription.unsubscribe();
    this.all.complete();
  }
}

/** A database with a capture, and a listener that has heard what existed. */
export async function listening(database: TestDatabase, options?: PostgresDefinitionsOptions): Promise<Listener> {
  await installCapture(database.client, options);
  const listener = new Listener(database, options);
  await listener.settled();
  return listener;
}
