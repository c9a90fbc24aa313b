-- Returns come in one piece: every definition of this file commits together.
begin;

create table shop.return_request (
  id          bigint generated always as identity primary key,
  order_id    bigint not null references shop."order",
  product_id  bigint not null references shop.product,
  quantity    integer not null check (quantity > 0),
  reason      text,
  accepted_at timestamptz,
  updated_at  timestamptz not null default now()
);

create function shop.return_deadline(wanted bigint) returns date
language sql stable as $$
  select (updated_at + interval '14 days')::date from shop."order" where id = wanted and state = 'delivered';
$$;

create function shop.may_return(wanted bigint, product bigint) returns boolean
language sql stable as $$
  select current_date <= shop.return_deadline(wanted)
     and exists (select from shop.order_line where order_id = wanted and product_id = product);
$$;

create function shop.refund_amount(request shop.return_request) returns numeric
language sql stable as $$
  select request.quantity * (shop.line_total(l) / l.quantity) from shop.order_line as l
  where l.order_id = request.order_id and l.product_id = request.product_id;
$$;

create procedure shop.request_return(wanted bigint, product bigint, quantity integer, reason text default null)
language plpgsql as $$
begin
  if not shop.may_return(wanted, product) then
    raise exception 'the return of product % from order % came too late', product, wanted;
  end if;
  insert into shop.return_request (order_id, product_id, quantity, reason) values (wanted, product, quantity, reason);
end;
$$;

create procedure shop.accept_return(request bigint, bin bigint)
language plpgsql as $$
declare
  back shop.return_request;
begin
  update shop.return_request set accepted_at = now() where id = request and accepted_at is null returning * into back;
  insert into warehouse.movement (bin_id, product_id, kind, quantity) values (bin, back.product_id, 'return', back.quantity);
  perform billing.book('returns', 'receivables', shop.refund_amount(back), 'return ' || back.id);
end;
$$;

create function shop.check_return() returns trigger
language plpgsql as $$
begin
  if new.quantity > (select sum(quantity) from shop.order_line
                     where order_id = new.order_id and product_id = new.product_id) then
    raise exception 'more comes back than was bought';
  end if;
  return new;
end;
$$;

create trigger return_check before insert on shop.return_request
  for each row execute function shop.check_return();
create trigger return_touch before update on shop.return_request
  for each row execute function util.touch_updated_at();
create trigger return_audit after insert or update or delete on shop.return_request
  for each row execute function audit.record_change();

commit;

create function report.returns_this_month() returns bigint
language sql stable as $$
  select count(*) from shop.return_request where accepted_at >= date_trunc('month', now());
$$;
