-- Small things that every schema leans on. Overloads on purpose: their names must never collide on the way.
create function util.blank_to_null(value text) returns text
language sql immutable parallel safe
return nullif(btrim(value), '');

create function util.slug(title text) returns text
language sql immutable strict as $$
  select trim(both '-' from regexp_replace(lower(title), '[^a-z0-9]+', '-', 'g'));
$$;

create function util.slug(title text, max_length integer) returns text
language sql immutable strict as $$
  select rtrim(left(util.slug(title), max_length), '-');
$$;

create function util.clamp(value integer, low integer, high integer) returns integer
language sql immutable parallel safe
return greatest(low, least(high, value));

create function util.clamp(value numeric, low numeric, high numeric) returns numeric
language sql immutable parallel safe
return greatest(low, least(high, value));

create function util.clamp(value timestamptz, low timestamptz, high timestamptz) returns timestamptz
language sql stable parallel safe
return greatest(low, least(high, value));

create function util.percent(part numeric, whole numeric) returns numeric
language sql immutable
begin atomic
  select case when whole = 0 then 0 else round(part * 100 / whole, 2) end;
end;

create function util.round_money(amount numeric) returns numeric
language sql immutable strict
return round(amount, 2);

create function util.round_money(amount numeric, currency text) returns numeric
language sql immutable strict as $$
  select round(amount, case currency when 'JPY' then 0 when 'KWD' then 3 else 2 end);
$$;

create function util.week_start(day date) returns date
language sql immutable strict
return date_trunc('week', day)::date;

create function util.week_start(moment timestamptz) returns date
language sql stable strict
return date_trunc('week', moment)::date;

create function util.is_business_day(day date) returns boolean
language sql immutable strict
return extract(isodow from day) < 6;

create function util.business_days(first date, last date) returns integer
language sql immutable strict as $$
  select count(*)::integer
  from generate_series(first, last, interval '1 day') as day
  where util.is_business_day(day::date);
$$;

create function util.add_business_days(start date, days integer) returns date
language plpgsql immutable strict as $$
declare
  result date := start;
  left_over integer := days;
begin
  while left_over > 0 loop
    result := result + 1;
    if util.is_business_day(result) then
      left_over := left_over - 1;
    end if;
  end loop;
  return result;
end;
$$;

create function util.is_email(value text) returns boolean
language sql immutable strict
return value ~* '^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$';

create function util.ean13_check_digit(digits text) returns integer
language sql immutable strict as $$
  select ((10 - sum(substr(digits, i, 1)::integer * case when i % 2 = 0 then 3 else 1 end) % 10) % 10)::integer
  from generate_series(1, 12) as i;
$$;

create function util.is_ean13(value text) returns boolean
language sql immutable strict as $$
  select value ~ '^[0-9]{13}$' and right(value, 1)::integer = util.ean13_check_digit(value);
$$;

create function util.mask(value text) returns text
language sql immutable strict
return left(value, 2) || repeat('*', greatest(length(value) - 2, 0));

create function util.mask(value text, shown integer) returns text
language sql immutable strict
return left(value, shown) || repeat('*', greatest(length(value) - shown, 0));

create function util.initials(full_name text) returns text
language sql immutable strict as $$
  select string_agg(upper(left(word, 1)), '' order by place)
  from regexp_split_to_table(btrim(full_name), '\s+') with ordinality as part(word, place);
$$;

create function util.normalise_phone(phone text, country text default 'DE') returns text
language plpgsql immutable strict as $$
declare
  digits text := regexp_replace(phone, '[^0-9+]', '', 'g');
begin
  if digits like '+%' then return digits; end if;
  if digits like '00%' then return '+' || substr(digits, 3); end if;
  return case country when 'DE' then '+49' when 'AT' then '+43' when 'CH' then '+41' else '+' end || ltrim(digits, '0');
end;
$$;

create function util.array_distinct(anyarray) returns anyarray
language sql immutable strict as $$
  select array_agg(distinct item) from unnest($1) as item;
$$;

create function util.first_filled(variadic candidates text[]) returns text
language sql immutable as $$
  select item from unnest(candidates) with ordinality as c(item, place)
  where util.blank_to_null(item) is not null order by place limit 1;
$$;

create function util.random_code(length integer default 8) returns text
language plpgsql volatile as $$
declare
  alphabet constant text := 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'; -- no 0, O, 1, I; read aloud on the phone
  code text := '';
begin
  for i in 1..length loop
    code := code || substr(alphabet, 1 + floor(random() * length(alphabet))::integer, 1);
  end loop;
  return code;
end;
$$;

create function util.age_in_days(since timestamptz) returns integer
language sql stable strict
return floor(extract(epoch from now() - since) / 86400)::integer;

create function util.jsonb_diff(before jsonb, after jsonb) returns jsonb
language sql immutable as $$
  select coalesce(jsonb_object_agg(key, value), '{}'::jsonb)
  from jsonb_each(after)
  where before -> key is distinct from value;
$$;

create function util.quarter(day date, out year integer, out quarter integer)
language sql immutable strict as $$
  select extract(year from day)::integer, extract(quarter from day)::integer;
$$;

create function util.touch_updated_at() returns trigger
language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end;
$$;

create function util.refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '% on % is not allowed', tg_op, tg_table_name using errcode = 'restrict_violation';
end;
$$;

create function util.trim_texts() returns trigger
language plpgsql as $$
declare
  row_json jsonb := to_jsonb(new);
  pair record;
begin
  for pair in select key, value #>> '{}' as value from jsonb_each(row_json) where jsonb_typeof(value) = 'string' loop
    row_json := jsonb_set(row_json, array[pair.key], to_jsonb(btrim(pair.value)));
  end loop;
  return jsonb_populate_record(new, row_json);
end;
$$;

create procedure util.analyse_all(schema_name text)
language plpgsql as $$
declare
  relation record;
begin
  for relation in select tablename from pg_tables where schemaname = schema_name loop
    execute format('analyze %I.%I', schema_name, relation.tablename);
  end loop;
end;
$$;
