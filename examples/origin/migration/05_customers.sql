create function shop.customer_by_email(wanted text) returns shop.customer
language sql stable strict as $$
  select * from shop.customer where email = lower(wanted);
$$;

create function shop.find_customers(needle text) returns setof shop.customer
language sql stable as $$
  select * from shop.customer
  where full_name ilike '%' || needle || '%' or email ilike needle || '%' or phone = util.normalise_phone(needle)
  order by full_name;
$$;

create function shop.default_address(customer bigint) returns shop.address
language sql stable as $$
  select * from shop.address where customer_id = customer order by is_default desc, id limit 1;
$$;

create function shop.format_address(address bigint) returns text
language sql stable as $$
  select concat_ws(E'\n', c.full_name, a.street, a.postcode || ' ' || a.city, a.country)
  from shop.address as a join shop.customer as c on c.id = a.customer_id
  where a.id = address;
$$;

create function shop.format_address(street text, postcode text, city text, country text default 'DE') returns text
language sql immutable
return concat_ws(', ', street, postcode || ' ' || city, nullif(country, 'DE'));

create function shop.customer_since(customer bigint) returns date
language sql stable
begin atomic
  select min(placed_at)::date from shop."order" where customer_id = customer;
end;

create function shop.lifetime_value(customer bigint) returns numeric
language sql stable as $$
  select coalesce(sum(total), 0) from shop."order"
  where customer_id = customer and state in ('paid', 'picked', 'shipped', 'delivered');
$$;

create function shop.loyalty_level(points integer) returns text
language sql immutable
return case when points >= 5000 then 'gold' when points >= 1000 then 'silver' else 'standard' end;

create function shop.loyalty_level(customer shop.customer) returns text
language sql immutable as $$
  select shop.loyalty_level(customer.loyalty);
$$;

create function shop.earn_points(customer bigint, amount numeric) returns integer
language plpgsql as $$
declare
  earned integer := floor(amount / 10);
  balance integer;
begin
  update shop.customer set loyalty = loyalty + earned where id = earn_points.customer returning loyalty into balance;
  return balance;
end;
$$;

create function shop.is_blocked(customer bigint) returns boolean
language sql stable as $$
  select exists (select from shop.customer where id = is_blocked.customer and blocked_at is not null);
$$;

create function shop.wishlist_of(customer bigint) returns table (sku text, title text, price numeric, added_at timestamptz)
language sql stable as $$
  select p.sku, p.title, p.price, w.added_at
  from shop.wishlist as w join shop.product as p on p.id = w.product_id
  where w.customer_id = customer order by w.added_at desc;
$$;

create procedure shop.block_customer(customer bigint, reason text)
language plpgsql as $$
begin
  update shop.customer set blocked_at = now() where id = block_customer.customer and blocked_at is null;
  insert into audit.alert (severity, message) values ('info', format('customer %s blocked: %s', customer, reason));
end;
$$;

create procedure shop.unblock_customer(customer bigint)
language sql as $$
  update shop.customer set blocked_at = null where id = unblock_customer.customer;
$$;

create procedure shop.merge_customers(keep bigint, merge bigint)
language plpgsql as $$
begin
  if keep = merge then
    raise exception 'a customer cannot be merged with itself';
  end if;
  update shop."order" set customer_id = keep where customer_id = merge;
  update shop.address set customer_id = keep, is_default = false where customer_id = merge;
  update shop.review set customer_id = keep where customer_id = merge;
  delete from shop.wishlist where customer_id = merge;
  delete from shop.customer where id = merge;
end;
$$;

create procedure shop.forget_customer(customer bigint)
language plpgsql as $$
begin
  update shop.customer
  set email = format('forgotten-%s@example.org', id), full_name = 'forgotten', phone = null
  where id = forget_customer.customer;
  delete from shop.address where customer_id = customer;
end;
$$;

create procedure shop.expire_points(before date)
language sql as $$
  update shop.customer as c set loyalty = 0
  where not exists (select from shop."order" as o where o.customer_id = c.id and o.placed_at >= before);
$$;

create function shop.tidy_customer() returns trigger
language plpgsql as $$
begin
  new.email := lower(btrim(new.email));
  if not util.is_email(new.email) then
    raise exception '% is no e-mail address', new.email using errcode = 'check_violation';
  end if;
  new.phone := util.normalise_phone(new.phone, new.country);
  return new;
end;
$$;

create function shop.one_default_address() returns trigger
language plpgsql as $$
begin
  update shop.address set is_default = false
  where customer_id = new.customer_id and id <> new.id and is_default;
  return null;
end;
$$;

create function shop.tell_new_customer() returns trigger
language plpgsql as $$
begin
  perform pg_notify('new_customer', new.id::text);
  return null;
end;
$$;

create function shop.no_stars_for_strangers() returns trigger
language plpgsql as $$
begin
  if not exists (
    select from shop."order" as o join shop.order_line as l on l.order_id = o.id
    where o.customer_id = new.customer_id and l.product_id = new.product_id and o.state = 'delivered'
  ) then
    raise exception 'only who bought a product may review it';
  end if;
  return new;
end;
$$;

create trigger customer_tidy before insert or update of email, phone on shop.customer
  for each row execute function shop.tidy_customer();
create trigger customer_touch before update on shop.customer
  for each row execute function util.touch_updated_at();
create trigger customer_tell after insert on shop.customer
  for each row execute function shop.tell_new_customer();
create trigger address_touch before update on shop.address
  for each row execute function util.touch_updated_at();
create trigger address_default after insert or update of is_default on shop.address
  for each row when (new.is_default) execute function shop.one_default_address();
create trigger address_trim before insert or update on shop.address
  for each row execute function util.trim_texts();
create trigger review_bought before insert on shop.review
  for each row execute function shop.no_stars_for_strangers();
