-- What exists now; what was told last; what is still to be told. A transaction that rolls back takes its changes with it.
create schema ddl_fanout;
create table ddl_fanout.told (type text, name text, payload jsonb, primary key (type, name));
create table ddl_fanout.change (position bigint generated always as identity, type text, name text, payload jsonb);

create view ddl_fanout.present as
  select case prokind when 'p' then 'procedure' else 'function' end as type, p.oid::regprocedure::text as name,
    jsonb_build_object('name', p.oid::regprocedure::text, 'owner', proowner::regrole, 'body_sql', prosrc,
      'parameters', (select coalesce(jsonb_agg(jsonb_build_object('name', coalesce(proargnames[i], ''), 'data_type', t::regtype) order by i), '[]')
                     from unnest(proargtypes::oid[]) with ordinality as argument(t, i)),
      'return_type', pg_get_function_result(p.oid), 'definition', pg_get_functiondef(p.oid)) as payload
  from pg_proc as p join pg_namespace as n on n.oid = pronamespace
  where prokind in ('f', 'p') and p.oid >= 16384 and nspname <> 'ddl_fanout'
  union all
  select 'trigger', format('%I on %s', tgname, tgrelid::regclass),
    jsonb_build_object('name', tgname, 'collection', tgrelid::regclass, 'owner', relowner::regrole,
      'granularity', case when tgtype & 1 > 0 then 'ROW' else 'STATEMENT' end, 'enabled', tgenabled in ('O', 'A'),
      'body_sql', tgfoid::regprocedure, 'definition', pg_get_triggerdef(t.oid))
  from pg_trigger as t join pg_class as c on c.oid = tgrelid
  where not tgisinternal;

create function ddl_fanout.capture() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  with present as materialized (
    select * from ddl_fanout.present
  ), gone as (
    delete from ddl_fanout.told as t where not exists (select from present as p where (p.type, p.name) = (t.type, t.name))
    returning type, name, null::jsonb
  ), put as (
    insert into ddl_fanout.told as t select * from present
    on conflict (type, name) do update set payload = excluded.payload where t.payload <> excluded.payload
    returning type, name, payload || jsonb_build_object('created_at', extract(epoch from now())::bigint)
  )
  insert into ddl_fanout.change (type, name, payload) select * from gone union all select * from put;
  if found then
    perform pg_notify('ddl_fanout', '');
  end if;
end;
$$;
create event trigger ddl_fanout_capture on ddl_command_end execute function ddl_fanout.capture();
