import type { DefinitionSyncMsg } from 'ddl-fanout';
import type { Database } from './database.js';

/** What a definition is in a catalog: its owner, its text and, of a trigger, whether it is enabled; by `type:name`. */
export type Holdings = ReadonlyMap<string, string>;

const look = `
  select case prokind when 'p' then 'procedure' else 'function' end as type, p.oid::regprocedure::text as name,
    proowner::regrole::text as owner, pg_get_functiondef(p.oid) as definition, null as enabled
  from pg_proc as p join pg_namespace as n on n.oid = pronamespace
  where prokind in ('f', 'p') and p.oid >= 16384 and nspname <> 'ddl_fanout'
  union all
  select 'trigger', format('%I on %s', tgname, tgrelid::regclass), relowner::regrole::text, pg_get_triggerdef(t.oid), tgenabled in ('O', 'A')
  from pg_trigger as t join pg_class as c on c.oid = tgrelid join pg_namespace as n on n.oid = relnamespace
  where not tgisinternal and nspname <> 'ddl_fanout'`;

interface Found {
  readonly type: string;
  readonly name: string;
  readonly owner: string;
  readonly definition: string;
  readonly enabled?: boolean | null;
}

const told = ({ owner, definition, enabled = null }: Found): string => JSON.stringify([owner, definition, enabled]);

/** A fresh look into pg_proc and pg_trigger, past everything that the fan-out and its capture know. */
export function inDatabase(db: Database): Promise<Holdings> {
  return db.transaction(async (execute) => {
    await execute('set local search_path = pg_catalog'); // so that every name is written with its schema
    const [found] = await execute(look);
    const rows = (found?.rows ?? []) as unknown as readonly Found[];
    return new Map(rows.map((row) => [`${row.type}:${row.name}`, told(row)]));
  }, 'commit');
}

/** What definitions say that travelled, in the same form. */
export function inMessages(messages: Iterable<DefinitionSyncMsg>): Holdings {
  return new Map(
    Array.from(messages, ({ definitionType, name, payload }) => {
      return [`${definitionType}:${name}`, told(JSON.parse(new TextDecoder().decode(payload)) as Found)];
    }),
  );
}

export function same(one: Holdings, other: Holdings): boolean {
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
}
