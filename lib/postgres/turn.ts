import type { Asking, Row } from './postgresLike.js';

/** What one read may do with its connection, until the next read begins or the reader stops: from then on every step of it throws. */
export class Turn implements Asking {
  private over = false;

  constructor(private readonly connection: Asking) {}

  /** What is answered too late is nobody's any more; what is asked too late would go to whoever has the connection now. */
  async query(sql: string, parameters?: readonly string[]): Promise<readonly Row[]> {
    this.check();
    const rows = await this.connection.query(sql, parameters);
    this.check();
    return rows;
  }

  check(): void {
    if (this.over) throw new Error('this read was given up');
  }

  end(): void {
    this.over = true;
  }
}
