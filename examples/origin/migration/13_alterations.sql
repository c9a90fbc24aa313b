-- Names, owners, schemas, switches: everything ALTER can do to a definition.
alter function util.is_ean13(text) rename to valid_ean13;
create or replace function shop.product_by_ean(wanted text) returns setof shop.product
language sql stable strict as $$
  select * from shop.product where ean = wanted and util.valid_ean13(wanted);
$$;
create or replace function shop.check_ean() returns trigger
language plpgsql as $$
begin
  if not util.valid_ean13(new.ean) then
    raise exception '% is no EAN-13', new.ean using errcode = 'check_violation';
  end if;
  return new;
end;
$$;
alter function util.initials(text) rename to monogram;
alter function util.age_in_days(timestamptz) rename to days_since;
alter function shop.on_wishlists(bigint) rename to wishlist_count;
alter function shop.find_customers(text) rename to search_customers;
alter function warehouse.stocktake_gaps(text) rename to count_differences;
alter procedure shop.drop_old_carts(interval) rename to purge_carts;
alter procedure shop.reprice(text, numeric) rename to set_price;
alter procedure util.analyse_all(text) rename to analyze_schema;

alter function shop.open_cart(bigint) owner to shop_owner;
alter function shop.add_to_cart(bigint, text, integer) owner to shop_owner;
alter function shop.remove_from_cart(bigint, text) owner to shop_owner;
alter procedure shop.place_order(bigint) owner to shop_owner;
alter procedure shop.cancel_order(bigint, text) owner to shop_owner;
alter function warehouse.reserve(bigint, integer) owner to warehouse_owner;
alter function warehouse.release(bigint, integer) owner to warehouse_owner;
alter procedure warehouse.ship(bigint, text, numeric) owner to warehouse_owner;
alter function billing.book(text, text, numeric, text) owner to billing_owner;
alter procedure billing.issue_invoice(bigint) owner to billing_owner;

alter function warehouse.parcel_price(numeric, text) set schema shop;
alter function warehouse.tracking_url(text, text) set schema shop;
alter function shop.lifetime_value(bigint) set schema report;
alter procedure shop.expire_points(date) set schema billing;

alter function util.business_days(date, date) parallel safe cost 20;
alter function util.array_distinct(anyarray) parallel safe;
alter function shop.search_products(text, integer, integer) rows 20;
alter function shop.earn_points(bigint, numeric) security definer;
alter function shop.earn_points(bigint, numeric) set search_path = shop, pg_temp;
alter function billing.next_invoice_number(date) set lock_timeout = '2s';
alter function report.dashboard() set work_mem = '32MB';
alter function report.dashboard() reset work_mem;
alter procedure billing.send_reminders() set statement_timeout = '5min';

alter trigger category_touch on shop.category rename to a_category_touch;
alter trigger product_touch on shop.product rename to z_product_touch;
alter trigger order_touch on shop."order" rename to a_order_touch;
alter trigger stock_low on warehouse.stock rename to stock_warning;
alter trigger payment_book on billing.payment rename to payment_ledger;

alter table shop.customer disable trigger customer_tell;
alter table shop.product disable trigger product_price;
alter table shop.review disable trigger review_bought;
alter table warehouse.stock disable trigger stock_warning;
alter table shop.product enable trigger product_price;
alter table warehouse.stock enable trigger stock_warning;
alter table audit.entry enable always trigger entry_fixed;
alter table shop.customer enable replica trigger customer_truncated;
alter table billing.ledger disable trigger user;
alter table billing.ledger enable trigger user;

-- A table's new name is a new name for each of its triggers.
alter table warehouse.stocktake rename to stock_count;
alter table shop.wishlist rename to favourite;
