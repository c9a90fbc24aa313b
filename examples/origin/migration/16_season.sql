-- A season's worth of helpers, which leave together with the people who own them.
grant create on schema shop to seasonal_staff;
begin;
set local role seasonal_staff;
create function shop.gift_wrap_price(items integer) returns numeric
language sql immutable
return 2.50 + items * 0.75;
create function shop.gift_message(recipient text, sender text) returns text
language sql immutable
return format('Dear %s, with best wishes from %s', recipient, sender);
create function shop.gift_message(recipient text) returns text
language sql immutable
return format('Dear %s, with best wishes', recipient);
create procedure shop.say_merry_christmas()
language plpgsql as $$ begin raise notice 'Merry Christmas'; end; $$;
commit;

create schema season;
create table season.calendar (day date primary key, offer text not null);
create function season.offer_of(wanted date) returns text
language sql stable as $$ select offer from season.calendar where day = wanted; $$;
create function season.offer_today() returns text
language sql stable
begin atomic
  select offer from season.calendar where day = current_date;
end;
create function season.days_left() returns integer
language sql stable
return make_date(extract(year from current_date)::integer, 12, 24) - current_date;
create procedure season.plan(day date, offer text)
language sql as $$ insert into season.calendar values (day, offer); $$;
create function season.one_sunday_only() returns trigger
language plpgsql as $$
begin
  if extract(isodow from new.day) = 7 and new.offer !~ 'Advent' then
    raise exception 'Sundays are for Advent offers';
  end if;
  return new;
end;
$$;
create trigger calendar_sunday before insert on season.calendar
  for each row execute function season.one_sunday_only();
create trigger calendar_audit after insert or update or delete on season.calendar
  for each row execute function audit.record_change();
alter schema season rename to winter;
create or replace function winter.days_left() returns integer
language sql stable
return greatest(make_date(extract(year from current_date)::integer, 12, 24) - current_date, 0);
