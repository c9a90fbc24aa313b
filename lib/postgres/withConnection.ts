import type { PostgresConnection, PostgresLike } from './postgresLike.js';
import { meaningOf } from './sqlState.js';

/** Runs `work` on a connection of its own; errors come out as `CaptureError` where they have a meaning here. */
export async function withConnection<T>(
  client: PostgresLike,
  doing: string,
  work: (connection: PostgresConnection) => Promise<T>,
): Promise<T> {
  try {
    const connection = await client.connect();
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw meaningOf(error, doing);
  }
}
