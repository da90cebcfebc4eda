-- What the views and functions behind the saves show and let do: no more than saves tell, to those who may save.
CREATE ROLE crm_edition_stranger;
CREATE ROLE crm_edition_clerk;
GRANT USAGE ON SCHEMA crm TO crm_edition_stranger, crm_edition_clerk;
GRANT SELECT (id, status, updated_at), UPDATE (status) ON customers TO crm_edition_clerk;
GRANT INSERT (customer_id, author, body) ON comments TO crm_edition_clerk;
INSERT INTO customers (id, phone) VALUES (2000001, 'secret'), (2000002, 'secret');
UPDATE customers SET phone = 'secret too', status = 'two' WHERE id = 2000001;
SELECT outcome FROM crm_lock_customer(2000001, 'ana');
SELECT outcome FROM crm_update_customer(2000001, '2001-01-01', 'x', 'Kept', 'ana');

CREATE FUNCTION state(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

-- who has no rights sees nothing, and writes no lock
SET ROLE crm_edition_stranger;
SELECT count(*) FROM crm_internal_history;
SELECT count(*) FROM crm_internal_kept;
SELECT count(*) FROM crm_internal_locks;
SELECT count(*) FROM crm_locks;
SELECT state($$INSERT INTO crm_internal_locks VALUES (2000002, gen_random_uuid(), 'eve', now(), now() + interval '1 h', 'eve')$$);
DELETE FROM crm_internal_locks;
-- nor makes the triggers work for a table of their own
CREATE TEMP TABLE mine (id bigint);
SELECT state('CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION crm_customers_history()');
RESET ROLE;
SELECT count(*) FROM customer_locks WHERE customer_id = 2000001;

-- who may save the status sees what was, of that alone
SET ROLE crm_edition_clerk;
SELECT operation, status_from, fields_before FROM crm_internal_history WHERE customer_id = 2000001 ORDER BY version;
SELECT state('SELECT * FROM customer_history'), state('SELECT * FROM customer_locks'), state('SELECT body FROM comments');
-- under row security, of the customers that are seen
RESET ROLE;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY second ON customers TO crm_edition_clerk USING (id = 2000002);
SET ROLE crm_edition_clerk;
SELECT DISTINCT customer_id FROM crm_internal_history;
SELECT count(*) FROM crm_internal_kept;
SELECT count(*) FROM crm_internal_locks;
SELECT state($$INSERT INTO crm_internal_locks VALUES (2000001, gen_random_uuid(), 'eve', now(), now() + interval '1 h', 'eve')
               ON CONFLICT (customer_id) DO UPDATE SET author = 'eve'$$);
RESET ROLE;
DROP POLICY second ON customers;
ALTER TABLE customers DISABLE ROW LEVEL SECURITY;
DROP OWNED BY crm_edition_stranger, crm_edition_clerk;
DROP ROLE crm_edition_stranger, crm_edition_clerk;

-- where the owner says in a function who the author is, no setting changes it
BEGIN;
CREATE ROLE crm_edition_clerk;
GRANT USAGE ON SCHEMA crm TO crm_edition_clerk;
GRANT SELECT, UPDATE ON customers TO crm_edition_clerk;
GRANT INSERT ON comments TO crm_edition_clerk;
CREATE OR REPLACE FUNCTION crm_author_setting() RETURNS text STABLE RETURN 'session_user';
SET SESSION AUTHORIZATION crm_edition_clerk;
SET LOCAL crm_concurrency.author_setting = '';
SELECT outcome FROM crm_update_customer(2000002, (SELECT updated_at FROM customers WHERE id = 2000002), 'x', NULL, NULL);
SELECT set_config('crm_internal.save', '{save,2000002,0,forged,2026-01-01T00:00:00Z,NULL,NULL,NULL}', true) <> '';
UPDATE customers SET status = 'forged' WHERE id = 2000002;
SELECT set_config('crm_internal.save', '{comment,2000002,0,NULL,NULL}', true) <> '',
       state($$INSERT INTO comments (customer_id, author, body) VALUES (2000002, 'forged', 'x')$$);
RESET SESSION AUTHORIZATION;
SELECT author, status_to FROM customer_history WHERE customer_id = 2000002 ORDER BY version DESC LIMIT 2;
ROLLBACK;
DROP FUNCTION state;
