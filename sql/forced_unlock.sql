-- Edit locks that are ended by force: for whom, what stays of it, and who is told.
SET client_min_messages = warning;
CREATE SCHEMA forced_unlock;
SET search_path = forced_unlock, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'Acme' FROM generate_series(1, 5) i;
CREATE TABLE first_lock AS SELECT lock_id AS id FROM crm_lock_customer(1, 'ana');
CREATE FUNCTION locks() RETURNS TABLE (customer_id bigint, author text, is_over boolean, ended_by text, is_now boolean, ended_db_user boolean, same_id boolean)
LANGUAGE sql AS $$ SELECT customer_id, author, expires_at <= clock_timestamp(), ended_by, ended_at = expires_at, ended_db_user = session_user, lock_id = first_lock.id
                   FROM customer_locks, first_lock ORDER BY customer_id $$;

-- the owner of the table ends the lock of somebody else; the row of the lock tells it
SELECT id AS lock_id FROM first_lock \gset
SELECT crm_unlock_customer(1, NULL, force => true, author => 'cem');
SELECT * FROM locks();
SELECT count(*) FROM crm_locks;
-- it is over, and there is none to end
SELECT crm_unlock_customer(1, NULL, true, 'dan');
SELECT crm_unlock_customer(2, NULL, true, 'cem'), crm_unlock_customer(99, NULL, true, 'cem');
-- its holder neither renews nor releases it, and is told by whom it was ended; others are told nothing
SELECT outcome, http_status, lock_id, author, message FROM crm_lock_customer(1, 'ana', lock_id => :'lock_id');
SELECT outcome, message FROM crm_lock_customer(1, 'ben', lock_id => :'lock_id');
SELECT crm_unlock_customer(1, :'lock_id');
SELECT ended_by FROM locks();
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', NULL, 'ben');
-- the next lock is one like any
SELECT outcome, message FROM crm_lock_customer(1, 'ana');
SELECT * FROM locks();
SELECT outcome, author, message FROM crm_lock_customer(1, 'ben', lock_id => :'lock_id');
SELECT crm_unlock_customer(1, (SELECT lock_id FROM customer_locks), author => 'ana');
SELECT count(*) FROM customer_locks;

-- who has its id releases it, also with force; another id is no hindrance
SELECT lock_id AS lock_id FROM crm_lock_customer(2, 'ana') \gset
SELECT crm_unlock_customer(2, :'lock_id', force => true, author => 'ana');
SELECT count(*) FROM customer_locks;
SELECT outcome FROM crm_lock_customer(2, 'ana');
SELECT crm_unlock_customer(2, :'lock_id', force => false), crm_unlock_customer(2, :'lock_id', force => NULL);
SELECT crm_unlock_customer(2, :'lock_id', force => true, author => 'cem');
SELECT author, ended_by FROM locks();
-- one that would last too long, taken when the clock was ahead
UPDATE customer_locks SET expires_at = now() + interval '3 days';
SELECT crm_unlock_customer(2, NULL, true, 'cem'), (SELECT is_over FROM locks());
-- what is rolled back was not ended
SELECT outcome FROM crm_lock_customer(3, 'ana');
BEGIN;
SELECT crm_unlock_customer(3, NULL, true, 'cem');
ROLLBACK;
SELECT key, author FROM crm_locks;

-- by name and by key
SELECT crm_unlock_customer_by_key('3', NULL, true, 'cem');
SELECT outcome FROM crm_lock_record('customers', '3', 'ana');
SELECT crm_unlock_record('customers', '3', NULL, force => true, author => 'cem');
SELECT author, ended_by FROM locks() WHERE customer_id = 3;

-- bad input
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(3, NULL)$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(3, NULL, force => true)$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(3, NULL, force => true, author => ' ')$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_record('customers', NULL, NULL, force => true, author => 'cem')$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_record(NULL, '3', NULL, force => true, author => 'cem')$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer_by_key('x', NULL, force => true, author => 'cem')$$);
BEGIN READ ONLY;
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(3, NULL, force => true, author => 'cem')$$);
ROLLBACK;
-- the author is who is logged in
SET crm_concurrency.author_setting = 'app.user';
SET "app.user" = 'cem';
SELECT outcome FROM crm_lock_record('customers', '3', 'cem');
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(3, NULL, force => true, author => 'dan')$$);
SELECT state, message FROM regress.error(format('SELECT crm_unlock_customer(3, %L, author => %L)', (SELECT lock_id FROM customer_locks WHERE customer_id = 3), 'dan'));
SELECT crm_unlock_customer(3, NULL, force => true);
SELECT ended_by FROM locks() WHERE customer_id = 3;
RESET crm_concurrency.author_setting;
RESET "app.user";

-- rights: who may save may not end locks by force
CREATE ROLE regress_crm_forced;
GRANT USAGE ON SCHEMA forced_unlock TO regress_crm_forced;
GRANT SELECT, UPDATE ON customers TO regress_crm_forced;
SELECT outcome FROM crm_lock_customer(4, 'ana');
SET ROLE regress_crm_forced;
SELECT * FROM regress.error($$SELECT crm_unlock_customer(4, NULL, force => true, author => 'eve')$$);
SELECT * FROM regress.error($$SELECT crm_unlock_record('customers', '4', NULL, force => true, author => 'eve')$$);
-- nor is told whether there is a lock
SELECT regress.state($$SELECT crm_unlock_customer(5, NULL, force => true, author => 'eve')$$);
RESET ROLE;
SELECT key, author FROM crm_locks;
GRANT UPDATE (ended_by) ON customer_locks TO regress_crm_forced;
SET ROLE regress_crm_forced;
SELECT crm_unlock_customer(4, NULL, force => true, author => 'eve');
-- it is the right to nothing else
SELECT regress.state('UPDATE customer_locks SET expires_at = now()'), regress.state('DELETE FROM customer_locks'), regress.state('SELECT author FROM customer_locks');
RESET ROLE;
SELECT author, ended_by, ended_db_user FROM locks() WHERE customer_id = 4;
-- who may not save may not do it either
REVOKE UPDATE ON customers FROM regress_crm_forced;
SET ROLE regress_crm_forced;
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(4, NULL, force => true, author => 'eve')$$);
RESET ROLE;
-- nor whom row security hides the customer from
GRANT UPDATE ON customers TO regress_crm_forced;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_5 ON customers TO regress_crm_forced USING (id <> 5);
SELECT outcome FROM crm_lock_customer(5, 'ana');
SET ROLE regress_crm_forced;
SELECT crm_unlock_customer(5, NULL, force => true, author => 'eve');
RESET ROLE;
SELECT key, author FROM crm_locks;

-- a trigger of the owner that suppresses it
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER nothing BEFORE UPDATE ON customer_locks FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(5, NULL, force => true, author => 'cem')$$);
DROP TRIGGER nothing ON customer_locks;

-- a table of edit locks that version 1.0 made: no force until it can be told who it was
ALTER TABLE customer_locks DROP COLUMN ended_at, DROP COLUMN ended_by, DROP COLUMN ended_db_user;
SELECT * FROM regress.error($$SELECT crm_unlock_customer(5, NULL, force => true, author => 'cem')$$);
SELECT outcome, message FROM crm_lock_customer(5, 'ana', lock_id => '00000000-0000-4000-8000-000000000000');
UPDATE customer_locks SET expires_at = now() WHERE customer_id = 5;
SELECT outcome FROM crm_lock_customer(5, 'ben');
SELECT crm_attach('customers');
SELECT crm_unlock_customer(5, NULL, force => true, author => 'cem');
SELECT author, ended_by FROM locks() WHERE customer_id = 5;
DROP SCHEMA forced_unlock CASCADE;
DROP ROLE regress_crm_forced;
