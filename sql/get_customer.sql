-- crm_get_customer: a customer with its comments and lock, now or as it was.
SET client_min_messages = warning;
CREATE SCHEMA get_customer;
SET search_path = get_customer, public;
SET TimeZone = 'Asia/Kathmandu';
SELECT crm_create_tables();
ALTER TABLE customers ADD COLUMN amount numeric, ADD COLUMN tags text[];
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-05 10:00:00.123+00'), (2, 'Bolt', '2026-01-05 10:00:00.123+00');

-- now: the row as the caller's save made it in the same statement, comments as a tree, the lock
SELECT jsonb_pretty(crm_get_customer(1));
SELECT comment_id AS first FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', 'Who calls?', 'ana') \gset
SELECT crm_add_comment(1, 'I do', 'ben', :first) AS reply \gset
SELECT crm_add_comment(1, 'Me too', 'cem', :reply) > 0, crm_add_comment(1, 'So do I', 'dan', :first) > 0, crm_add_comment(1, 'Another matter', 'eve') > 0;
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', 'Refused', 'ben');
SELECT outcome FROM crm_lock_customer(1, 'ana');
SELECT regexp_replace(regexp_replace(regress.detail(crm_get_customer(1), 1), '"lock_id".*', 'LEAKED'), '\s+"timestamp": "time",', '', 'g') AS customer;
SELECT outcome, crm_get_customer(1)->'customer'->>'status' AS status FROM crm_update_customer(1, regress.current(1), 'in the same statement', NULL, 'ana');
-- the latest comments; what answers one that is left out stands at the top
SELECT jsonb_path_query_array(c, '$.comments[*].text') AS top, c->'comments'->0->'replies'->0->>'text' AS reply, c->'comments_total' AS total
FROM (SELECT crm_get_customer(1, NULL, n) AS c FROM generate_series(0, 7) n) s;
-- threads of any depth
INSERT INTO customers (id) VALUES (3);
INSERT INTO comments (customer_id, id, author, body, reply_to) SELECT 3, 1000 + i, 'ana', 'Reply ' || i, CASE WHEN i > 1 THEN 999 + i END FROM generate_series(1, 5000) i;
SELECT length(regexp_replace(c::text, '[^\[]', '', 'g')) > 5000 AS all_have_replies, jsonb_array_length(c #> deepest) AS at_the_limit
FROM (SELECT crm_get_customer(3, max_comments => 10000) AS c,
             (SELECT string_to_array('comments,0' || repeat(',replies,0', 99) || ',replies', ',')) AS deepest) s;

-- as it was: at each version the row is what was seen then
CREATE TABLE seen (id bigint, at timestamptz, row jsonb);
CREATE FUNCTION see() RETURNS void LANGUAGE sql AS $$
    INSERT INTO seen SELECT id, updated_at, crm_get_customer(id)->'customer' FROM customers WHERE id = 2 $$;
SELECT see();
UPDATE customers SET phone = '1', amount = 1.50 WHERE id = 2;
SELECT see();
SELECT outcome, see() FROM crm_update_customer(2, regress.current(2), 'won', 'A comment', 'ana', fields => '{"tags": ["a", "b"], "amount": 2}');
UPDATE customers SET phone = NULL, tags = NULL, status = 'lost' WHERE id = 2;
SELECT see();
DELETE FROM customers WHERE id = 2;
INSERT INTO customers (id, name, email) VALUES (2, 'Bolt again', 'b@bolt.example');
SELECT see();
SELECT outcome, see() FROM crm_update_customer(2, regress.current(2), 'paid', NULL, 'ben', fields => '{"email": null}');
SELECT count(*) AS seen, count(*) FILTER (WHERE crm_get_customer(id, at)->'customer' = row) AS at_the_version,
       count(*) FILTER (WHERE crm_get_customer(id, at + interval '999 us')->'customer' = row) AS before_the_next FROM seen;
-- before the first version, and while it was deleted
SELECT crm_get_customer(2, '2026-01-05 10:00:00.123+00')->'customer' = '{"id": 2, "name": "Bolt", "tags": null, "email": null, "phone": null, "amount": null, "status": "new", "updated_at": "2026-01-05T10:00:00.123+00:00"}' AS first,
       crm_get_customer(2, '2026-01-05 10:00:00.122+00') IS NULL AS before_first,
       crm_get_customer(2, '-infinity') IS NULL AS long_before,
       crm_get_customer(2, (SELECT version FROM customer_history WHERE customer_id = 2 AND operation = 'delete')) IS NULL AS deleted,
       crm_get_customer(2, 'infinity') = crm_get_customer(2) AS now, crm_get_customer(99, now()) IS NULL AS never;
-- comments as they were then: those of the time, refused while they were
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', 'Adopted later', 'fay');
SELECT clock_timestamp() AS then \gset
-- versions are cut to milliseconds
DO $$ DECLARE seen timestamptz := clock_timestamp(); BEGIN WHILE clock_timestamp() < seen + interval '1 ms' LOOP END LOOP; END $$;
SELECT crm_unlock_customer(1, (SELECT lock_id FROM customer_locks)) AS unlocked;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'adopted', 'Adopted later', 'fay');
SELECT crm_add_comment(1, 'Too late', 'fay') > 0 AS added;
SELECT jsonb_path_query_first(c, '$.comments[*] ? (@.text == "Adopted later").save_refused') AS refused,
       c @? '$.comments[*] ? (@.text == "Too late")' AS too_late, c->'lock' AS lock
FROM (SELECT crm_get_customer(1, :'then') AS c UNION ALL SELECT crm_get_customer(1)) s;
-- a time of whole milliseconds, as versions are and clients keep them, means all of its millisecond: the comment of a save is
-- there at the version that the save made
INSERT INTO customers (id, updated_at) VALUES (4, '2026-01-05 10:00:00.123+00');
INSERT INTO comments (customer_id, author, body, created_at) VALUES (4, 'ana', 'In that millisecond', '2026-01-05 10:00:00.123456+00');
SELECT at AS microsecond, crm_get_customer(4, '2026-01-05 10:00:00+00'::timestamptz + at * interval '1 us')->'comments_total' AS comments
FROM unnest(ARRAY[123000, 123001, 123455, 123456, 124000]) at;
DO $$ BEGIN FOR i IN 1..20 LOOP PERFORM crm_update_customer(4, regress.current(4), 's' || i, 'c' || i, 'ana'); END LOOP; END $$;
SELECT count(*) AS saves, count(*) FILTER (WHERE jsonb_path_exists(crm_get_customer(4, version, 1000), '$.comments[*] ? (@.id == $id)', jsonb_build_object('id', comment_id))) AS with_their_comment
FROM customer_history WHERE customer_id = 4 AND comment_id IS NOT NULL;
-- columns that came, went and were renamed since
ALTER TABLE customers ADD COLUMN city text DEFAULT 'Rome';
ALTER TABLE customers RENAME COLUMN email TO mail;
ALTER TABLE customers DROP COLUMN tags;
SELECT crm_get_customer(2, (SELECT max(version) - interval '1 us' FROM customer_history WHERE customer_id = 2))#- '{customer,updated_at}' AS then;
-- a history that begins later: pruned at its old end, or never written
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM customer_history WHERE customer_id = 2 AND version <= (SELECT version FROM customer_history WHERE customer_id = 2 AND operation = 'delete');
DELETE FROM customer_history WHERE customer_id = 3;
COMMIT;
SELECT state, message, detail, hint ~ '^Ask for \d{4}-.* or a later time\.$' AS hint FROM regress.error($$SELECT crm_get_customer(2, '2026-01-05 10:00:00.123+00')$$);
SELECT state, message FROM regress.error($$SELECT crm_get_customer(3, '2026-01-05 10:00:00.123+00')$$);

-- what is generated is not recorded, and of then not told; where nothing has changed since, it is what it was
CREATE SCHEMA get_customer_generated;
SET search_path = get_customer_generated, public;
SELECT crm_create_tables();
ALTER TABLE customers ADD shown text GENERATED ALWAYS AS (name || '!') STORED;
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-05 10:00:00.123+00');
UPDATE customers SET name = 'Bolt', updated_at = '2026-01-06 10:00:00.456+00';
SELECT operation, fields FROM regress.history(1);
SELECT crm_get_customer(1, '2026-01-05 12:00+00') -> 'customer' AS then, crm_get_customer(1, '2026-01-06 12:00+00') -> 'customer' AS since;
DROP SCHEMA get_customer_generated CASCADE;
SET search_path = get_customer, public;
-- what was written while triggers were off is a gap: no state is made up of what lies before it
INSERT INTO customers (id, name, updated_at) VALUES (5, 'Coil', '2026-01-05 10:00:00.123+00'), (6, 'Dyne', '2026-01-05 10:00:00.123+00');
UPDATE customers SET phone = '1' WHERE id IN (5, 6);
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE customers SET phone = '2', updated_at = '2200-01-05 10:00:00.123+00' WHERE id = 5;
DELETE FROM customers WHERE id = 6;
COMMIT;
SELECT * FROM regress.error($$SELECT crm_get_customer(5, '2026-01-05 10:00:00.123+00')$$);
UPDATE customers SET name = 'Coil again' WHERE id = 5;
UPDATE customers SET name = 'Coil' WHERE id = 5;
SELECT * FROM regress.error($$SELECT crm_get_customer(5, '2026-01-05 10:00:00.123+00')$$);
SELECT crm_get_customer(5, '2200-01-05 10:00:00.123+00')->'customer' AS after_the_gap;
SELECT * FROM regress.error($$SELECT crm_get_customer(6, '2026-01-05 10:00:00.123+00')$$);

-- bad input
SELECT state, message FROM regress.error('SELECT crm_get_customer(NULL)');
SELECT state, message FROM regress.error('SELECT crm_get_customer(1, NULL, NULL)');
SELECT * FROM regress.error('SELECT crm_get_customer(1, NULL, -1)');
SELECT crm_get_customer(99) IS NULL AS none;
BEGIN READ ONLY;
SELECT crm_get_customer(1)->'customer'->>'name' AS name;
ROLLBACK;

-- the caller's rights: columns, comments, history, rows
CREATE ROLE regress_crm_get;
GRANT USAGE ON SCHEMA get_customer TO regress_crm_get;
SET ROLE regress_crm_get;
SELECT regress.state('SELECT crm_get_customer(1)');
RESET ROLE;
GRANT SELECT (id, status, updated_at, name) ON customers TO regress_crm_get;
SET ROLE regress_crm_get;
SELECT (crm_get_customer(1)->'customer') - 'updated_at' AS customer, crm_get_customer(1) ? 'comments' AS comments;
SELECT state, message FROM regress.error($$SELECT crm_get_customer(1, '2026-01-05 10:00:00.123+00')$$);
RESET ROLE;
GRANT SELECT ON customer_history TO regress_crm_get;
SET ROLE regress_crm_get;
SELECT crm_get_customer(1, '2026-01-05 10:00:00.123+00')->'customer' AS customer;
RESET ROLE;
-- nor a column by the name that it had
UPDATE customers SET phone = '1' WHERE id = 1;
ALTER TABLE customers RENAME COLUMN phone TO mobile;
SET ROLE regress_crm_get;
SELECT crm_get_customer(1, '2026-01-05 10:00:00.123+00')->'customer' AS customer;
RESET ROLE;
SELECT crm_get_customer(1, '2026-01-05 10:00:00.123+00')->'customer'->'phone' AS for_the_owner;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_1 ON customers TO regress_crm_get USING (id <> 1);
SET ROLE regress_crm_get;
SELECT crm_get_customer(1) IS NULL AS now, crm_get_customer(1, '2026-01-05 10:00:00.123+00') IS NULL AS then, crm_get_customer(2) IS NULL AS other;
RESET ROLE;

-- keys and statuses of other types
CREATE SCHEMA get_customer_2;
CREATE TYPE get_customer_2.stage AS ENUM ('new', 'won');
CREATE TABLE get_customer_2.deals (id uuid PRIMARY KEY, stage get_customer_2.stage, "updatedAt" timestamptz(3) NOT NULL, "Title" text);
SELECT crm_attach('get_customer_2.deals', 'stage', 'updatedAt');
CREATE TABLE get_customer_2.leads (id int PRIMARY KEY, stage_id int, title text);
SET search_path = get_customer_2, public;
INSERT INTO deals VALUES ('00000000-0000-0000-0000-000000000001', 'new', '2026-01-05 10:00:00.123+00', 'A deal');
SELECT outcome FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana', fields => '{"Title": "Another"}');
SELECT crm_get_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00');
DELETE FROM deals;
SELECT crm_get_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00');
SELECT crm_detach('deals'), crm_attach('leads', 'stage_id');
INSERT INTO leads VALUES (7, 3, 'A lead', '2026-01-05 10:00:00.123+00');
UPDATE leads SET stage_id = 4;
SELECT crm_get_customer(7, '2026-01-05 10:00:00.123+00');
DELETE FROM leads;
SELECT crm_get_customer(7, '2026-01-05 10:00:00.123+00');
-- versions of microseconds, of which a client keeps milliseconds
CREATE TABLE get_customer_2.contacts (id int PRIMARY KEY, status text, updated_at timestamptz NOT NULL);
SELECT crm_detach('leads'), crm_attach('contacts');
INSERT INTO contacts VALUES (8, 'first', '2026-01-05 10:00:00.123456+00');
UPDATE contacts SET status = 'second', updated_at = '2026-01-05 10:00:00.125678+00';
UPDATE contacts SET status = 'third';
SELECT at, crm_get_customer(8, '2026-01-05 10:00:00+00'::timestamptz + at * interval '1 us')->'customer'->>'status' AS status
FROM unnest(ARRAY[122999, 123000, 123456, 125000, 125677, 125678, 126000]) at;
DROP SCHEMA get_customer, get_customer_2 CASCADE;
DROP ROLE regress_crm_get;
