-- The version of every write, from wherever it comes.
SET client_min_messages = warning;
CREATE SCHEMA version_rule;
SET search_path = version_rule, public;
SELECT crm_create_tables();

-- an INSERT gets its version from the clock, in whole milliseconds
INSERT INTO customers (id) VALUES (1) RETURNING updated_at BETWEEN now() - interval '1 ms' AND clock_timestamp() AS by_clock,
    updated_at = date_trunc('milliseconds', updated_at) AS whole;
SELECT * FROM regress.history(1);
SELECT version = regress.current(1) AS same, previous, based_on, author, status_to, request FROM customer_history;
-- an explicit version above the chain is kept, in whatever time of the past
INSERT INTO customers (id, name, updated_at) VALUES (2, 'old', '1999-12-31 23:59:59.999+00'), (3, 'ahead', '2990-01-01 00:00:00+00');
SELECT updated_at <= clock_timestamp() AS overruled FROM customers WHERE id = 3;
-- where the clock was set back, a version lies ahead of it
CREATE FUNCTION put_ahead(customer bigint, version timestamptz) RETURNS void LANGUAGE plpgsql
SET session_replication_role = replica AS $$
BEGIN
    UPDATE customer_history h SET version = put_ahead.version FROM customers c WHERE c.id = customer AND h.customer_id = c.id AND h.version = c.updated_at;
    UPDATE customers SET updated_at = put_ahead.version WHERE id = customer;
END $$;
SELECT put_ahead(3, '2990-01-01 00:00:00+00');
SELECT id, updated_at AT TIME ZONE 'UTC' AS updated_at, (SELECT version = updated_at FROM customer_history WHERE customer_id = id) AS in_history
FROM customers WHERE id IN (2, 3) ORDER BY id;
-- NULL is as good as none
INSERT INTO customers (id, updated_at) VALUES (4, NULL) RETURNING updated_at IS NOT NULL AS stamped;

-- an UPDATE gets the next version, even when it changes nothing
UPDATE customers SET phone = '1' WHERE id = 1;
UPDATE customers SET phone = '1' WHERE id = 1;
UPDATE customers SET status = 'won', name = 'one', phone = NULL WHERE id = 1;
SELECT * FROM regress.history(1);
-- ahead of the clock: one millisecond more
UPDATE customers SET name = 'further' WHERE id = 3 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
SELECT outcome, updated_at AT TIME ZONE 'UTC' AS updated_at FROM crm_update_customer(3, regress.current(3), 'x', NULL, 'ana');
SELECT recorded_at < '2990-01-01' AS clock FROM customer_history WHERE customer_id = 3;
-- an explicit version that is a legal successor is kept, also where the clock that gave it is a little fast
SELECT date_trunc('milliseconds', clock_timestamp() + interval '0.9 s') AS given \gset
UPDATE customers SET updated_at = :'given' WHERE id = 1 RETURNING updated_at = :'given' AS kept;
UPDATE customers SET updated_at = updated_at + interval '1 ms' WHERE id = 1 RETURNING updated_at = :'given'::timestamptz + interval '1 ms' AS kept;
-- any other is overruled: further ahead of the clock,
UPDATE customers SET updated_at = clock_timestamp() + interval '1 day' WHERE id = 1 RETURNING updated_at < clock_timestamp() + interval '1 hour' AS overruled;
UPDATE customers SET updated_at = '9998-01-01' WHERE id = 1 RETURNING updated_at < clock_timestamp() + interval '1 hour' AS overruled;
-- or not above the current one
SELECT put_ahead(1, '2999-01-01 00:00:00.501+00');
UPDATE customers SET updated_at = '2001-01-01' WHERE id = 1 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
UPDATE customers SET updated_at = updated_at WHERE id = 1 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
UPDATE customers SET updated_at = NULL WHERE id = 1 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
UPDATE customers SET updated_at = 'infinity' WHERE id = 1 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
UPDATE customers SET updated_at = '-infinity' WHERE id = 1 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
UPDATE customers SET updated_at = '10000-01-01 00:00:00+00' WHERE id = 1 RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
-- a version of microseconds, as a wider column may hold: less than a millisecond later is no successor
CREATE SCHEMA version_rule_us;
CREATE TABLE version_rule_us.customers (id bigint PRIMARY KEY, status text, updated_at timestamptz NOT NULL);
SELECT crm_attach('version_rule_us.customers', comments => 'comments', history => 'customer_history');
INSERT INTO version_rule_us.customers (id, updated_at) VALUES (1, '2020-05-05 05:05:05.000500+00') RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
SET search_path = version_rule_us, public;
UPDATE customers SET updated_at = updated_at + interval '1 ms 1 us' RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
SELECT version_rule.put_ahead(1, '2990-05-05 05:05:05.001501+00');
UPDATE customers SET updated_at = updated_at + interval '999 us' RETURNING updated_at AT TIME ZONE 'UTC' AS updated_at;
SELECT version_rule.put_ahead(1, '2990-05-05 05:05:05.003501+00');
SELECT outcome, updated_at AT TIME ZONE 'UTC' AS updated_at FROM crm_update_customer(1, '2990-05-05 05:05:05.003+00', 'cut', NULL, 'ana');
SELECT outcome, updated_at AT TIME ZONE 'UTC' AS updated_at FROM crm_update_customer(1, '2990-05-05 05:05:05.005+00', 'whole', NULL, 'ana');
-- an application that keeps microseconds finds its row again by the version that it gave
CREATE SCHEMA version_rule_orm;
SET search_path = version_rule_orm, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
SELECT clock_timestamp() + interval '1 ms' AS first, clock_timestamp() + interval '3 ms' AS second \gset
UPDATE customers SET updated_at = :'first' WHERE id = 1;
UPDATE customers SET updated_at = :'second' WHERE id = 1 AND updated_at = :'first' RETURNING updated_at = :'second' AS found;
SELECT * FROM regress.violations();
SET search_path = version_rule_us, public;
SELECT * FROM regress.violations();
SET search_path = version_rule, public;

-- infinite and unearthly versions are refused at INSERT
SELECT * FROM regress.error($$INSERT INTO customers (id, updated_at) VALUES (5, 'infinity')$$);
SELECT regress.state($$INSERT INTO customers (id, updated_at) VALUES (5, '-infinity')$$);
SELECT regress.state($$INSERT INTO customers (id, updated_at) VALUES (5, '10000-01-01 00:00:00+00')$$);
SELECT regress.state($$INSERT INTO customers (id, updated_at) VALUES (5, '0001-01-01 00:00:00+00 BC')$$);
INSERT INTO customers (id, updated_at) VALUES (6, '0001-01-01 00:00:00+00'), (7, '9998-12-31 23:59:59.999+00');
SELECT updated_at <= clock_timestamp() AS overruled FROM customers WHERE id = 7;
SELECT put_ahead(7, '9998-12-31 23:59:59.999+00');
UPDATE customers SET name = 'modern' WHERE id = 6 RETURNING updated_at >= now() - interval '1 ms' AS by_clock;
SELECT * FROM regress.error($$INSERT INTO customers (id, updated_at) VALUES (8, '9999-01-01 00:00:00+00')$$);
-- no version that is given uses up those that follow
UPDATE customers SET updated_at = '9999-06-01' WHERE id = 7 RETURNING updated_at = '9999-01-01 00:00:00+00' AS next;
SELECT outcome FROM crm_update_customer(7, regress.current(7), 'late', 'words', 'ana');
DELETE FROM customers WHERE id = 7;

-- one statement over many rows
INSERT INTO customers (id, name) SELECT i, 'bulk' FROM generate_series(100, 199) i;
UPDATE customers SET status = 'moved' WHERE id BETWEEN 100 AND 199;
SELECT count(*), count(DISTINCT customer_id), count(*) FILTER (WHERE operation = 'update' AND status_from = 'new' AND status_to = 'moved') AS updates
FROM customer_history WHERE customer_id BETWEEN 100 AND 199;
DELETE FROM customers WHERE id BETWEEN 150 AND 199;
SELECT count(*) FROM customer_history WHERE operation = 'delete';
-- upserts, MERGE-less: ON CONFLICT
INSERT INTO customers (id, name) VALUES (100, 'upsert') ON CONFLICT (id) DO NOTHING;
INSERT INTO customers (id, name) VALUES (100, 'upsert') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
INSERT INTO customers (id, name) VALUES (100, 'upsert 2') ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at;
SELECT n, operation, status_to, fields FROM regress.history(100);
-- a copy that is compared by its version: a stale one does not win, and a newer one does
INSERT INTO customers (id, name, updated_at) VALUES (101, 'stale copy', '2001-01-01'), (102, 'stale copy', now() - interval '1 hour')
ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at WHERE customers.updated_at < excluded.updated_at
RETURNING id;
SELECT clock_timestamp() + interval '0.8 s' AS newer \gset
INSERT INTO customers (id, name, updated_at) VALUES (101, 'newer copy', :'newer'), (102, 'copy of a fast clock', clock_timestamp() + interval '1 day')
ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at WHERE customers.updated_at < excluded.updated_at
RETURNING id, name, updated_at = :'newer' AS kept, updated_at < clock_timestamp() + interval '1 hour' AS not_ahead;
-- also where the customer turns out not to be there, as after TRUNCATE
SET crm_concurrency.allow_truncate = on;
CREATE SCHEMA version_rule_truncated;
SET search_path = version_rule_truncated, public;
SELECT crm_create_tables();
INSERT INTO customers (id, updated_at) VALUES (1, '2020-01-01'), (2, '2020-01-01'), (3, '2020-01-01'), (4, '2020-01-01');
UPDATE customers SET updated_at = '2021-01-01';
TRUNCATE customers CASCADE;
-- from before the kept history, from within it, its head, and ahead of the clock
DELETE FROM customer_history WHERE customer_id = 1 AND version = '2020-01-01';
INSERT INTO customers (id, updated_at) VALUES (1, '2020-01-01'), (2, '2020-06-01'), (3, '2021-01-01'), (4, clock_timestamp() + interval '1 day');
SELECT c.id, c.updated_at BETWEEN '2022-01-01' AND clock_timestamp() AS by_clock, h.operation, h.previous = '2021-01-01' AS follows
FROM customers c JOIN customer_history h ON h.customer_id = c.id AND h.version = c.updated_at ORDER BY c.id;
SELECT * FROM regress.violations() WHERE customer <> 1;
-- whatever a trigger of others makes of the version of the row
CREATE FUNCTION forget_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := CASE NEW.id WHEN 1 THEN NULL ELSE now() END; RETURN NEW; END $$;
CREATE TRIGGER a_forget BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION forget_version();
SELECT version_rule.put_ahead(1, '2990-01-01'), version_rule.put_ahead(2, '2990-01-01');
TRUNCATE customers CASCADE;
INSERT INTO customers (id, updated_at) VALUES (1, '2020-06-01'), (2, '2020-06-01');
SELECT id, updated_at - '2990-01-01' AS after_head, (SELECT operation FROM customer_history WHERE customer_id = id AND version = updated_at) FROM customers ORDER BY id;
RESET crm_concurrency.allow_truncate;
SET search_path = version_rule, public;
-- COPY
COPY customers (id, name, updated_at) FROM stdin;
300	copied	\N
301	copied with its version	2015-06-01 12:00:00.25+00
\.
SELECT customer_id, operation, version = '2015-06-01 12:00:00.25+00' AS own FROM customer_history WHERE customer_id >= 300 ORDER BY 1;

-- keys do not change
SELECT * FROM regress.error('UPDATE customers SET id = 999 WHERE id = 1');
SELECT regress.state('UPDATE customers SET id = NULL WHERE id = 1');
SELECT regress.state('INSERT INTO customers (id) VALUES (NULL)');
UPDATE customers SET id = id WHERE id = 2;
-- and triggers of others whose names come later do not see that one would
CREATE FUNCTION see_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE '% sees key %', TG_NAME, NEW.id; END $$;
CREATE FUNCTION change_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := nullif(NEW.name, 'none')::bigint; RETURN NEW; END $$;
CREATE TRIGGER see_key BEFORE UPDATE ON customers FOR EACH ROW WHEN (NEW.id IS DISTINCT FROM OLD.id) EXECUTE FUNCTION see_key();
SELECT * FROM regress.error('UPDATE customers SET id = 999 WHERE id = 1');
SELECT * FROM regress.error('UPDATE customers SET id = NULL WHERE id = 1');
CREATE TRIGGER a_change_key BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION change_key();
SELECT state, message FROM regress.error($$UPDATE customers SET name = '999' WHERE id = 1$$);
DROP TRIGGER see_key ON customers;
SELECT state, message FROM regress.error($$UPDATE customers SET name = '999' WHERE id = 1$$);
SELECT state FROM regress.error($$UPDATE customers SET name = 'none' WHERE id = 1$$);
DROP TRIGGER a_change_key ON customers;

-- delete and create again: one chain
DELETE FROM customers WHERE id = 2;
INSERT INTO customers (id, name, status) VALUES (2, 'again', 'back');
DELETE FROM customers WHERE id = 2;
INSERT INTO customers (id, name, updated_at) VALUES (2, 'with an old version', '1999-12-31 23:59:59.999+00')
RETURNING updated_at > now() - interval '1 ms' AS overruled;
DELETE FROM customers WHERE id = 2;
SELECT date_trunc('milliseconds', clock_timestamp() + interval '0.9 s') AS given \gset
INSERT INTO customers (id, name, updated_at) VALUES (2, 'above the chain', :'given') RETURNING updated_at = :'given' AS kept;
DELETE FROM customers WHERE id = 2;
INSERT INTO customers (id, name, updated_at) VALUES (2, 'ahead', '2980-01-01 00:00:00+00') RETURNING updated_at < clock_timestamp() + interval '1 hour' AS overruled;
SELECT * FROM regress.history(2);
-- in one transaction
BEGIN;
DELETE FROM customers WHERE id = 3;
INSERT INTO customers (id, name) VALUES (3, 'within one transaction');
UPDATE customers SET name = 'and changed' WHERE id = 3;
COMMIT;
SELECT n, previous, operation, fields FROM regress.history(3) ORDER BY n DESC LIMIT 3;
-- the delete's own version is not a version to be restored
DELETE FROM customers WHERE id = 4;
SELECT version AS deleted_at FROM customer_history WHERE customer_id = 4 AND operation = 'delete' \gset
INSERT INTO customers (id, updated_at) VALUES (4, :'deleted_at') RETURNING updated_at > :'deleted_at' AS later;

-- data-only restore: a row that comes with the head of its chain writes no history
INSERT INTO customer_history (customer_id, version, recorded_at, operation, db_user, status_to)
VALUES (400, '2016-01-01 00:00:00+00', '2016-01-01 00:00:00+00', 'insert', 'someone', 'new'),
       (400, '2016-01-02 00:00:00+00', '2016-01-02 00:00:00+00', 'update', 'someone', 'kept');
UPDATE customer_history SET previous = '2016-01-01 00:00:00+00' WHERE customer_id = 400 AND version = '2016-01-02 00:00:00+00';
INSERT INTO customers (id, status, updated_at) VALUES (400, 'kept', '2016-01-02 00:00:00+00') RETURNING updated_at = '2016-01-02 00:00:00+00' AS own;
SELECT count(*) FROM customer_history WHERE customer_id = 400;
-- logical apply and --disable-triggers
SET session_replication_role = replica;
UPDATE customers SET name = 'applied', updated_at = '2970-01-01 00:00:00+00' WHERE id = 100;
RESET session_replication_role;
SELECT updated_at AT TIME ZONE 'UTC' AS updated_at, (SELECT count(*) FROM customer_history h WHERE customer_id = 100) AS history
FROM customers WHERE id = 100;

SELECT * FROM regress.violations() WHERE customer <> 100;

-- values of every kind in the history, the same in every session
ALTER TABLE customers ADD born date, ADD seen timestamptz, ADD span interval, ADD price numeric, ADD ratio float8, ADD photo bytea,
    ADD tags text[], ADD extra jsonb, ADD doubled int GENERATED ALWAYS AS (length(name) * 2) STORED;
SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Pacific/Chatham'; SET IntervalStyle = 'sql_standard'; SET bytea_output = 'escape'; SET extra_float_digits = -4;
UPDATE customers SET born = '1970-02-01', seen = '2020-03-04 05:06:07+00', span = interval '1 year -2 days', price = 1.50, ratio = 1/3.0::float8,
    photo = '\x00ff', tags = '{a,NULL,"b c"}', extra = '{"k": [1, null]}', name = 'values' WHERE id = 100;
RESET DateStyle; RESET TimeZone; RESET IntervalStyle; RESET bytea_output; RESET extra_float_digits;
SELECT jsonb_pretty(fields) FROM regress.history(100) ORDER BY n DESC LIMIT 1;
