-- The shop ------------------------------------------------------------------------------
create table shop.category (
  id          bigint generated always as identity primary key,
  parent_id   bigint references shop.category,
  name        text not null,
  slug        text not null unique,
  updated_at  timestamptz not null default now()
);

create table shop.product (
  id          bigint generated always as identity primary key,
  sku         util.sku not null unique,
  category_id bigint references shop.category,
  title       text not null,
  description text,
  ean         text,
  price       util.money_amount not null,
  tax_class   text not null default 'standard',
  active      boolean not null default true,
  search      tsvector,
  updated_at  timestamptz not null default now()
);

create table shop.price_history (
  product_id  bigint not null references shop.product,
  price       util.money_amount not null,
  valid_from  timestamptz not null default now(),
  primary key (product_id, valid_from)
);

create table shop.customer (
  id          bigint generated always as identity primary key,
  email       text not null unique,
  full_name   text not null,
  phone       text,
  country     util.country_code not null default 'DE',
  loyalty     integer not null default 0,
  blocked_at  timestamptz,
  updated_at  timestamptz not null default now()
);

create table shop.address (
  id          bigint generated always as identity primary key,
  customer_id bigint not null references shop.customer on delete cascade,
  street      text not null,
  postcode    text not null,
  city        text not null,
  country     util.country_code not null,
  is_default  boolean not null default false,
  updated_at  timestamptz not null default now()
);

create table shop."order" (
  id          bigint generated always as identity primary key,
  customer_id bigint not null references shop.customer,
  address_id  bigint references shop.address,
  state       shop.order_state not null default 'cart',
  placed_at   timestamptz,
  total       util.money_amount not null default 0,
  voucher     text,
  updated_at  timestamptz not null default now()
);

create table shop.order_line (
  order_id    bigint not null references shop."order" on delete cascade,
  line_no     integer not null,
  product_id  bigint not null references shop.product,
  quantity    integer not null check (quantity > 0),
  unit_price  util.money_amount not null,
  discount    numeric(5, 2) not null default 0,
  updated_at  timestamptz not null default now(),
  primary key (order_id, line_no)
);

create table shop.voucher (
  code        text primary key,
  percent_off numeric(5, 2) not null check (percent_off between 0 and 100),
  valid_until date,
  uses_left   integer not null default 1,
  updated_at  timestamptz not null default now()
);

create table shop.review (
  id          bigint generated always as identity primary key,
  product_id  bigint not null references shop.product on delete cascade,
  customer_id bigint not null references shop.customer,
  stars       smallint not null check (stars between 1 and 5),
  body        text,
  approved    boolean not null default false,
  updated_at  timestamptz not null default now()
);

create table shop.wishlist (
  customer_id bigint not null references shop.customer on delete cascade,
  product_id  bigint not null references shop.product on delete cascade,
  added_at    timestamptz not null default now(),
  primary key (customer_id, product_id)
);

-- The warehouse --------------------------------------------------------------------------
create table warehouse.site (
  id          bigint generated always as identity primary key,
  code        text not null unique,
  city        text not null,
  updated_at  timestamptz not null default now()
);

create table warehouse.bin (
  id          bigint generated always as identity primary key,
  site_id     bigint not null references warehouse.site,
  aisle       text not null,
  shelf       integer not null,
  max_weight  numeric(8, 2) not null default 200,
  updated_at  timestamptz not null default now(),
  unique (site_id, aisle, shelf)
);

create table warehouse.stock (
  bin_id      bigint not null references warehouse.bin,
  product_id  bigint not null references shop.product,
  on_hand     integer not null default 0,
  reserved    integer not null default 0,
  reorder_at  integer not null default 5,
  updated_at  timestamptz not null default now(),
  primary key (bin_id, product_id)
);

create table warehouse.movement (
  id          bigint generated always as identity primary key,
  bin_id      bigint not null references warehouse.bin,
  product_id  bigint not null references shop.product,
  kind        warehouse.movement_kind not null,
  quantity    integer not null,
  moved_at    timestamptz not null default now(),
  moved_by    text not null default current_user
);

create table warehouse.supplier (
  id          bigint generated always as identity primary key,
  name        text not null,
  email       text not null,
  lead_days   integer not null default 7,
  updated_at  timestamptz not null default now()
);

create table warehouse.purchase (
  id          bigint generated always as identity primary key,
  supplier_id bigint not null references warehouse.supplier,
  product_id  bigint not null references shop.product,
  quantity    integer not null check (quantity > 0),
  ordered_at  timestamptz not null default now(),
  due_on      date,
  received_at timestamptz,
  updated_at  timestamptz not null default now()
);

create table warehouse.parcel (
  id          bigint generated always as identity primary key,
  order_id    bigint not null references shop."order",
  carrier     text not null,
  tracking    text unique,
  weight      numeric(8, 3),
  shipped_at  timestamptz,
  updated_at  timestamptz not null default now()
);

create table warehouse.stocktake (
  id          bigint generated always as identity primary key,
  bin_id      bigint not null references warehouse.bin,
  product_id  bigint not null references shop.product,
  counted     integer not null,
  counted_at  timestamptz not null default now()
);

-- Billing and audit ----------------------------------------------------------------------
create table billing.tax_rate (
  country     util.country_code not null,
  tax_class   text not null,
  rate        numeric(5, 3) not null,
  updated_at  timestamptz not null default now(),
  primary key (country, tax_class)
);

create table billing.invoice (
  id          bigint generated always as identity primary key,
  order_id    bigint not null references shop."order",
  number      text unique,
  state       billing.invoice_state not null default 'draft',
  net         util.money_amount not null default 0,
  tax         util.money_amount not null default 0,
  due_on      date,
  updated_at  timestamptz not null default now()
);

create table billing.payment (
  id          bigint generated always as identity primary key,
  invoice_id  bigint not null references billing.invoice,
  amount      util.money_amount not null,
  method      text not null,
  paid_at     timestamptz not null default now()
);

create table billing.ledger (
  id          bigint generated always as identity primary key,
  account     text not null,
  debit       numeric(14, 2) not null default 0,
  credit      numeric(14, 2) not null default 0,
  booked_at   timestamptz not null default now(),
  reference   text
);

create table audit.entry (
  id          bigint generated always as identity primary key,
  relation    text not null,
  operation   text not null,
  old_row     jsonb,
  new_row     jsonb,
  by_user     text not null default current_user,
  at          timestamptz not null default clock_timestamp()
);

create table audit.alert (
  id          bigint generated always as identity primary key,
  severity    text not null,
  message     text not null,
  raised_at   timestamptz not null default now()
);
create index on audit.entry (relation, at);
create index on shop.order_line (product_id);
