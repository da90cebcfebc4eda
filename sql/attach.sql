-- crm_attach and crm_detach: an existing customers table is guarded as it is, and let go of.
SET client_min_messages = warning;
CREATE SCHEMA attach;
SET search_path = attach, public;
CREATE TABLE customers (id int PRIMARY KEY, name text, status text, notes text, updated_at timestamptz(3) NOT NULL DEFAULT now());
INSERT INTO customers (id, name, status, updated_at) SELECT i, 'Acme ' || i, 'new', '2026-01-05 10:00:00.123+00' FROM generate_series(1, 3) i;
SELECT pg_relation_filenode('customers') AS filenode \gset

SELECT crm_attach('customers', comments_column => 'notes');
SELECT customers, comments, history, locks, comments_column, plain_updates FROM crm_attached_tables WHERE customers = 'customers'::regclass;
\d customers
\d customers_comments
-- catalogue work only: no rewrite, no history of what was before; the history begins with the first change
SELECT pg_relation_filenode('customers') = :filenode AS not_rewritten, (SELECT count(*) FROM customers_history) AS history;
SELECT outcome, status FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', 'Signed', 'ana');
SELECT h.previous = '2026-01-05 10:00:00.123+00' AS from_before, h.status_from, h.status_to FROM customers_history h;
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'lost', NULL, 'ben');
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2026-01-01 10:00:00+00', 'lost', NULL, 'ben');
SELECT * FROM crm_verify();

-- again: nothing changes; what is missing is made again; other columns and tables are an error
SELECT crm_attach('customers', comments_column => 'notes');
SELECT count(*) FROM crm_attached_tables WHERE customers = 'customers'::regclass;
DROP TRIGGER crm_history ON customers;
DROP TRIGGER zz_crm_guard ON customers_comments;
SELECT crm_attach('customers');
SELECT comments_column IS NULL AS as_asked FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1), 'healed', 'x', 'ana');
SELECT * FROM regress.error($$SELECT crm_attach('customers', 'name')$$);
SELECT state, message FROM regress.error($$SELECT crm_attach('customers', version_column => 'row_version')$$);
SELECT * FROM regress.error($$SELECT crm_attach('customers', comments => 'other_comments')$$);
SELECT count(*) AS unchanged FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'row_version';

-- plain_updates => 'refuse': the function alone changes the status
SELECT crm_attach('customers', plain_updates => 'refuse');
SELECT * FROM regress.error($$UPDATE customers SET status = 'plain' WHERE id = 2$$);
UPDATE customers SET name = 'plain', status = 'new' WHERE id = 2;
INSERT INTO customers (id, status) VALUES (4, 'inserted');
SELECT outcome FROM crm_update_customer(2, (SELECT updated_at FROM customers WHERE id = 2), 'saved', NULL, 'ana');
SELECT crm_attach('customers');
UPDATE customers SET status = 'plain again' WHERE id = 2;

-- the columns and tables follow renames; others come and go
ALTER TABLE customers RENAME TO "Clients";
ALTER TABLE customers_comments RENAME TO "Notes";
ALTER TABLE "Clients" RENAME status TO "State";
ALTER TABLE "Clients" ADD COLUMN city text DEFAULT 'Rome', DROP COLUMN notes;
ALTER SCHEMA attach RENAME TO "Attach ""2""";
SET search_path = "Attach ""2""", public;
SELECT outcome, status FROM crm_update_customer(3, '2026-01-05 10:00:00.123+00', 'renamed', 'x', 'ana', fields => '{"city": "Oslo"}');
SELECT crm_attach('"Clients"', 'State');

-- let go of: triggers and registration go, everything else stays and can be written; and back again
SELECT crm_detach('"Clients"');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid IN ('"Clients"'::regclass, '"Notes"'::regclass, 'customers_history'::regclass) AND NOT tgisinternal;
SELECT count(*) AS registered FROM crm_attached_tables WHERE customers = '"Clients"'::regclass;
UPDATE "Clients" SET "State" = 'free' WHERE id = 3;
UPDATE "Notes" SET body = 'changed' WHERE customer_id = 3;
SELECT (SELECT count(*) FROM "Clients") AS customers, (SELECT count(*) FROM "Notes") AS comments, (SELECT count(*) FROM customers_history) AS history;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(3, now(), NULL, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_detach('"Clients"')$$);
SELECT crm_attach('"Clients"', 'State', comments => 'Notes', history => 'customers_history', locks => 'customers_locks');
SELECT outcome FROM crm_update_customer(3, (SELECT updated_at FROM "Clients" WHERE id = 3), 'guarded', 'y', 'ana');
SELECT (SELECT count(*) FROM "Clients") AS customers, (SELECT count(*) FROM "Notes") AS comments, (SELECT count(*) FROM customers_history) AS history;
-- what was changed meanwhile shows as a gap in the chain, and nothing else does
SELECT DISTINCT customer, invariant FROM crm_verify();

-- the tables of crm_create_tables() are found again by themselves
CREATE SCHEMA attach_standard;
SET search_path = attach_standard, public;
SELECT crm_create_tables();
SELECT crm_detach('customers');
SELECT crm_attach('customers');
SELECT comments, history, locks FROM crm_attached_tables WHERE customers = 'customers'::regclass;

-- a version column that is not there is added, without rewriting the table
CREATE SCHEMA attach_version;
SET search_path = attach_version, public;
CREATE TABLE leads (id int PRIMARY KEY, stage_id int, write_date timestamp);
INSERT INTO leads SELECT i, 1, now() FROM generate_series(1, 1000) i;
SELECT pg_relation_filenode('leads') AS filenode \gset
SELECT crm_attach('leads', 'stage_id', 'row_version');
SELECT pg_relation_filenode('leads') = :filenode AS not_rewritten, count(*), count(DISTINCT row_version) AS versions FROM leads;
SELECT format_type(atttypid, atttypmod), attnotnull, atthasdef FROM pg_attribute WHERE attrelid = 'leads'::regclass AND attname = 'row_version';
SELECT outcome, status FROM crm_update_customer(7, (SELECT row_version FROM leads WHERE id = 7), '2', NULL, 'ana');
INSERT INTO leads (id) VALUES (2000) RETURNING row_version IS NOT NULL AS has_version;
SELECT * FROM crm_verify();

-- a CRM that has a table named comments of its own, and long names
CREATE SCHEMA attach_names;
SET search_path = attach_names, public;
CREATE TABLE comments (id int, text text);
CREATE TABLE customers (id int PRIMARY KEY, status text);
SELECT crm_attach('customers');
SELECT comments, history, locks FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT crm_detach('customers');
SELECT * FROM regress.error($$SELECT crm_attach('customers', comments => 'comments')$$);
DO $$ BEGIN EXECUTE format('CREATE TABLE attach_names.%I (id int PRIMARY KEY, status text)', repeat('é', 31)); EXECUTE format('ALTER TABLE attach_names.%I SET SCHEMA attach_version', repeat('é', 31)); END $$;
CREATE SCHEMA attach_long;
DO $$ BEGIN EXECUTE format('ALTER TABLE attach_version.%I SET SCHEMA attach_long', repeat('é', 31)); PERFORM crm_attach(format('attach_long.%I', repeat('é', 31))::regclass); END $$;
SELECT relname FROM pg_class WHERE relnamespace = 'attach_long'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C";
DROP SCHEMA "Attach ""2""", attach_standard, attach_version, attach_names, attach_long CASCADE;
