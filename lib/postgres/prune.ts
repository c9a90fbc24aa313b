import type { CaptureNames } from './captureNames.js';
import type { Asking } from './postgresLike.js';

/** Removes from the log what all readers have noted. */
export async function prune(connection: Asking, { schema: s }: CaptureNames): Promise<void> {
  await connection.query(`DELETE FROM ${s}.change WHERE position <= (SELECT min(position) FROM ${s}.reader)`);
}
