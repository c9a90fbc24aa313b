import { readFile } from 'node:fs/promises';
import type { PGlite } from '@electric-sql/pglite';
import { boundedBuffer, type DefinitionSyncMsg } from 'ddl-fanout';
import { map, mergeAll, Observable, startWith } from 'rxjs';

/** Has `db` write down, from now on, every definition that a transaction changes. */
export async function installCapture(db: PGlite): Promise<void> {
  await db.exec(await readFile(new URL('capture.sql', import.meta.url), 'utf8'));
}

interface Change {
  readonly position: number; // a bigint of PostgreSQL, which PGlite gives as a number while it is exact
  readonly type: string;
  readonly name: string;
  readonly payload: string | null;
}

/** The committed changes, in order. A notification is only a wake-up; while one reading is under way, one more is enough. */
export function committedDefinitions(db: PGlite): Observable<DefinitionSyncMsg> {
  return wakeUps(db).pipe(
    startWith(undefined),
    boundedBuffer(() => takeChanges(db), { capacity: 1 }),
    mergeAll(),
    map(({ position, type, name, payload }) => ({
      definitionType: type,
      name,
      action: payload === null ? 'delete' : 'put',
      payload: new TextEncoder().encode(payload ?? ''),
      position: BigInt(position),
    })),
  );
}

function wakeUps(db: PGlite): Observable<void> {
  return new Observable<void>((subscriber) => {
    const listening = db.listen('ddl_fanout', () => {
      subscriber.next();
    });
    listening.catch((error: unknown) => {
      subscriber.error(error);
    });
    return () => void listening.then((leave) => leave()).catch(() => undefined);
  });
}

async function takeChanges(db: PGlite): Promise<Change[]> {
  const { rows } = await db.query<Change>(
    `with taken as (delete from ddl_fanout.change returning *)
     select position, type, name, payload::text from taken order by position`,
  );
  return rows;
}
