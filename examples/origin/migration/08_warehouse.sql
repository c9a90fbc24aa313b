create function warehouse.free_stock(product bigint) returns bigint
language sql stable as $$
  select coalesce(sum(on_hand - reserved), 0) from warehouse.stock where product_id = product;
$$;

create function warehouse.free_stock(product bigint, site text) returns bigint
language sql stable as $$
  select coalesce(sum(s.on_hand - s.reserved), 0)
  from warehouse.stock as s join warehouse.bin as b on b.id = s.bin_id join warehouse.site as w on w.id = b.site_id
  where s.product_id = product and w.code = site;
$$;

create function warehouse.free_stock(wanted_sku text) returns bigint
language sql stable as $$
  select warehouse.free_stock(p.id) from shop.product as p where p.sku = wanted_sku;
$$;

create function warehouse.bin_label(bin bigint) returns text
language sql stable as $$
  select format('%s-%s-%s', w.code, b.aisle, lpad(b.shelf::text, 2, '0'))
  from warehouse.bin as b join warehouse.site as w on w.id = b.site_id where b.id = bin;
$$;

create function warehouse.bin_by_label(label text) returns bigint
language plpgsql stable strict as $$
declare
  parts text[] := string_to_array(label, '-');
begin
  return (select b.id from warehouse.bin as b join warehouse.site as w on w.id = b.site_id
          where w.code = parts[1] and b.aisle = parts[2] and b.shelf = parts[3]::integer);
end;
$$;

create function warehouse.bin_load(bin bigint) returns bigint
language sql stable
begin atomic
  select coalesce(sum(on_hand), 0) from warehouse.stock where bin_id = bin;
end;

create function warehouse.best_bin(product bigint, quantity integer) returns bigint
language sql stable as $$
  select bin_id from warehouse.stock
  where product_id = product and on_hand - reserved >= quantity
  order by on_hand - reserved, bin_id limit 1;
$$;

create function warehouse.empty_bins(site text) returns setof bigint
language sql stable as $$
  select b.id from warehouse.bin as b join warehouse.site as w on w.id = b.site_id
  where w.code = site and warehouse.bin_load(b.id) = 0;
$$;

create function warehouse.reserve(product bigint, quantity integer) returns boolean
language plpgsql as $$
declare
  bin bigint := warehouse.best_bin(product, quantity);
begin
  if bin is null then return false; end if;
  update warehouse.stock set reserved = reserved + quantity where bin_id = bin and product_id = product;
  return true;
end;
$$;

create function warehouse.release(product bigint, quantity integer) returns void
language sql as $$
  update warehouse.stock set reserved = greatest(reserved - quantity, 0)
  where (bin_id, product_id) = (
    select bin_id, product_id from warehouse.stock
    where product_id = product and reserved >= quantity order by reserved desc limit 1);
$$;

create function warehouse.reserve_order(wanted bigint) returns integer
language plpgsql as $$
declare
  line shop.order_line;
  missing integer := 0;
begin
  for line in select * from shop.order_line where order_id = wanted order by line_no loop
    if not warehouse.reserve(line.product_id, line.quantity) then
      missing := missing + 1;
    end if;
  end loop;
  return missing;
end;
$$;

create function warehouse.pick_list(wanted bigint) returns table (bin text, sku text, quantity integer)
language sql stable as $$
  select warehouse.bin_label(warehouse.best_bin(l.product_id, l.quantity)), p.sku, l.quantity
  from shop.order_line as l join shop.product as p on p.id = l.product_id
  where l.order_id = wanted order by 1;
$$;

create function warehouse.below_reorder_point() returns table (sku text, on_hand bigint, reorder_at bigint)
language sql stable as $$
  select p.sku, sum(s.on_hand), sum(s.reorder_at)
  from warehouse.stock as s join shop.product as p on p.id = s.product_id
  group by p.sku having sum(s.on_hand) < sum(s.reorder_at);
$$;

create function warehouse.days_of_stock(product bigint) returns numeric
language sql stable as $$
  select round(warehouse.free_stock(product) / nullif(-sum(m.quantity) / 30.0, 0), 1)
  from warehouse.movement as m
  where m.product_id = product and m.kind = 'pick' and m.moved_at > now() - interval '30 days';
$$;

create function warehouse.supplier_due(supplier bigint) returns date
language sql stable as $$
  select util.add_business_days(current_date, lead_days) from warehouse.supplier where id = supplier_due.supplier;
$$;

create function warehouse.late_purchases() returns setof warehouse.purchase
language sql stable as $$
  select * from warehouse.purchase where received_at is null and due_on < current_date;
$$;

create function warehouse.tracking_url(carrier text, tracking text) returns text
language sql immutable
return case lower(carrier)
  when 'swift' then 'https://swift.example/track/' || tracking
  when 'post' then 'https://post.example/parcel?id=' || tracking
end;

create function warehouse.parcel_price(weight numeric, country text default 'DE') returns numeric
language plpgsql immutable as $$
begin
  return case
    when country = 'DE' and weight <= 2 then 4.99
    when country = 'DE' then 6.99 + ceil(greatest(weight - 5, 0)) * 0.80
    else 13.50 + ceil(weight) * 1.20
  end;
end;
$$;

create function warehouse.stocktake_gaps(site text) returns table (bin text, product bigint, gap integer)
language sql stable as $$
  select warehouse.bin_label(s.bin_id), s.product_id, t.counted - s.on_hand
  from warehouse.stock as s
  join lateral (
    select counted from warehouse.stocktake as t
    where t.bin_id = s.bin_id and t.product_id = s.product_id order by counted_at desc limit 1) as t on true
  where warehouse.bin_label(s.bin_id) like site || '-%' and t.counted <> s.on_hand;
$$;

create procedure warehouse.receive(bin bigint, product bigint, quantity integer)
language plpgsql as $$
begin
  insert into warehouse.movement (bin_id, product_id, kind, quantity) values (bin, product, 'receipt', quantity);
end;
$$;

create procedure warehouse.receive(purchase bigint, label text)
language plpgsql as $$
declare
  bought warehouse.purchase;
begin
  update warehouse.purchase set received_at = now() where id = purchase and received_at is null returning * into bought;
  if bought.id is null then
    raise exception 'purchase % is unknown or was received before', purchase;
  end if;
  call warehouse.receive(warehouse.bin_by_label(label), bought.product_id, bought.quantity);
end;
$$;

create procedure warehouse.pick(wanted bigint)
language plpgsql as $$
declare
  line record;
begin
  for line in select product_id, quantity, warehouse.best_bin(product_id, quantity) as bin
              from shop.order_line where order_id = wanted loop
    insert into warehouse.movement (bin_id, product_id, kind, quantity)
    values (line.bin, line.product_id, 'pick', -line.quantity);
    perform warehouse.release(line.product_id, line.quantity);
  end loop;
  update shop."order" set state = 'picked' where id = wanted;
end;
$$;

create procedure warehouse.ship(wanted bigint, carrier text, weight numeric)
language plpgsql as $$
begin
  insert into warehouse.parcel (order_id, carrier, tracking, weight, shipped_at)
  values (wanted, carrier, upper(carrier) || util.random_code(12), weight, now());
  update shop."order" set state = 'shipped' where id = wanted;
end;
$$;

create procedure warehouse.transfer(product bigint, source bigint, target bigint, quantity integer)
language sql as $$
  insert into warehouse.movement (bin_id, product_id, kind, quantity)
  values (source, product, 'transfer', -quantity), (target, product, 'transfer', quantity);
$$;

create procedure warehouse.correct(bin bigint, product bigint, counted integer)
language plpgsql as $$
declare
  gap integer;
begin
  select counted - on_hand into gap from warehouse.stock where bin_id = bin and product_id = product;
  if gap <> 0 then
    insert into warehouse.movement (bin_id, product_id, kind, quantity) values (bin, product, 'correction', gap);
  end if;
end;
$$;

create procedure warehouse.reorder_all(supplier bigint)
language sql as $$
  insert into warehouse.purchase (supplier_id, product_id, quantity, due_on)
  select supplier, p.id, low.reorder_at * 3, warehouse.supplier_due(supplier)
  from warehouse.below_reorder_point() as low join shop.product as p on p.sku = low.sku;
$$;

create function warehouse.apply_movement() returns trigger
language plpgsql as $$
begin
  insert into warehouse.stock (bin_id, product_id, on_hand) values (new.bin_id, new.product_id, new.quantity)
  on conflict (bin_id, product_id) do update set on_hand = stock.on_hand + excluded.on_hand;
  return null;
end;
$$;

create function warehouse.never_negative() returns trigger
language plpgsql as $$
begin
  if new.on_hand < 0 or new.reserved > new.on_hand then
    raise exception 'stock of product % in bin % would become impossible', new.product_id, new.bin_id;
  end if;
  return new;
end;
$$;

create function warehouse.warn_low_stock() returns trigger
language plpgsql as $$
begin
  insert into audit.alert (severity, message)
  select 'warning', format('product %s is low: %s left', n.product_id, n.on_hand)
  from low as n where n.on_hand < n.reorder_at;
  return null;
end;
$$;

create function warehouse.check_supplier() returns trigger
language plpgsql as $$
begin
  if not util.is_email(new.email) then
    raise exception 'supplier % needs an e-mail address', new.name;
  end if;
  return new;
end;
$$;

create function warehouse.set_due_date() returns trigger
language plpgsql as $$
begin
  new.due_on := coalesce(new.due_on, warehouse.supplier_due(new.supplier_id));
  return new;
end;
$$;

create trigger site_touch before update on warehouse.site
  for each row execute function util.touch_updated_at();
create trigger bin_touch before update on warehouse.bin
  for each row execute function util.touch_updated_at();
create trigger stock_touch before update on warehouse.stock
  for each row execute function util.touch_updated_at();
create trigger stock_possible before insert or update on warehouse.stock
  for each row execute function warehouse.never_negative();
create trigger stock_low after update on warehouse.stock
  referencing new table as low for each statement execute function warehouse.warn_low_stock();
create trigger movement_apply after insert on warehouse.movement
  for each row execute function warehouse.apply_movement();
create trigger movement_fixed before update or delete on warehouse.movement
  for each row execute function util.refuse_change();
create trigger movement_kept before truncate on warehouse.movement
  for each statement execute function util.refuse_change();
create trigger supplier_touch before update on warehouse.supplier
  for each row execute function util.touch_updated_at();
create trigger supplier_check before insert or update of email on warehouse.supplier
  for each row execute function warehouse.check_supplier();
create trigger purchase_touch before update on warehouse.purchase
  for each row execute function util.touch_updated_at();
create trigger purchase_due before insert on warehouse.purchase
  for each row execute function warehouse.set_due_date();
create trigger parcel_touch before update on warehouse.parcel
  for each row execute function util.touch_updated_at();
create trigger stocktake_fixed before update on warehouse.stocktake
  for each row execute function util.refuse_change();
