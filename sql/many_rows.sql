-- Statements of many rows, whose history is written at their end, on both access paths.
SET client_min_messages = warning;
CREATE SCHEMA many_rows;
SET search_path = many_rows, public;
SELECT crm_create_tables();

-- What of the history does not depend on the time.
CREATE FUNCTION recorded(history regclass) RETURNS TABLE (rows bigint, digest numeric) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$SELECT count(*), sum(hashtextextended(concat_ws(' ', customer_id, place, operation, author, status_from,
        status_to, fields, previous IS NOT DISTINCT FROM before), 0)::numeric)
        FROM (SELECT *, row_number() OVER w AS place, lag(version) OVER w AS before FROM %s WINDOW w AS (PARTITION BY customer_id ORDER BY version)) h$q$,
        history);
END $$;

-- More rows than are written at once, as one after the other: new keys, old keys, both, in any order
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customers (id, name) SELECT i, 'n' || i FROM generate_series(1, 2500) i;
    UPDATE customers SET status = 'second', phone = '+49 ' || id;
    DELETE FROM customers WHERE id % 3 = 0;
    INSERT INTO customers (id, name, status) SELECT i, 'again', 'third' FROM generate_series(2600, 1, -1) i ON CONFLICT DO NOTHING;
    INSERT INTO customers (id, name) SELECT i, 'upsert' FROM generate_series(2000, 3200) i
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = 'fourth';
    MERGE INTO customers c USING generate_series(3000, 3300) i ON c.id = i
    WHEN MATCHED AND i % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET status = 'fifth' WHEN NOT MATCHED THEN INSERT (id, name) VALUES (i, 'merged');
    WITH gone AS (DELETE FROM customers WHERE id < 10), new AS (INSERT INTO customers (id, name) VALUES (9001, 'x'), (9002, 'y'))
    UPDATE customers SET name = 'cte' WHERE id BETWEEN 20 AND 30;
END $$;
CALL work();
SELECT rows FROM recorded('customer_history');
SELECT * FROM crm_verify();
SELECT * FROM regress.violations();
SELECT * FROM regress.history(2400);
SELECT * FROM regress.history(2601);
CREATE SCHEMA one_by_one;
SET search_path = one_by_one, public;
SELECT crm_create_tables();
DROP TRIGGER crm_history_end ON customers;
CALL many_rows.work();
SELECT many_rows.recorded('many_rows.customer_history') = many_rows.recorded('one_by_one.customer_history') AS alike;
SELECT * FROM crm_verify();
SET search_path = many_rows, public;

-- Keys that are text, and versions that the statement gives
CREATE SCHEMA text_keys;
SET search_path = text_keys, public;
CREATE TABLE customers (code text PRIMARY KEY, status text, updated_at timestamptz(3) NOT NULL);
SELECT crm_attach('customers');
INSERT INTO customers SELECT 'k' || i, 'new', '2020-01-01 UTC'::timestamptz + i * interval '1 ms' FROM generate_series(1, 1500) i;
DELETE FROM customers;
INSERT INTO customers SELECT 'k' || i, 'new', '2020-01-01 UTC'::timestamptz + i * interval '1 ms' FROM generate_series(1, 1500) i;
SELECT count(*), count(*) FILTER (WHERE h.version = c.updated_at AND h.previous IS NOT NULL) FROM customers c JOIN customers_history h ON h.customer_id = c.code AND h.version = c.updated_at;
SELECT * FROM crm_verify();
SET search_path = many_rows, public;

-- A row that the history does not take: the error of any INSERT, and nothing of the statement is left
ALTER TABLE customer_history ADD CONSTRAINT good CHECK (status_to <> 'bad');
SELECT count(*) AS before FROM customer_history \gset
SELECT state, message FROM regress.error($$UPDATE customers SET status = CASE id WHEN 1700 THEN 'bad' ELSE 'good' END$$);
SELECT count(*) - :before AS left FROM customer_history;
UPDATE customers SET status = 'well' WHERE id BETWEEN 100 AND 103;
SELECT count(*) - :before AS left FROM customer_history;
BEGIN;
SAVEPOINT a;
UPDATE customers SET status = 'good' WHERE id BETWEEN 100 AND 103;
ROLLBACK TO a;
UPDATE customers SET status = 'good' WHERE id BETWEEN 102 AND 110;
SELECT count(*) - :before AS left FROM customer_history;
COMMIT;
SELECT count(*) - :before AS left FROM customer_history;
ALTER TABLE customer_history DROP CONSTRAINT good;
CREATE UNIQUE INDEX only_one ON customer_history (status_to) WHERE status_to = 'only one';
SELECT state, message, detail FROM regress.error($$UPDATE customers SET status = 'only one' WHERE id IN (1700, 1702)$$);
UPDATE customers SET status = 'only one' WHERE id = 1700;
DROP INDEX only_one;

-- Triggers of others see what is recorded so far
CREATE TABLE seen (who text, rows bigint);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO many_rows.seen SELECT TG_NAME, count(*) FROM many_rows.customer_history WHERE status_to = 'seen';
    RETURN NULL;
END $$;
CREATE TRIGGER crm_history_a AFTER UPDATE ON customers FOR EACH STATEMENT EXECUTE FUNCTION look();
CREATE TRIGGER z AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION look();
UPDATE customers SET status = 'seen' WHERE id BETWEEN 100 AND 103;
SELECT * FROM seen ORDER BY who, rows;
DROP TRIGGER z ON customers;
TRUNCATE seen;
UPDATE customers SET status = 'seen' WHERE id BETWEEN 104 AND 107;
SELECT * FROM seen ORDER BY who, rows;
DROP TRIGGER crm_history_a ON customers;
-- ... and what another statement of the transaction left
CREATE TRIGGER a BEFORE UPDATE ON customers FOR EACH STATEMENT EXECUTE FUNCTION look();
TRUNCATE seen;
UPDATE customers SET status = 'seen' WHERE id BETWEEN 108 AND 110;
UPDATE customers SET status = 'seen again' WHERE id BETWEEN 108 AND 110;
SELECT * FROM seen ORDER BY who, rows;
DROP TRIGGER a ON customers;

-- A trigger that is disabled, and sessions that replicate: one row after the other
SELECT count(*) AS before FROM customer_history \gset
ALTER TABLE customers DISABLE TRIGGER crm_history_end;
UPDATE customers SET status = 'disabled' WHERE id BETWEEN 100 AND 103;
SELECT count(*) - :before AS written FROM customer_history;
ALTER TABLE customers ENABLE TRIGGER crm_history_end;
ALTER TABLE customers ENABLE ALWAYS TRIGGER crm_history, ENABLE ALWAYS TRIGGER zz_crm_version;
SET session_replication_role = replica;
BEGIN;
UPDATE customers SET status = 'replicated' WHERE id BETWEEN 100 AND 103;
SELECT count(*) - :before AS written FROM customer_history;
COMMIT;
-- A statement whose end fires no trigger: what it left is written when the transaction ends
CREATE FUNCTION become_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM set_config('session_replication_role', 'origin', true); RETURN NEW; END $$;
CREATE TRIGGER a BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION become_origin();
ALTER TABLE customers ENABLE ALWAYS TRIGGER a;
BEGIN;
SAVEPOINT b;
UPDATE customers SET status = 'without end' WHERE id BETWEEN 100 AND 103;
RELEASE b;
SAVEPOINT b;
SET LOCAL session_replication_role = replica;
UPDATE customers SET status = 'rolled back' WHERE id BETWEEN 104 AND 107;
ROLLBACK TO b;
COMMIT;
RESET session_replication_role;
DROP TRIGGER a ON customers;
SELECT count(*) - :before AS written, count(*) FILTER (WHERE status_to = 'without end') AS without_end FROM customer_history;
ALTER TABLE customers ENABLE TRIGGER crm_history, ENABLE TRIGGER zz_crm_version;
SELECT * FROM crm_verify();

-- A serializable transaction
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO customers (id, name) SELECT i, 's' FROM generate_series(20000, 20010) i;
UPDATE customers SET status = 's' WHERE id >= 20000;
COMMIT;
SELECT count(*) FROM customer_history WHERE customer_id >= 20000;

-- Saves and foreign keys whose actions change customers
CREATE TABLE accounts (id bigint PRIMARY KEY);
INSERT INTO accounts SELECT generate_series(1, 20);
ALTER TABLE customers ADD account bigint REFERENCES accounts ON DELETE SET NULL, ADD other bigint REFERENCES accounts ON DELETE SET NULL;
UPDATE customers SET account = id - 99, other = id - 98 WHERE id BETWEEN 100 AND 110;
DELETE FROM accounts WHERE id BETWEEN 3 AND 8;
SELECT operation, fields FROM customer_history WHERE customer_id = 103 ORDER BY version DESC LIMIT 3;
SELECT outcome FROM crm_update_customer(103, regress.current(103), 'saved', 'words', 'ana');
SELECT state, message FROM regress.error($$UPDATE customers SET account = 999 WHERE id = 100$$);
SELECT * FROM crm_verify();
-- A load past the triggers: customers without history, which begins with their first change
BEGIN;
ALTER TABLE customers DISABLE TRIGGER crm_history, DISABLE TRIGGER zz_crm_version;
INSERT INTO customers (id, name, updated_at) SELECT i, 'loaded', now() FROM generate_series(30001, 33000) i;
ALTER TABLE customers ENABLE TRIGGER crm_history, ENABLE TRIGGER zz_crm_version;
COMMIT;
SELECT outcome FROM crm_update_customer(30001, regress.current(30001), 'saved', 'words', 'ana');
UPDATE customers SET status = 'plain' WHERE id = 30002;
SELECT * FROM regress.history(30001);
SELECT count(*) FROM customer_history WHERE customer_id BETWEEN 30001 AND 33000;
SELECT * FROM crm_verify();
DROP SCHEMA many_rows, one_by_one, text_keys CASCADE;
