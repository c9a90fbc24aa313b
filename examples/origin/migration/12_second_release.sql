-- Four weeks later: what the first release got wrong is replaced, under the same names.
create or replace function shop.order_total(wanted bigint) returns numeric
language sql stable
begin atomic
  select coalesce(sum(case when l.quantity >= 100 then 0.9 else 1 end * shop.line_total(l.quantity, l.unit_price, l.discount)), 0)
  from shop.order_line as l where l.order_id = wanted;
end;

create or replace procedure shop.place_order(wanted bigint)
language plpgsql as $$
declare
  missing integer;
begin
  if not exists (select from shop.order_line where order_id = wanted) then
    raise exception 'order % has no lines', wanted;
  end if;
  missing := warehouse.reserve_order(wanted);
  if missing > 0 then
    raise exception 'order % waits for % products', wanted, missing using errcode = 'insufficient_resources';
  end if;
  update shop."order"
  set state = 'placed', placed_at = now(), total = shop.order_total(id, voucher)
  where id = wanted and state = 'cart';
end;
$$;

create or replace procedure shop.drop_old_carts(older_than interval default '14 days')
language sql as $$
  delete from shop."order" where state = 'cart' and updated_at < now() - older_than;
$$;

create or replace function shop.can_cancel(wanted bigint) returns boolean
language sql stable as $$
  select state in ('cart', 'placed') or (state = 'paid' and updated_at > now() - interval '1 hour')
  from shop."order" where id = wanted;
$$;

create or replace function warehouse.best_bin(product bigint, quantity integer) returns bigint
language sql stable as $$
  select s.bin_id from warehouse.stock as s join warehouse.bin as b on b.id = s.bin_id
  where s.product_id = product and s.on_hand - s.reserved >= quantity
  order by b.aisle, b.shelf limit 1;
$$;

create or replace function warehouse.tracking_url(carrier text, tracking text) returns text
language sql immutable
return case lower(carrier)
  when 'swift' then 'https://swift.example/track/' || tracking
  when 'post' then 'https://post.example/parcel?id=' || tracking
  when 'cargo' then 'https://cargo.example/t/' || tracking
end;

create or replace function warehouse.parcel_price(weight numeric, country text default 'DE') returns numeric
language sql immutable
return case
  when country = 'DE' then case when weight <= 2 then 4.99 when weight <= 5 then 6.99 else 9.49 end
  when country in ('AT', 'CH', 'NL') then 9.99 + ceil(weight) * 0.50
  else 13.50 + ceil(weight) * 1.20
end;

create or replace function warehouse.warn_low_stock() returns trigger
language plpgsql as $$
begin
  insert into audit.alert (severity, message)
  select case when n.on_hand = 0 then 'error' else 'warning' end, format('product %s: %s left', n.product_id, n.on_hand)
  from low as n where n.on_hand < n.reorder_at;
  return null;
end;
$$;

create or replace procedure warehouse.reorder_all(supplier bigint)
language sql as $$
  insert into warehouse.purchase (supplier_id, product_id, quantity, due_on)
  select supplier, p.id, low.reorder_at * 3, warehouse.supplier_due(supplier)
  from warehouse.below_reorder_point() as low join shop.product as p on p.sku = low.sku
  where not exists (select from warehouse.purchase as o where o.product_id = p.id and o.received_at is null);
$$;

create or replace function billing.reminder_level(due_on date) returns integer
language sql stable
return util.clamp((current_date - due_on) / 10, 0, 4);

create or replace function billing.late_fee(due_on date, amount numeric) returns numeric
language sql stable as $$
  select util.round_money(least(amount * 0.01 * billing.reminder_level(due_on), 40));
$$;

create or replace function billing.overdue_invoices() returns setof billing.invoice
language sql stable as $$
  select i.* from billing.invoice as i
  where billing.is_overdue(i) and billing.amount_due(i.id) > 1 order by i.due_on;
$$;

create or replace function audit.record_change() returns trigger
language plpgsql security definer set search_path = audit, util, pg_temp as $$
begin
  if tg_op = 'UPDATE' and to_jsonb(old) - 'updated_at' = to_jsonb(new) - 'updated_at' then
    return null;
  end if;
  insert into audit.entry (relation, operation, old_row, new_row)
  values (tg_table_schema || '.' || tg_table_name, tg_op,
          case when tg_op <> 'INSERT' then to_jsonb(old) end,
          case when tg_op <> 'DELETE' then to_jsonb(new) end);
  return null;
end;
$$;

create or replace function report.dashboard() returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'revenue', report.revenue(current_date - 30, current_date),
    'basket', report.average_basket(current_date - 30, current_date),
    'cancelled', report.cancel_rate(current_date - 30, current_date),
    'stock', report.stock_value(),
    'late', (select count(*) from warehouse.late_purchases()),
    'receivables', report.open_receivables());
$$;

create or replace trigger review_audit after insert or update or delete on shop.review
  for each row execute function audit.record_change();
create or replace trigger payment_audit after insert or update or delete on billing.payment
  for each row execute function audit.record_change();
create or replace trigger order_reward after update of state on shop."order"
  for each row when (old.state = 'shipped' and new.state = 'delivered') execute function shop.reward_order();
