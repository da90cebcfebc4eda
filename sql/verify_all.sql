-- crm_verify() of all customers reads every row once, and looks closely at customers in whose rows something may be wrong. What it
-- finds must be what it finds of each customer.
SET client_min_messages = warning;
CREATE SCHEMA verify_all;
SET search_path = verify_all, public;
SELECT crm_create_tables();
SELECT * FROM crm_verify();
-- saved, refused, adopted, merged, answered; some are deleted, and some of them back
INSERT INTO customers (id, name, status) SELECT i, 'Acme', 'new' FROM generate_series(1, 462) i;
SELECT outcome, count(*) FROM customers c, LATERAL crm_update_customer(c.id, '2001-01-01', 'late', 'Refused', 'ben') GROUP BY outcome;
SELECT outcome, count(*) FROM customers c, LATERAL crm_update_customer(c.id, c.updated_at, 'won', 'Signed', 'ana') GROUP BY outcome;
SELECT outcome, count(*) FROM customers c, LATERAL crm_update_customer(c.id, c.updated_at, 'paid', 'Refused', 'ben') GROUP BY outcome;
SELECT outcome, count(*) FROM customers c, LATERAL crm_update_customer(c.id, '2001-01-01', 'late', 'Again', 'ben') GROUP BY outcome;
SELECT outcome, count(*) FROM customers c, LATERAL crm_update_customer(c.id, regress.version(c.id, 2), NULL, NULL, 'dan', merge => true, fields => '{"phone": "1"}') GROUP BY outcome;
SELECT count(*) FROM comments m, LATERAL crm_add_comment(m.customer_id, 'Reply', 'eve', reply_to => m.id) WHERE m.body = 'Again';
DELETE FROM customers WHERE id % 7 = 0;
INSERT INTO customers (id, status) SELECT i, 'new' FROM generate_series(1, 462) i WHERE i % 14 = 0;
SELECT * FROM crm_verify();

-- Two of these faults in each customer, every pair of them, at changing places.
CREATE TABLE faults (n int GENERATED ALWAYS AS IDENTITY (MINVALUE 0), statement text);
INSERT INTO faults (statement) VALUES
    ($$INSERT INTO customer_history
        SELECT (jsonb_populate_record(t, jsonb_build_object('version', version + interval '1 us'))).* FROM customer_history t$$),
    ($$UPDATE customer_history t SET version = version + interval '1 hour'$$),
    ($$UPDATE customer_history t SET version = version - interval '1 hour'$$),
    ($$UPDATE customer_history t SET version = 'infinity'$$),
    ($$UPDATE customer_history t SET previous = previous - interval '1 ms'$$),
    ($$UPDATE customer_history t SET previous = (SELECT min(version) FROM customer_history h WHERE h.customer_id = t.customer_id)$$),
    ($$UPDATE customer_history t SET operation = CASE operation WHEN 'delete' THEN 'update' ELSE 'delete' END$$),
    ($$UPDATE customer_history t SET status_from = 'other'$$),
    ($$UPDATE customer_history t SET status_to = NULL$$),
    ($$UPDATE customer_history t SET comment_id = 99999$$),
    ($$UPDATE customer_history t SET (request, based_on) =
        (SELECT h.request, h.based_on FROM customer_history h WHERE h.customer_id = t.customer_id AND h.request IS NOT NULL ORDER BY h.version LIMIT 1)$$),
    ($$UPDATE customer_history t SET earlier_pruned = true$$),
    ($$DELETE FROM customer_history t$$),
    ($$UPDATE comments t SET adopted_version = (SELECT max(version) FROM customer_history h WHERE h.customer_id = t.customer_id) + interval '1 us'$$),
    ($$UPDATE comments t SET adopted_version = '2026-01-05', save_refused = true$$),
    ($$UPDATE comments t SET (refused_request, based_on) =
        (SELECT m.refused_request, m.based_on FROM comments m WHERE m.customer_id = t.customer_id AND m.refused_request IS NOT NULL ORDER BY m.id LIMIT 1)$$),
    ($$UPDATE comments t SET reply_to = id + 1$$),
    ($$DELETE FROM comments t$$),
    ($$UPDATE customers t SET updated_at = updated_at + interval '1 us'$$),
    ($$UPDATE customers t SET updated_at = 'infinity'$$),
    ($$UPDATE customers t SET status = 'other'$$),
    ($$DELETE FROM customers t$$);
ALTER TABLE comments DROP CONSTRAINT comments_reply_to_an_earlier_one;
CREATE FUNCTION plant() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
DECLARE
    hit record;
    places tid[];
BEGIN
    FOR hit IN
        SELECT customer, statement FROM generate_series(1, 462) customer
        JOIN faults ON n IN (customer % 22, (customer % 22 + 1 + customer / 22 % 21) % 22) ORDER BY customer, n
    LOOP
        places := CASE
            WHEN hit.statement LIKE '%customer_history t%' THEN (SELECT array_agg(ctid ORDER BY version) FROM customer_history WHERE customer_id = hit.customer)
            WHEN hit.statement LIKE '%comments t%' THEN (SELECT array_agg(ctid ORDER BY id) FROM comments WHERE customer_id = hit.customer)
            ELSE (SELECT array_agg(ctid) FROM customers WHERE id = hit.customer) END;
        EXECUTE hit.statement || ' WHERE t.ctid = $1' USING places[1 + hit.customer % cardinality(places)];
    END LOOP;
END $$;
SELECT plant();
SELECT invariant, problem FROM crm_verify() GROUP BY invariant, problem ORDER BY invariant COLLATE "C", problem COLLATE "C";
SELECT (SELECT array_agg((customer, invariant, problem, detail)::text ORDER BY customer::int, n)
        FROM crm_verify() WITH ORDINALITY AS v (customer, invariant, problem, detail, n))
     = (SELECT array_agg((customer, invariant, problem, detail)::text ORDER BY id, n)
        FROM generate_series(1, 462) id, LATERAL crm_verify(id) WITH ORDINALITY AS v (customer, invariant, problem, detail, n)) AS "all and each";

-- keys that are texts, in an order of their own
CREATE SCHEMA verify_texts;
SET search_path = verify_texts, public;
CREATE TABLE customers (id varchar(20) COLLATE "C" PRIMARY KEY, status text);
SELECT crm_attach('verify_texts.customers');
INSERT INTO customers SELECT chr(65 + i % 58) || i, 'new' FROM generate_series(1, 200) i;
UPDATE customers SET status = 'won';
SELECT * FROM crm_verify();
ALTER TABLE customers DISABLE TRIGGER USER;
UPDATE customers SET status = 'lost' WHERE id ~ '^[Yya_]';
SELECT array_agg(customer ORDER BY n) FROM crm_verify() WITH ORDINALITY AS v (customer, invariant, problem, detail, n);

-- what is of no customer, in tables that could be attached without a NOT NULL
ALTER TABLE customers_history DROP CONSTRAINT customers_history_pkey, ALTER customer_id DROP NOT NULL;
ALTER TABLE customers_history DISABLE TRIGGER USER;
UPDATE customers_history SET customer_id = NULL WHERE customer_id = 'A58' AND operation = 'update';
SELECT customer, invariant, problem FROM crm_verify() WHERE customer IS NULL OR customer = 'A58';

-- more of them than are looked at at once
CREATE SCHEMA verify_many;
SET search_path = verify_many, public;
SELECT crm_create_tables();
SET session_replication_role = replica;
INSERT INTO customers (id, name, status, updated_at) SELECT i, 'Acme', 'new', 'infinity' FROM generate_series(1, 2500) i;
SELECT array_agg(customer::int ORDER BY n) = ARRAY(SELECT generate_series(1, 2500)) AS "all of them"
FROM crm_verify() WITH ORDINALITY AS v (customer, invariant, problem, detail, n);

-- A million rows take long enough to be told how far it is, and to be cancelled before that is told.
UPDATE customers SET updated_at = '2026-01-05';
INSERT INTO customers (id, name, status, updated_at) SELECT i, 'Acme', 'new', '2026-01-05' FROM generate_series(2501, 1000000) i;
RESET session_replication_role;
ANALYZE customers;
SET client_min_messages = notice;
SELECT * FROM crm_verify();
SELECT * FROM crm_verify(1000000);
\set VERBOSITY terse
SET statement_timeout = '20ms';
SELECT * FROM crm_verify();
RESET statement_timeout;
SET client_min_messages = warning;
DROP SCHEMA verify_all, verify_texts, verify_many CASCADE;
