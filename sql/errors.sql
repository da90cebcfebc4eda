-- What is wrong with a call: SQLSTATE, message, detail and hint.
SET client_min_messages = warning;
CREATE SCHEMA errors;
SET search_path = errors, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n  '

-- nulls and blanks
SELECT * FROM regress.error($$SELECT crm_update_customer(1, NULL, 'x', 'words', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(NULL, regress.current(1), 'x', 'words', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', NULL)$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', '')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', E' \t\r\n\x0b\f\u00a0\u1680\u2003\u2028\u202f\u205f\u3000')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), '', 'words', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), '  ', 'words', 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(NULL, NULL, NULL, NULL, NULL)$$);
-- these are errors for any customer, and for any base
SELECT regress.state($$SELECT crm_update_customer(99, NULL, 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', ' ', NULL, 'ana')$$);
-- nothing was written
SELECT count(*) FROM comments;
SELECT count(*) FROM customer_history;

-- too long
SET crm_concurrency.max_comment_length = 10;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'eleven long', 'ana')$$);
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'eleven long')$$);
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, 'äöüßéèçñøå', 'ana');
RESET crm_concurrency.max_comment_length;

-- conflict as an error
SET crm_concurrency.on_conflict = raise;
SELECT state, message, regress.detail((detail::jsonb) - 'changes', 1), hint
FROM regress.error($$SELECT crm_update_customer(1, regress.version(1, 1), 'x', 'not kept', 'ana')$$);
SELECT count(*) FROM comments;
RESET crm_concurrency.on_conflict;

-- malformed values are PostgreSQL's own errors
SELECT regress.state($$SELECT crm_update_customer('one', regress.current(1), 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer('9223372036854775808', regress.current(1), 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, 'yesterday noon', 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, '2026-13-01', 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1.5, regress.current(1), 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x')$$);

-- untyped parameters, as most drivers send them
PREPARE untyped AS SELECT outcome, status, comment_id IS NOT NULL AS has_comment FROM crm_update_customer($1, $2, $3, $4, $5);
SELECT array_agg(t::text) FROM pg_prepared_statements, unnest(parameter_types) t WHERE name = 'untyped';
SELECT quote_literal(updated_at) AS base FROM customers \gset
EXECUTE untyped ('1', :base, 'typed late', NULL, 'ana');
SELECT quote_literal(updated_at) AS base FROM customers \gset
EXECUTE untyped (1, :base, NULL, 'words', 'ana');
EXECUTE untyped (1, :base, NULL, 'words', 'ana');
EXECUTE untyped (1, '2001-01-01', 'x', NULL, 'ana');
DO $$ BEGIN FOR i IN 1..10 LOOP EXECUTE 'EXECUTE untyped (1, ''2001-01-01'', ''x'', NULL, ''ana'')'; END LOOP; END $$;
SELECT regress.state($$EXECUTE untyped (1, NULL, 'x', NULL, 'ana')$$);
SELECT regress.state($$EXECUTE untyped ('x', '2001-01-01', 'x', NULL, 'ana')$$);
DEALLOCATE untyped;
-- varchar, name and int4, as typed drivers send them
PREPARE typed (int4, timestamptz, varchar, varchar(20), varchar) AS SELECT outcome FROM crm_update_customer($1, $2, $3, $4, $5);
EXECUTE typed (1, :base, 'varchar', NULL, 'ana');
EXECUTE typed (1, now() - interval '1 day', 'varchar', 'kept', 'ana');
DEALLOCATE typed;
-- one signature
SELECT count(*) FROM pg_proc WHERE proname = 'crm_update_customer';

-- read-only transactions
BEGIN READ ONLY;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana')$$);
ROLLBACK;
SET default_transaction_read_only = on;
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana')$$);
SET default_transaction_read_only = off;
-- what only an owner brings about, past the triggers or by tables of his own; nothing of it is kept
CREATE TABLE heirs () INHERITS (customers);
INSERT INTO heirs SELECT * FROM customers;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.version(1, 1), 'x', 'words', 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.version(1, 1), 'x', 'words', 'ana', merge => true)$$);
DROP TABLE heirs;
BEGIN;
ALTER TABLE customers DISABLE TRIGGER USER;
UPDATE customers SET updated_at = '9999-12-31 23:59:59.999+00';
ALTER TABLE customers ENABLE TRIGGER USER;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
SELECT regress.state($$UPDATE customers SET name = 'x'$$), regress.state($$DELETE FROM customers$$), regress.state($$SELECT crm_erase_customer(1)$$);
-- what changes nothing needs no version
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana');
-- the hint's way out
ALTER TABLE customers DISABLE TRIGGER USER;
UPDATE customers SET updated_at = h.version FROM (SELECT max(version) AS version FROM customer_history) h;
ALTER TABLE customers ENABLE TRIGGER USER;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'corrected', NULL, 'ana');
SELECT * FROM crm_verify();
ROLLBACK;
BEGIN;
UPDATE customer_history SET fields = '[]' WHERE operation = 'update';
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.version(1, 1), NULL, 'words', 'ana', merge => true)$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.version(1, 1), NULL, 'words', 'ana', fields => '{"name": "x"}')$$);
ROLLBACK;
-- a key that lost its constraint and is null
BEGIN;
ALTER TABLE customers ALTER COLUMN id DROP IDENTITY;
ALTER TABLE customers DROP CONSTRAINT customers_pkey CASCADE;
ALTER TABLE customers ALTER COLUMN id DROP NOT NULL;
SELECT * FROM regress.error($$INSERT INTO customers (id, updated_at) VALUES (NULL, now())$$);
ALTER TABLE customers DISABLE TRIGGER USER;
INSERT INTO customers (id, updated_at) VALUES (NULL, now());
ALTER TABLE customers ENABLE TRIGGER USER;
SELECT s AS statement, e.state, e.message FROM unnest(ARRAY['UPDATE customers SET name = ''x''', 'UPDATE customers SET id = 2 WHERE id IS NULL', 'UPDATE customers SET id = NULL WHERE id = 1', 'DELETE FROM customers WHERE id IS NULL']) s, regress.error(s) e;
ROLLBACK;
-- a superuser's trigger that turns the triggers off between those of one row
BEGIN;
CREATE FUNCTION quieten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('session_replication_role', 'replica', true); RETURN NEW; END $$;
CREATE TRIGGER quieten BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION quieten();
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
SELECT current_setting('session_replication_role') AS role;
ROLLBACK;
SELECT * FROM crm_verify();
-- keys, versions, tables: see create_tables and version_rule; an error leaves the session as it was
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'fine', 'words at last', 'ana');
SELECT * FROM regress.violations();
