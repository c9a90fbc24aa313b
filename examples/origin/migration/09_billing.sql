create function billing.tax_rate(country text, tax_class text default 'standard') returns numeric
language sql stable as $$
  select r.rate from billing.tax_rate as r where r.country = upper($1) and r.tax_class = $2;
$$;

create function billing.tax_rate(product bigint, country text) returns numeric
language sql stable as $$
  select billing.tax_rate(country, p.tax_class) from shop.product as p where p.id = product;
$$;

create function billing.net_of(gross numeric, rate numeric) returns numeric
language sql immutable
return util.round_money(gross / (1 + rate));

create function billing.tax_of(gross numeric, rate numeric) returns numeric
language sql immutable
return gross - billing.net_of(gross, rate);

create function billing.next_invoice_number(day date default current_date) returns text
language plpgsql as $$
declare
  year text := to_char(day, 'YYYY');
  last integer;
begin
  select max(split_part(number, '-', 2)::integer) into last from billing.invoice where number like year || '-%';
  return year || '-' || lpad((coalesce(last, 0) + 1)::text, 6, '0');
end;
$$;

create function billing.invoice_for(wanted bigint) returns billing.invoice
language sql stable as $$
  select * from billing.invoice where order_id = wanted and state <> 'void' order by id desc limit 1;
$$;

create function billing.amount_due(invoice bigint) returns numeric
language sql stable as $$
  select i.net + i.tax - coalesce(sum(p.amount), 0)
  from billing.invoice as i left join billing.payment as p on p.invoice_id = i.id
  where i.id = invoice group by i.id;
$$;

create function billing.is_overdue(invoice billing.invoice) returns boolean
language sql stable as $$
  select invoice.state = 'open' and invoice.due_on < current_date;
$$;

create function billing.overdue_invoices() returns setof billing.invoice
language sql stable as $$
  select i.* from billing.invoice as i where billing.is_overdue(i) order by i.due_on;
$$;

create function billing.reminder_level(due_on date) returns integer
language sql stable
return util.clamp((current_date - due_on) / 14, 0, 3);

create function billing.reminder_text(invoice bigint) returns text
language plpgsql stable as $$
declare
  bill billing.invoice;
begin
  select * into bill from billing.invoice where id = invoice;
  return case billing.reminder_level(bill.due_on)
    when 0 then null
    when 1 then format('Did our invoice %s slip through? %s is still open.', bill.number, billing.amount_due(invoice))
    when 2 then format('Invoice %s has been due since %s.', bill.number, bill.due_on)
    else format('Last reminder for invoice %s.', bill.number)
  end;
end;
$$;

create function billing.late_fee(due_on date, amount numeric) returns numeric
language sql stable as $$
  select util.round_money(amount * 0.01 * billing.reminder_level(due_on));
$$;

create function billing.late_fee(invoice bigint) returns numeric
language sql stable as $$
  select billing.late_fee(i.due_on, billing.amount_due(i.id)) from billing.invoice as i where i.id = invoice;
$$;

create function billing.balance(wanted text) returns numeric
language sql stable as $$
  select coalesce(sum(debit - credit), 0) from billing.ledger where account = wanted;
$$;

create function billing.balance(wanted text, day date) returns numeric
language sql stable as $$
  select coalesce(sum(debit - credit), 0) from billing.ledger where account = wanted and booked_at < day + 1;
$$;

create function billing.trial_balance() returns table (account text, debit numeric, credit numeric)
language sql stable as $$
  select account, sum(debit), sum(credit) from billing.ledger group by account order by account;
$$;

create function billing.book(debit_account text, credit_account text, amount numeric, reference text) returns void
language sql as $$
  insert into billing.ledger (account, debit, credit, reference)
  values (debit_account, amount, 0, reference), (credit_account, 0, amount, reference);
$$;

create procedure billing.issue_invoice(wanted bigint)
language plpgsql as $$
declare
  bought shop."order";
  rate numeric;
begin
  select * into strict bought from shop."order" where id = wanted;
  select billing.tax_rate(c.country) into rate from shop.customer as c where c.id = bought.customer_id;
  insert into billing.invoice (order_id, number, state, net, tax, due_on)
  values (wanted, billing.next_invoice_number(), 'open',
          billing.net_of(bought.total, coalesce(rate, 0.19)), billing.tax_of(bought.total, coalesce(rate, 0.19)),
          util.add_business_days(current_date, 10));
end;
$$;

create procedure billing.void_invoice(invoice bigint)
language plpgsql as $$
begin
  if exists (select from billing.payment where invoice_id = invoice) then
    raise exception 'invoice % was paid, at least in part', invoice;
  end if;
  update billing.invoice set state = 'void' where id = invoice;
end;
$$;

create procedure billing.pay(invoice bigint, amount numeric, method text default 'transfer')
language sql as $$
  insert into billing.payment (invoice_id, amount, method) values (invoice, amount, method);
$$;

create procedure billing.send_reminders()
language plpgsql as $$
declare
  bill billing.invoice;
begin
  for bill in select * from billing.overdue_invoices() loop
    perform pg_notify('reminder', billing.reminder_text(bill.id));
  end loop;
end;
$$;

create procedure billing.set_tax_rate(country text, tax_class text, rate numeric)
language sql as $$
  insert into billing.tax_rate (country, tax_class, rate) values (upper($1), $2, $3)
  on conflict on constraint tax_rate_pkey do update set rate = excluded.rate;
$$;

create function billing.settle_invoice() returns trigger
language plpgsql as $$
begin
  if billing.amount_due(new.invoice_id) <= 0 then
    update billing.invoice set state = 'paid' where id = new.invoice_id;
  end if;
  return null;
end;
$$;

create function billing.book_payment() returns trigger
language plpgsql as $$
begin
  perform billing.book('bank', 'receivables', new.amount, 'payment ' || new.id);
  return null;
end;
$$;

create function billing.book_invoice() returns trigger
language plpgsql as $$
begin
  perform billing.book('receivables', 'revenue', new.net, 'invoice ' || new.number);
  perform billing.book('receivables', 'tax', new.tax, 'invoice ' || new.number);
  return null;
end;
$$;

create function billing.number_is_fixed() returns trigger
language plpgsql as $$
begin
  raise exception 'the number of invoice % cannot change', old.number;
end;
$$;

create function billing.balanced() returns trigger
language plpgsql as $$
begin
  if (select sum(debit) <> sum(credit) from billing.ledger where reference = new.reference) then
    raise exception 'the booking % does not balance', new.reference;
  end if;
  return null;
end;
$$;

create trigger tax_rate_touch before update on billing.tax_rate
  for each row execute function util.touch_updated_at();
create trigger invoice_touch before update on billing.invoice
  for each row execute function util.touch_updated_at();
create trigger invoice_number before update of number on billing.invoice
  for each row when (old.number is not null) execute function billing.number_is_fixed();
create trigger invoice_book after insert on billing.invoice
  for each row when (new.state = 'open') execute function billing.book_invoice();
create trigger payment_settle after insert on billing.payment
  for each row execute function billing.settle_invoice();
create trigger payment_book after insert on billing.payment
  for each row execute function billing.book_payment();
create trigger payment_fixed before update or delete on billing.payment
  for each row execute function util.refuse_change();
create trigger ledger_fixed before update or delete on billing.ledger
  for each row execute function util.refuse_change();
create constraint trigger ledger_balanced after insert on billing.ledger
  deferrable initially deferred for each row execute function billing.balanced();
