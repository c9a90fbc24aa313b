-- Every table that people write to leaves a trace; the ones that only grow need none.
create function audit.record_change() returns trigger
language plpgsql security definer set search_path = audit, pg_temp as $$
begin
  insert into audit.entry (relation, operation, old_row, new_row)
  values (tg_table_schema || '.' || tg_table_name, tg_op,
          case when tg_op <> 'INSERT' then to_jsonb(old) end,
          case when tg_op <> 'DELETE' then to_jsonb(new) end);
  return null;
end;
$$;

create function audit.record_truncate() returns trigger
language plpgsql security definer set search_path = audit, pg_temp as $$
begin
  insert into audit.entry (relation, operation) values (tg_table_schema || '.' || tg_table_name, 'TRUNCATE');
  return null;
end;
$$;

create function audit.raise_alert(severity text, message text) returns bigint
language sql as $$
  insert into audit.alert (severity, message) values (severity, message) returning id;
$$;

create function audit.history(wanted text, most integer default 100) returns setof audit.entry
language sql stable as $$
  select * from audit.entry where relation = wanted order by at desc limit most;
$$;

create function audit.history(wanted text, row_id bigint) returns setof audit.entry
language sql stable as $$
  select * from audit.entry
  where relation = wanted and coalesce(new_row, old_row) ->> 'id' = row_id::text order by at desc;
$$;

create function audit.changed_columns(entry audit.entry) returns text[]
language sql immutable as $$
  select array_agg(key order by key) from jsonb_object_keys(util.jsonb_diff(entry.old_row, entry.new_row)) as key;
$$;

create function audit.changes_by(wanted text, since timestamptz) returns bigint
language sql stable
begin atomic
  select count(*) from audit.entry where by_user = wanted and at >= since;
end;

create function audit.row_at(wanted text, row_id bigint, moment timestamptz) returns jsonb
language sql stable as $$
  select new_row from audit.entry
  where relation = wanted and new_row ->> 'id' = row_id::text and at <= moment order by at desc limit 1;
$$;

create function audit.alerts_today() returns setof audit.alert
language sql stable as $$
  select * from audit.alert where raised_at >= current_date order by raised_at;
$$;

create procedure audit.purge(older_than interval default '2 years')
language sql as $$
  delete from audit.entry where at < now() - older_than;
  delete from audit.alert where raised_at < now() - older_than;
$$;

create trigger category_audit after insert or update or delete on shop.category
  for each row execute function audit.record_change();
create trigger product_audit after insert or update or delete on shop.product
  for each row execute function audit.record_change();
create trigger customer_audit after insert or update or delete on shop.customer
  for each row execute function audit.record_change();
create trigger address_audit after insert or update or delete on shop.address
  for each row execute function audit.record_change();
create trigger order_audit after insert or update or delete on shop."order"
  for each row execute function audit.record_change();
create trigger line_audit after insert or update or delete on shop.order_line
  for each row execute function audit.record_change();
create trigger voucher_audit after insert or update or delete on shop.voucher
  for each row execute function audit.record_change();
create trigger review_audit after update or delete on shop.review
  for each row execute function audit.record_change();
create trigger site_audit after insert or update or delete on warehouse.site
  for each row execute function audit.record_change();
create trigger bin_audit after insert or update or delete on warehouse.bin
  for each row execute function audit.record_change();
create trigger supplier_audit after insert or update or delete on warehouse.supplier
  for each row execute function audit.record_change();
create trigger purchase_audit after insert or update or delete on warehouse.purchase
  for each row execute function audit.record_change();
create trigger parcel_audit after insert or update or delete on warehouse.parcel
  for each row execute function audit.record_change();
create trigger tax_rate_audit after insert or update or delete on billing.tax_rate
  for each row execute function audit.record_change();
create trigger invoice_audit after insert or update or delete on billing.invoice
  for each row execute function audit.record_change();
create trigger payment_audit after insert on billing.payment
  for each row execute function audit.record_change();
create trigger customer_truncated after truncate on shop.customer
  for each statement execute function audit.record_truncate();
create trigger order_truncated after truncate on shop."order"
  for each statement execute function audit.record_truncate();
create trigger invoice_truncated after truncate on billing.invoice
  for each statement execute function audit.record_truncate();
create trigger stock_truncated after truncate on warehouse.stock
  for each statement execute function audit.record_truncate();
create trigger entry_fixed before update on audit.entry
  for each row execute function util.refuse_change();
