-- What is no longer needed goes: one by one, by CASCADE, with its table, with its schema, with its owner.
drop function util.clamp(timestamptz, timestamptz, timestamptz);
drop function util.quarter(date);
drop function util.first_filled(text[]);
drop function util.monogram(text);
drop function shop.format_address(text, text, text, text);
drop function shop.move_category(bigint, bigint);
drop function if exists shop.no_such_function(integer);
drop procedure shop.unblock_customer(bigint);
drop procedure util.analyze_schema(text);
drop routine shop.loyalty_level(shop.customer);
drop trigger address_trim on shop.address;
drop trigger customer_truncated on shop.customer;
drop trigger if exists no_such_trigger on shop.product;
drop function shop.tell_new_customer() cascade;
drop function warehouse.check_supplier() cascade;
drop function audit.record_truncate() cascade;
drop function util.percent(numeric, numeric) cascade;
drop view report.open_order cascade;
drop table shop.favourite cascade;
drop table warehouse.stock_count cascade;
drop type shop.price_line cascade;
drop schema winter cascade;
drop owned by seasonal_staff;

-- Dropped and made again under the same name: the devices must end with the new one.
drop function shop.price_of(bigint, bigint);
create function shop.price_of(product bigint, customer bigint) returns numeric
language sql stable strict as $$
  select util.round_money(shop.price_of(product) * case shop.loyalty_level(c.loyalty)
    when 'platinum' then 0.90 when 'gold' then 0.93 when 'silver' then 0.95 else 1 end)
  from shop.customer as c where c.id = customer;
$$;
drop trigger supplier_audit on warehouse.supplier;
create trigger supplier_audit after delete on warehouse.supplier
  for each row execute function audit.record_change();
drop function report.new_customers(date, date);
create function report.new_customers(month date) returns bigint
language sql stable as $$
  select count(*) from shop.customer as c where date_trunc('month', shop.customer_since(c.id)) = month;
$$;
create or replace function report.dashboard() returns jsonb
language plpgsql stable as $$
declare
  first date := current_date - 30;
begin
  return jsonb_build_object(
    'revenue', report.revenue(first, current_date), 'basket', report.average_basket(first, current_date),
    'stock', report.stock_value(), 'returns', report.returns_this_month(), 'receivables', report.open_receivables());
end;
$$;
