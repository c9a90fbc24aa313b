create view report.open_order as
  select o.id, o.customer_id, c.full_name, o.state, o.total, o.placed_at
  from shop."order" as o join shop.customer as c on c.id = o.customer_id
  where o.state not in ('cart', 'delivered', 'cancelled');

create view report.stock_level as
  select p.sku, p.title, sum(s.on_hand) as on_hand, sum(s.reserved) as reserved
  from shop.product as p left join warehouse.stock as s on s.product_id = p.id
  group by p.id;

create function report.revenue(first date, last date) returns numeric
language sql stable as $$
  select coalesce(sum(total), 0) from shop.orders_between(first, last) where state <> 'cancelled';
$$;

create function report.revenue(month text) returns numeric
language sql stable strict as $$
  select report.revenue(to_date(month, 'YYYY-MM'), (to_date(month, 'YYYY-MM') + interval '1 month - 1 day')::date);
$$;

create function report.revenue_by_week(weeks integer default 12) returns table (week date, revenue numeric)
language sql stable as $$
  select util.week_start(placed_at), sum(total)
  from shop."order"
  where placed_at >= now() - make_interval(weeks => weeks) and state <> 'cancelled'
  group by 1 order by 1;
$$;

create function report.revenue_by_category(first date, last date) returns table (category text, revenue numeric)
language sql stable as $$
  select shop.category_path(p.category_id), sum(shop.line_total(l))
  from shop.orders_between(first, last) as o
  join shop.order_line as l on l.order_id = o.id
  join shop.product as p on p.id = l.product_id
  group by 1 order by 2 desc;
$$;

create function report.best_sellers(most integer default 10) returns table (sku text, sold bigint)
language sql stable as $$
  select p.sku, sum(l.quantity) from shop.order_line as l join shop.product as p on p.id = l.product_id
  group by p.sku order by 2 desc limit most;
$$;

create function report.slow_movers(days integer default 90) returns table (sku text, on_hand bigint)
language sql stable as $$
  select level.sku, level.on_hand from report.stock_level as level
  where level.on_hand > 0 and not exists (
    select from warehouse.movement as m join shop.product as p on p.id = m.product_id
    where p.sku = level.sku and m.kind = 'pick' and m.moved_at > now() - make_interval(days => days));
$$;

create function report.average_basket(first date, last date) returns numeric
language sql stable as $$
  select round(avg(total), 2) from shop.orders_between(first, last) where state <> 'cancelled';
$$;

create function report.cancel_rate(first date, last date) returns numeric
language sql stable as $$
  select util.percent(count(*) filter (where state = 'cancelled'), count(*)) from shop.orders_between(first, last);
$$;

create function report.return_rate(product bigint) returns numeric
language sql stable as $$
  select util.percent(coalesce(sum(quantity) filter (where kind = 'return'), 0),
                      coalesce(-sum(quantity) filter (where kind = 'pick'), 0))
  from warehouse.movement where product_id = product;
$$;

create function report.new_customers(first date, last date) returns bigint
language sql stable as $$
  select count(*) from shop.customer as c where shop.customer_since(c.id) between first and last;
$$;

create function report.customers_by_level() returns table (level text, customers bigint)
language sql stable as $$
  select shop.loyalty_level(c.loyalty), count(*) from shop.customer as c group by 1;
$$;

create function report.cohort(month date) returns table (months_later integer, customers bigint)
language sql stable as $$
  select (extract(year from age(o.placed_at, month)) * 12 + extract(month from age(o.placed_at, month)))::integer,
         count(distinct o.customer_id)
  from shop."order" as o
  where date_trunc('month', shop.customer_since(o.customer_id)) = month
  group by 1 order by 1;
$$;

create function report.stock_value() returns numeric
language sql stable as $$
  select coalesce(sum(s.on_hand * p.price), 0) from warehouse.stock as s join shop.product as p on p.id = s.product_id;
$$;

create function report.stock_value(site text) returns numeric
language sql stable as $$
  select coalesce(sum(s.on_hand * p.price), 0)
  from warehouse.stock as s join shop.product as p on p.id = s.product_id
  join warehouse.bin as b on b.id = s.bin_id join warehouse.site as w on w.id = b.site_id
  where w.code = site;
$$;

create function report.picks_per_hour(day date) returns table (hour integer, picks bigint)
language sql stable as $$
  select extract(hour from moved_at)::integer, count(*) from warehouse.movement
  where kind = 'pick' and moved_at::date = day group by 1 order by 1;
$$;

create function report.delivery_days(carrier text) returns numeric
language sql stable as $$
  select round(avg(extract(epoch from p.shipped_at - o.placed_at) / 86400)::numeric, 1)
  from warehouse.parcel as p join shop."order" as o on o.id = p.order_id
  where p.carrier = delivery_days.carrier;
$$;

create function report.tax_due(first date, last date) returns numeric
language sql stable as $$
  select coalesce(sum(credit), 0) from billing.ledger where account = 'tax' and booked_at::date between first and last;
$$;

create function report.open_receivables() returns numeric
language sql stable
return billing.balance('receivables');

create function report.dashboard() returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'revenue', report.revenue(current_date - 30, current_date),
    'basket', report.average_basket(current_date - 30, current_date),
    'stock', report.stock_value(),
    'receivables', report.open_receivables());
$$;

create procedure report.print_dashboard()
language plpgsql as $$
begin
  raise notice '%', jsonb_pretty(report.dashboard());
end;
$$;

create function report.edit_open_order() returns trigger
language plpgsql as $$
begin
  update shop."order" set state = new.state where id = old.id;
  return new;
end;
$$;

create trigger open_order_edit instead of update on report.open_order
  for each row execute function report.edit_open_order();
create trigger stock_level_fixed instead of insert or update or delete on report.stock_level
  for each row execute function util.refuse_change();
