import { definitionKey, type DefinitionSyncMsg } from '../definition.js';
import { captureState, type CaptureState } from './captureState.js';
import { delivered } from './deliver.js';
import { outcomeSince } from './outcome.js';
import type { Asking, PostgresConnection } from './postgresLike.js';
import { prune } from './prune.js';
import type { CheckedReaderOptions } from './readerOptions.js';
import { messageOf, NOTHING } from './rowMessage.js';
import { Turn } from './turn.js';

const BATCH = 500;
/** Before every position. */
const BEGINNING = -1n;

/** Messages, and the position that has been read once they are told. */
export interface ReadBatch {
  readonly messages: readonly DefinitionSyncMsg[];
  readonly position: bigint;
  readonly origin: string;
  /** Everything that was committed when the reading began has been told before. */
  readonly caughtUp?: boolean;
}

/** Reads a capture from where it left off, over any number of connections; one object a subscription. */
export class CaptureReader {
  private readonly s: string;
  private position: bigint | undefined;
  private origin: string | undefined;
  private caughtUp = false;
  /** Messages noted as read since the log was pruned. */
  private unpruned = 0;
  /** What was last warned of, until it has passed. */
  private fault: string | undefined;
  /** What this subscription has told to exist, should it have to begin again from a snapshot. */
  private readonly told = new Map<string, DefinitionSyncMsg>();

  /** Of the last read that began: one whose connection was given up delivers nothing beside its successor. */
  private turn: Turn | undefined;
  private delivering: Promise<void> = Promise.resolve();

  constructor(private readonly options: CheckedReaderOptions) {
    this.s = options.names.schema;
  }

  /**
   * A reader that has read before is in the middle of a failover when it meets a standby, and waits for its promotion.
   * @throws what `captureState` throws
   */
  async state(connection: Asking): Promise<CaptureState> {
    const { names, logger, reader } = this.options;
    const state = await captureState(connection, names, this.position !== undefined);
    if (state.fault !== undefined && state.fault !== this.fault) logger.warn(state.fault, { reader });
    this.fault = state.fault;
    return state;
  }

  /**
   * What has been committed since the last batch that was accepted. A batch is noted as read when the next one is asked
   * for: a reader that dies in between gets it again, never misses it.
   */
  async *read(connection: PostgresConnection): AsyncGenerator<ReadBatch> {
    this.stop();
    const turn = (this.turn = new Turn(connection));
    const state = await this.state(turn);
    if (this.position === undefined) yield* this.begin(turn, state);
    else if (this.origin !== state.origin || state.position < this.position) yield* this.outcome(turn, state);
    else if (state.position === this.position) {
      // A quiet moment, so that others who read under this name, just behind this one, still find what they have not read.
      if (this.unpruned > 0) await this.prune(turn);
      // Nothing new: that it could look ends a row of failures.
      yield { messages: [], position: this.position, origin: state.origin };
    }
    while (this.position !== undefined && this.position < state.position) {
      const rows = await turn.query(
        `SELECT c.position::text AS position, c.definition_type, c.name, c.action, c.payload FROM ${this.s}.change c
         WHERE c.position > $1::bigint ORDER BY c.position LIMIT ${BATCH}`,
        [this.position.toString()],
      );
      const messages = rows.map((row) => messageOf(row, this.options.scope));
      // Numbers have no holes. A missing one was pruned: another reader of this name has read on, or this one was forgotten.
      if (messages[0]?.position !== this.position + 1n) {
        const { logger, reader } = this.options;
        logger.warn(
          'what this reader has not read was pruned, so it is told the outcome: is its name in use elsewhere?',
          { reader },
        );
        yield* this.outcome(turn, state, this.position);
        continue;
      }
      yield* this.tell(turn, {
        messages,
        position: this.position + BigInt(messages.length),
        origin: state.origin,
      });
    }
    const { position, origin } = this;
    if (this.caughtUp || position === undefined || origin === undefined) return;
    // Once for certain: whoever reads for short times only may never see a quiet moment.
    await this.prune(turn);
    yield { messages: [], position, origin, caughtUp: true };
  }

  /** Nothing is delivered any more, but for what is under way. */
  stop(): void {
    this.turn?.end();
  }

  /** To be called with a batch at the moment it is handed on: from then on it is not told again. */
  accept({ messages, position, origin, caughtUp = false }: ReadBatch): void {
    this.caughtUp ||= caughtUp;
    this.position = position;
    this.origin = origin;
    for (const msg of messages) {
      if (msg.action === 'delete') this.told.delete(definitionKey(msg));
      else this.told.set(definitionKey(msg), { ...msg, payload: NOTHING });
    }
  }

  private async *begin(turn: Turn, state: CaptureState): AsyncGenerator<ReadBatch> {
    const { reader } = this.options;
    // Registered first: from here on nobody prunes what follows the position.
    await turn.query(
      `INSERT INTO ${this.s}.reader (name, position) SELECT $1, position FROM ${this.s}.capture ON CONFLICT (name) DO NOTHING`,
      [reader],
    );
    if (this.options.snapshot) {
      yield* this.outcome(turn, state);
      return;
    }
    const [row] = await turn.query(`SELECT position::text AS position FROM ${this.s}.reader WHERE name = $1`, [reader]);
    yield { messages: [], position: BigInt(String(row?.['position'])), origin: state.origin };
  }

  /** All of it at the beginning, and when the history has become another one; where that has a hole, what changed since. */
  private async *outcome(turn: Turn, { origin }: CaptureState, since = BEGINNING): AsyncGenerator<ReadBatch> {
    const { names, reader, scope } = this.options;
    const { told } = this;
    const { messages, position } = await outcomeSince(turn, { names, reader, scope, told, since });
    yield* this.tell(turn, { messages, position, origin });
  }

  private async *tell(turn: Turn, batch: ReadBatch): AsyncGenerator<ReadBatch> {
    await this.deliver(turn, batch);
    yield batch;
    // Not just an update: the capture may have been installed anew, or the reader been forgotten, while it reads.
    await turn.query(
      `INSERT INTO ${this.s}.reader (name, position) VALUES ($1, $2::bigint)
       ON CONFLICT (name) DO UPDATE SET position = excluded.position`,
      [this.options.reader, batch.position.toString()],
    );
    this.unpruned += batch.messages.length;
    if (this.unpruned >= BATCH) await this.prune(turn);
  }

  private async prune(turn: Turn): Promise<void> {
    await prune(turn, this.options.names);
    this.unpruned = 0;
  }

  private async deliver(turn: Turn, { messages }: ReadBatch): Promise<void> {
    const { deliver } = this.options;
    if (deliver === undefined) return;
    for (const msg of messages) {
      await this.delivering;
      turn.check();
      await (this.delivering = delivered(deliver, msg));
    }
  }
}
