/**
 * What every function of a capture runs under, whatever the session that runs DDL has set: a search path in which
 * nobody can put a function of the same name, and the settings that the text of a definition depends on. Planning
 * costs more than the queries do, so plans are kept for the session. Where a bitmap is not asked, an index forgets entries of rows
 * that are gone: all of the changes under way are, after each commit. A table that was empty when a plan was made, and is kept, would be
 * read from end to end for each of the many rows that a migration has put there since.
 */
export const pinnedSettings = `
  SET search_path = pg_catalog, pg_temp
  SET quote_all_identifiers = off
  SET standard_conforming_strings = on
  SET datestyle = 'ISO, MDY'
  SET intervalstyle = postgres
  SET timezone = 'UTC'
  SET bytea_output = hex
  SET extra_float_digits = 1
  SET jit = off
  SET enable_bitmapscan = off
  SET enable_seqscan = off
  SET plan_cache_mode = force_generic_plan`;
