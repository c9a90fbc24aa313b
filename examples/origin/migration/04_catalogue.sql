create function shop.product_by_sku(wanted text) returns shop.product
language sql stable strict as $$
  select * from shop.product where sku = wanted;
$$;

create function shop.product_by_ean(wanted text) returns setof shop.product
language sql stable strict as $$
  select * from shop.product where ean = wanted and util.is_ean13(wanted);
$$;

create function shop.products_in(category bigint) returns setof shop.product
language sql stable rows 50 as $$
  with recursive below as (
    select id from shop.category where id = products_in.category
    union all
    select child.id from shop.category as child join below on child.parent_id = below.id
  )
  select product.* from shop.product join below on product.category_id = below.id where product.active;
$$;

create function shop.products_in(category_slug text) returns setof shop.product
language sql stable as $$
  select found.* from shop.category as c, shop.products_in(c.id) as found where c.slug = category_slug;
$$;

create function shop.category_path(category bigint) returns text
language sql stable as $$
  with recursive up as (
    select id, parent_id, name, 0 as depth from shop.category where id = category_path.category
    union all
    select parent.id, parent.parent_id, parent.name, up.depth + 1
    from shop.category as parent join up on parent.id = up.parent_id
  )
  select string_agg(name, ' / ' order by depth desc) from up;
$$;

create function shop.category_depth(category bigint) returns integer
language plpgsql stable as $$
declare
  depth integer := 0;
  above bigint := category;
begin
  loop
    select parent_id into above from shop.category where id = above;
    exit when above is null;
    depth := depth + 1;
  end loop;
  return depth;
end;
$$;

create function shop.move_category(category bigint, new_parent bigint) returns void
language plpgsql as $$
begin
  if shop.category_path(new_parent) like shop.category_path(category) || '%' then
    raise exception 'a category cannot stand below itself';
  end if;
  update shop.category set parent_id = new_parent where id = move_category.category;
end;
$$;

create function shop.search_products(query text) returns table (sku text, title text, rank real)
language sql stable as $$
  select p.sku, p.title, ts_rank(p.search, websearch_to_tsquery('simple', query)) as rank
  from shop.product as p
  where p.search @@ websearch_to_tsquery('simple', query)
  order by rank desc
  limit 20;
$$;

create function shop.search_products(query text, page integer, page_size integer default 20)
returns table (sku text, title text, rank real)
language sql stable as $$
  select p.sku, p.title, ts_rank(p.search, websearch_to_tsquery('simple', query)) as rank
  from shop.product as p
  where p.search @@ websearch_to_tsquery('simple', query)
  order by rank desc
  limit page_size offset (page - 1) * page_size;
$$;

create function shop.price_of(product bigint) returns numeric
language sql stable strict as $$
  select price from shop.product where id = price_of.product;
$$;

create function shop.price_of(product bigint, moment timestamptz) returns numeric
language sql stable strict as $$
  select price from shop.price_history
  where product_id = product and valid_from <= moment
  order by valid_from desc limit 1;
$$;

create function shop.price_of(product bigint, customer bigint) returns numeric
language sql stable strict as $$
  select util.round_money(shop.price_of(product) * case when c.loyalty >= 1000 then 0.95 else 1 end)
  from shop.customer as c where c.id = customer;
$$;

create function shop.lowest_price(product bigint, days integer default 30) returns numeric
language sql stable as $$
  select min(price) from shop.price_history
  where product_id = product and valid_from > now() - make_interval(days => days);
$$;

create function shop.average_stars(product bigint) returns numeric
language sql stable as $$
  select round(avg(stars), 1) from shop.review where product_id = product and approved;
$$;

create function shop.review_summary(product bigint) returns jsonb
language sql stable as $$
  select jsonb_object_agg(stars, votes)
  from (select stars, count(*) as votes from shop.review where product_id = product and approved group by stars) as tally;
$$;

create function shop.related_products(product bigint, most integer default 5) returns setof bigint
language sql stable as $$
  select other.product_id
  from shop.order_line as mine
  join shop.order_line as other using (order_id)
  where mine.product_id = product and other.product_id <> product
  group by other.product_id
  order by count(*) desc
  limit most;
$$;

create function shop.on_wishlists(product bigint) returns bigint
language sql stable
begin atomic
  select count(*) from shop.wishlist where product_id = product;
end;

create procedure shop.reprice(category bigint, factor numeric)
language plpgsql as $$
begin
  if factor <= 0 then
    raise exception 'factor must be above 0, got %', factor;
  end if;
  update shop.product set price = util.round_money(price * factor) where category_id = category;
end;
$$;

create procedure shop.reprice(wanted text, new_price numeric)
language sql as $$
  update shop.product set price = new_price where sku = wanted;
$$;

create procedure shop.retire_product(wanted text)
language plpgsql as $$
declare
  retired bigint;
begin
  update shop.product set active = false where sku = wanted returning id into retired;
  if retired is null then
    raise exception 'no product has the SKU %', wanted;
  end if;
  delete from shop.wishlist where product_id = retired;
end;
$$;

create procedure shop.approve_reviews(older_than interval default '1 day')
language sql as $$
  update shop.review set approved = true where not approved and updated_at < now() - older_than;
$$;

create function shop.index_product() returns trigger
language plpgsql as $$
begin
  new.search := setweight(to_tsvector('simple', new.title), 'A')
             || setweight(to_tsvector('simple', coalesce(new.description, '')), 'B');
  return new;
end;
$$;

create function shop.keep_price_history() returns trigger
language plpgsql as $$
begin
  insert into shop.price_history (product_id, price) values (new.id, new.price);
  return null;
end;
$$;

create function shop.slug_category() returns trigger
language plpgsql as $$
begin
  new.slug := coalesce(util.blank_to_null(new.slug), util.slug(new.name, 60));
  return new;
end;
$$;

create function shop.check_ean() returns trigger
language plpgsql as $$
begin
  if not util.is_ean13(new.ean) then
    raise exception '% is no EAN-13', new.ean using errcode = 'check_violation';
  end if;
  return new;
end;
$$;

create trigger product_index before insert or update of title, description on shop.product
  for each row execute function shop.index_product();
create trigger product_price after insert or update of price on shop.product
  for each row execute function shop.keep_price_history();
create trigger product_ean before insert or update of ean on shop.product
  for each row when (new.ean is not null) execute function shop.check_ean();
create trigger category_slug before insert or update of name, slug on shop.category
  for each row execute function shop.slug_category();
create trigger category_touch before update on shop.category
  for each row execute function util.touch_updated_at();
create trigger product_touch before update on shop.product
  for each row when (old.* is distinct from new.*) execute function util.touch_updated_at();
create trigger product_trim before insert on shop.product
  for each row execute function util.trim_texts();
create trigger review_touch before update on shop.review
  for each row execute function util.touch_updated_at();
create trigger price_history_fixed before update or delete on shop.price_history
  for each row execute function util.refuse_change();
