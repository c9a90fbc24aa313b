create function shop.line_total(quantity integer, unit_price numeric, discount numeric default 0) returns numeric
language sql immutable
return util.round_money(quantity * unit_price * (1 - discount / 100));

create function shop.line_total(line shop.order_line) returns numeric
language sql immutable as $$
  select shop.line_total(line.quantity, line.unit_price, line.discount);
$$;

create function shop.line_total(line shop.price_line) returns numeric
language sql immutable as $$
  select shop.line_total(line.quantity, line.unit_price, line.discount);
$$;

create function shop.order_total(wanted bigint) returns numeric
language sql stable as $$
  select coalesce(sum(shop.line_total(l)), 0) from shop.order_line as l where l.order_id = wanted;
$$;

create function shop.order_total(wanted bigint, voucher_code text) returns numeric
language sql stable as $$
  select util.round_money(shop.order_total(wanted) * (1 - coalesce(max(v.percent_off), 0) / 100))
  from shop.voucher as v where v.code = voucher_code;
$$;

create function shop.order_weight(wanted bigint) returns numeric
language sql stable as $$
  select coalesce(sum(p.weight), 0) from warehouse.parcel as p where p.order_id = wanted;
$$;

create function shop.open_cart(customer bigint) returns bigint
language plpgsql as $$
declare
  cart bigint;
begin
  select id into cart from shop."order" where customer_id = customer and state = 'cart' order by id desc limit 1;
  if cart is null then
    insert into shop."order" (customer_id) values (customer) returning id into cart;
  end if;
  return cart;
end;
$$;

create function shop.add_to_cart(customer bigint, wanted_sku text, quantity integer default 1) returns bigint
language plpgsql as $$
declare
  cart bigint := shop.open_cart(customer);
  item shop.product := shop.product_by_sku(wanted_sku);
begin
  if item.id is null or not item.active then
    raise exception 'the product % is not for sale', wanted_sku;
  end if;
  update shop.order_line as l set quantity = l.quantity + add_to_cart.quantity
  where l.order_id = cart and l.product_id = item.id;
  if not found then
    insert into shop.order_line (order_id, line_no, product_id, quantity, unit_price)
    select cart, coalesce(max(l.line_no), 0) + 1, item.id, add_to_cart.quantity, item.price
    from shop.order_line as l where l.order_id = cart;
  end if;
  return cart;
end;
$$;

create function shop.remove_from_cart(customer bigint, wanted_sku text) returns boolean
language plpgsql as $$
begin
  delete from shop.order_line
  where order_id = shop.open_cart(customer) and product_id = (shop.product_by_sku(wanted_sku)).id;
  return found;
end;
$$;

create function shop.cart_lines(customer bigint) returns setof shop.price_line
language sql as $$
  select p.sku, l.quantity, l.unit_price, l.discount
  from shop.order_line as l join shop.product as p on p.id = l.product_id
  where l.order_id = shop.open_cart(customer) order by l.line_no;
$$;

create function shop.next_state(current shop.order_state) returns shop.order_state
language sql immutable as $$
  select case current
    when 'cart' then 'placed' when 'placed' then 'paid' when 'paid' then 'picked'
    when 'picked' then 'shipped' when 'shipped' then 'delivered'
  end::shop.order_state;
$$;

create function shop.can_cancel(wanted bigint) returns boolean
language sql stable as $$
  select state in ('cart', 'placed', 'paid') from shop."order" where id = wanted;
$$;

create function shop.orders_of(customer bigint) returns setof shop."order"
language sql stable as $$
  select * from shop."order" where customer_id = customer and state <> 'cart' order by placed_at desc;
$$;

create function shop.orders_between(first date, last date) returns setof shop."order"
language sql stable as $$
  select * from shop."order" where placed_at >= first and placed_at < last + 1;
$$;

create function shop.orders_waiting(state shop.order_state, older_than interval) returns bigint
language sql stable as $$
  select count(*) from shop."order" as o
  where o.state = orders_waiting.state and o.updated_at < now() - older_than;
$$;

create function shop.order_summary(wanted bigint) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', o.id, 'state', o.state, 'total', o.total,
    'customer', util.mask(c.email, 3),
    'lines', (select jsonb_agg(jsonb_build_object('product', l.product_id, 'quantity', l.quantity) order by l.line_no)
              from shop.order_line as l where l.order_id = o.id))
  from shop."order" as o join shop.customer as c on c.id = o.customer_id
  where o.id = wanted;
$$;

create function shop.voucher_is_valid(wanted text) returns boolean
language sql stable as $$
  select exists (
    select from shop.voucher
    where code = wanted and uses_left > 0 and (valid_until is null or valid_until >= current_date));
$$;

create function shop.issue_voucher(percent numeric, days integer default 30) returns text
language plpgsql as $$
declare
  new_code text := util.random_code(10);
begin
  insert into shop.voucher (code, percent_off, valid_until) values (new_code, percent, current_date + days);
  return new_code;
end;
$$;

create procedure shop.place_order(wanted bigint)
language plpgsql as $$
begin
  if not exists (select from shop.order_line where order_id = wanted) then
    raise exception 'order % has no lines', wanted;
  end if;
  update shop."order"
  set state = 'placed', placed_at = now(), total = shop.order_total(id, voucher)
  where id = wanted and state = 'cart';
end;
$$;

create procedure shop.advance_order(wanted bigint)
language sql as $$
  update shop."order" set state = shop.next_state(state) where id = wanted;
$$;

create procedure shop.cancel_order(wanted bigint, reason text default null)
language plpgsql as $$
begin
  if not shop.can_cancel(wanted) then
    raise exception 'order % is on its way and cannot be cancelled', wanted;
  end if;
  update shop."order" set state = 'cancelled' where id = wanted;
  insert into audit.alert (severity, message) values ('info', format('order %s cancelled: %s', wanted, reason));
end;
$$;

create procedure shop.redeem_voucher(wanted bigint, voucher_code text)
language plpgsql as $$
begin
  if not shop.voucher_is_valid(voucher_code) then
    raise exception 'the voucher % cannot be used', voucher_code;
  end if;
  update shop.voucher set uses_left = uses_left - 1 where code = voucher_code;
  update shop."order" set voucher = voucher_code where id = wanted;
end;
$$;

create procedure shop.drop_old_carts(older_than interval default '30 days')
language sql as $$
  delete from shop."order" where state = 'cart' and updated_at < now() - older_than;
$$;

create procedure shop.reorder(previous bigint, inout created bigint default null)
language plpgsql as $$
begin
  insert into shop."order" (customer_id, address_id)
  select customer_id, address_id from shop."order" where id = previous returning id into created;
  insert into shop.order_line (order_id, line_no, product_id, quantity, unit_price)
  select created, line_no, product_id, quantity, shop.price_of(product_id) from shop.order_line where order_id = previous;
end;
$$;

create function shop.check_transition() returns trigger
language plpgsql as $$
begin
  if new.state = 'cancelled' and old.state in ('cart', 'placed', 'paid') then return new; end if;
  if new.state is distinct from shop.next_state(old.state) then
    raise exception 'an order cannot go from % to %', old.state, new.state;
  end if;
  return new;
end;
$$;

create function shop.refresh_total() returns trigger
language plpgsql as $$
begin
  update shop."order" as o set total = shop.order_total(o.id)
  where o.id = coalesce(new.order_id, old.order_id) and o.state = 'cart';
  return null;
end;
$$;

create function shop.refuse_blocked() returns trigger
language plpgsql as $$
begin
  if shop.is_blocked(new.customer_id) then
    raise exception 'customer % is blocked', new.customer_id;
  end if;
  return new;
end;
$$;

create function shop.reward_order() returns trigger
language plpgsql as $$
begin
  perform shop.earn_points(new.customer_id, new.total);
  return null;
end;
$$;

create function shop.need_lines() returns trigger
language plpgsql as $$
begin
  if new.state <> 'cart' and not exists (select from shop.order_line where order_id = new.id) then
    raise exception 'order % was placed without lines', new.id;
  end if;
  return null;
end;
$$;

create trigger order_touch before update on shop."order"
  for each row execute function util.touch_updated_at();
create trigger order_blocked before insert on shop."order"
  for each row execute function shop.refuse_blocked();
create trigger order_transition before update of state on shop."order"
  for each row when (old.state is distinct from new.state) execute function shop.check_transition();
create trigger order_reward after update of state on shop."order"
  for each row when (new.state = 'delivered') execute function shop.reward_order();
create constraint trigger order_lines after insert or update on shop."order"
  deferrable initially deferred for each row execute function shop.need_lines();
create trigger line_touch before update on shop.order_line
  for each row execute function util.touch_updated_at();
create trigger line_total after insert or update or delete on shop.order_line
  for each row execute function shop.refresh_total();
create trigger voucher_touch before update on shop.voucher
  for each row execute function util.touch_updated_at();
