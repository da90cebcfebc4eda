-- crm_verify: what must never be is found, each where it is planted, and nothing else.
SET client_min_messages = warning;
CREATE SCHEMA verify;
SET search_path = verify, public;
SET TimeZone = 'Asia/Kathmandu';
SELECT crm_create_tables();
-- a customer of every kind of history, none of them wrong
INSERT INTO customers (id, name, updated_at) SELECT i, 'Acme', '2026-01-05 10:00:00+00' FROM generate_series(1, 3) i;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', 'Refused', 'ben');
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', 'Adopted', 'cem');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'paid', 'Adopted', 'cem');
SELECT outcome FROM crm_update_customer(1, regress.version(1, 2), NULL, 'Merged', 'dan', reply_to => 1, merge => true, fields => '{"phone": "1"}');
UPDATE customers SET phone = '2' WHERE id <= 2;
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'won', 'Gone later', 'ana');
DELETE FROM customers WHERE id = 3;
INSERT INTO customers (id) VALUES (3);
INSERT INTO customers (id) VALUES (4);
DELETE FROM customers WHERE id = 4;
CREATE TABLE attached_late (id int PRIMARY KEY, status text);
SELECT * FROM crm_verify();
SELECT count(*) FROM crm_verify(1);

-- Plants a fault, shows what is found of it, and takes it back.
CREATE FUNCTION plant(statement text) RETURNS TABLE (customer text, invariant text, problem text, detail text)
LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    BEGIN
        EXECUTE statement;
        RETURN QUERY SELECT v.customer, v.invariant, v.problem, regress.detail(v.detail, v.customer::bigint) FROM crm_verify() v;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL;
    END;
END $$;
SELECT * FROM plant($$INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user, status_from, status_to)
    SELECT customer_id, version + interval '1 s', previous, recorded_at, operation, db_user, 'new', 'new' FROM customer_history WHERE customer_id = 2 ORDER BY version DESC LIMIT 1$$);
SELECT * FROM plant($$DELETE FROM customer_history WHERE customer_id = 1 AND version = (SELECT regress.version(1, 3))$$);
SELECT * FROM plant($$UPDATE customer_history SET earlier_pruned = true WHERE customer_id = 1 AND version = regress.version(1, 3)$$);
SELECT * FROM plant($$INSERT INTO customers (id, status, updated_at) SELECT 4, 'new', version FROM customer_history WHERE customer_id = 4 ORDER BY version DESC LIMIT 1$$);
SELECT * FROM plant($$DELETE FROM customers WHERE id = 2$$);
SELECT * FROM plant($$UPDATE customers SET updated_at = '2030-01-01 00:00:00+00' WHERE id = 2$$);
SELECT * FROM plant($$UPDATE customer_history SET version = '2026-01-05 10:00:00.0005+00' WHERE customer_id = 2 AND operation = 'update'$$) WHERE invariant = 'versions_increase';
SELECT * FROM plant($$UPDATE customers SET updated_at = 'infinity' WHERE id = 2; UPDATE customer_history SET version = 'infinity' WHERE customer_id = 2 AND operation = 'update'$$);
SELECT * FROM plant($$UPDATE customer_history SET version = '-infinity' WHERE customer_id = 2 AND operation = 'insert'; UPDATE customer_history SET previous = '-infinity' WHERE customer_id = 2 AND operation = 'update'$$);
SELECT * FROM plant($$UPDATE customer_history SET status_from = 'other' WHERE customer_id = 1 AND version = regress.version(1, 3)$$);
SELECT * FROM plant($$UPDATE customers SET status = 'secretly' WHERE id = 1$$);
SELECT * FROM plant($$DELETE FROM comments WHERE customer_id = 1 AND body = 'Merged'$$);
SELECT * FROM plant($$UPDATE comments SET adopted_version = adopted_version + interval '1 us' WHERE adopted_version IS NOT NULL$$);
SELECT * FROM plant($$UPDATE comments SET adopted_version = regress.version(1, 3), save_refused = true WHERE body = 'Refused'$$);
SELECT * FROM plant($$DELETE FROM customers WHERE id = 1; DELETE FROM customer_history WHERE customer_id = 1; DELETE FROM comments WHERE customer_id = 1 AND id > 1$$);
SELECT * FROM plant($$INSERT INTO comments (customer_id, author, body, created_at, based_on, save_refused, refused_request)
    SELECT customer_id, author, body, created_at, based_on, save_refused, refused_request FROM comments WHERE body = 'Refused'$$);
SELECT * FROM plant($$UPDATE customer_history h SET request = o.request, based_on = o.based_on FROM customer_history o
    WHERE h.customer_id = 1 AND h.version = regress.version(1, 3) AND o.customer_id = 1 AND o.version = regress.version(1, 2)$$);
ALTER TABLE comments DROP CONSTRAINT comments_reply_to_an_earlier_one;
SELECT * FROM plant($$UPDATE comments SET reply_to = 3 WHERE id = 1$$);
SELECT * FROM plant($$UPDATE comments SET reply_to = 99 WHERE id = 1$$);
-- a history that begins later is none: pruned, or attached later
SELECT * FROM plant($$DELETE FROM customer_history WHERE customer_id = 1 AND version < (SELECT regress.version(1, 3))$$);
SELECT * FROM plant($$DELETE FROM customer_history WHERE customer_id = 2$$);
SELECT * FROM crm_verify();
-- one customer
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE customers SET status = 'secretly' WHERE id IN (1, 2);
SELECT customer, invariant FROM crm_verify(1);
SELECT customer, invariant FROM crm_verify_by_key('2');
SELECT count(*) FROM crm_verify();
SELECT count(*) FROM crm_verify(3);
SELECT count(*) FROM crm_verify(99);
ROLLBACK;
-- rights
CREATE ROLE regress_crm_verify;
GRANT USAGE ON SCHEMA verify TO regress_crm_verify;
GRANT SELECT ON customers, comments TO regress_crm_verify;
SET ROLE regress_crm_verify;
SELECT state, message FROM regress.error('SELECT crm_verify()');
RESET ROLE;
GRANT SELECT ON customer_history TO regress_crm_verify;
SET ROLE regress_crm_verify;
SELECT count(*) FROM crm_verify();
RESET ROLE;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
SET ROLE regress_crm_verify;
SELECT * FROM regress.error('SELECT crm_verify()');
RESET ROLE;
-- keys and statuses of other types
CREATE SCHEMA verify_2;
CREATE TYPE verify_2.stage AS ENUM ('new', 'won');
CREATE TABLE verify_2.deals (id uuid PRIMARY KEY, "Stage" verify_2.stage);
SELECT crm_attach('verify_2.deals', 'Stage', '"Version"');
SET search_path = verify_2, public;
INSERT INTO deals VALUES ('00000000-0000-0000-0000-000000000001', 'new');
UPDATE deals SET "Stage" = 'won';
SELECT * FROM crm_verify();
ALTER TABLE deals DISABLE TRIGGER USER;
UPDATE deals SET "Stage" = 'new';
SELECT customer, invariant, problem, detail FROM crm_verify_by_key('00000000-0000-0000-0000-000000000001');
SELECT regress.state($$SELECT crm_verify_by_key('1')$$), regress.state('SELECT crm_verify(1)');
ALTER TABLE deals ENABLE TRIGGER USER;
-- labels that were renamed are those of older changes: they are not compared
UPDATE deals SET "Stage" = 'won';
SELECT crm_prune_history('0', 100);
ALTER TYPE verify_2.stage RENAME VALUE 'won' TO 'closed';
SELECT * FROM crm_verify();
UPDATE deals SET "Stage" = 'new';
SELECT status_from, status_to FROM deals_history ORDER BY version DESC LIMIT 2;
SELECT * FROM crm_verify();
SELECT * FROM crm_verify_by_key('00000000-0000-0000-0000-000000000001');
ALTER TABLE deals DISABLE TRIGGER USER;
UPDATE deals SET "Stage" = 'closed';
SELECT customer, invariant, problem, detail FROM crm_verify();
DROP SCHEMA verify, verify_2 CASCADE;
DROP ROLE regress_crm_verify;
