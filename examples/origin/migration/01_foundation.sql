-- Who owns what, and the types that every later file speaks in.
create role shop_owner;
create role warehouse_owner;
create role billing_owner;
create role seasonal_staff;

create schema util;
create schema shop;
create schema warehouse;
create schema billing;
create schema audit;
create schema report;

create domain util.sku as text check (value ~ '^[A-Z]{2,4}-[0-9]{3,6}$');
create domain util.money_amount as numeric(12, 2) check (value >= 0);
create domain util.country_code as char(2) check (value = upper(value));
create type shop.order_state as enum ('cart', 'placed', 'paid', 'picked', 'shipped', 'delivered', 'cancelled');
create type warehouse.movement_kind as enum ('receipt', 'pick', 'return', 'correction', 'transfer');
create type billing.invoice_state as enum ('draft', 'open', 'paid', 'void');
create type shop.price_line as (sku text, quantity integer, unit_price numeric, discount numeric);
