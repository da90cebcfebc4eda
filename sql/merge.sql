-- merge: a save from an old version, field by field with what others changed since.
SET client_min_messages = warning;
CREATE SCHEMA merge;
SET search_path = merge, public;
SELECT crm_create_tables();
ALTER TABLE customers ADD COLUMN city text;
INSERT INTO customers (id, name, phone) SELECT i, 'Acme', '1' FROM generate_series(1, 9) i;
-- the setting chooses, the argument overrides it
SHOW crm_concurrency.merge;
SELECT regress.current(1) AS base \gset
SELECT outcome FROM crm_update_customer(1, :'base', NULL, NULL, 'ben', fields => '{"phone": "2"}');
SELECT outcome FROM crm_update_customer(1, :'base', 'won', NULL, 'ana');
SET crm_concurrency.merge = on;
SELECT outcome FROM crm_update_customer(1, :'base', 'won', NULL, 'ana', merge => false);
SELECT outcome FROM crm_update_customer(1, :'base', 'won', NULL, 'ana');
RESET crm_concurrency.merge;

-- what others changed stays, what the caller changes is written; the result says so
SELECT regress.current(2) AS base \gset
SELECT outcome FROM crm_update_customer(2, :'base', NULL, 'Moved', 'ben', fields => '{"phone": "2", "city": "Rome"}');
SELECT outcome, http_status, status, updated_at = regress.current(2) AS is_current, comment_id IS NOT NULL AS comment, message,
       regress.detail(detail #- '{changes,0,db_user}', 2)
FROM crm_update_customer(2, :'base', 'won', 'Signed', 'ana', merge => true, fields => '{"name": "Acme Ltd", "phone": "1"}');
SELECT name, phone, city, status FROM customers WHERE id = 2;
SELECT n, previous, based_on, author, status_from, status_to, fields FROM regress.history(2);
-- once: it is found again by the same request
SELECT outcome FROM crm_update_customer(2, :'base', 'won', 'Signed', 'ana', merge => true, fields => '{"name": "Acme Ltd", "phone": "1"}');
SELECT outcome FROM crm_update_customer(2, :'base', 'won', 'Signed', 'ana', fields => '{"name": "Acme Ltd", "phone": "1"}');
SELECT count(*) FROM comments WHERE customer_id = 2;

-- a collision is a conflict that names the fields; nothing of the save is applied
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'lost', NULL, 'cem', fields => '{"city": "Oslo"}');
SELECT outcome, detail->'conflicts' AS conflicts, detail->'changes_total' AS changes
FROM crm_update_customer(2, :'base', 'paid', 'Mine', 'ana', merge => true, fields => '{"city": "Bonn", "name": "Acme & Co", "phone": "1"}');
SELECT name, phone, city, status FROM customers WHERE id = 2;
SELECT body, save_refused FROM comments WHERE customer_id = 2 ORDER BY id;
-- without what collides it is merged, and the kept comment adopted
SELECT outcome, status FROM crm_update_customer(2, :'base', NULL, 'Mine', 'ana', merge => true, fields => '{"email": "a@acme.example"}');
SELECT body, save_refused FROM comments WHERE customer_id = 2 ORDER BY id;

-- a late repeat of the refused save, which could be merged now, stores nothing again, and changes what differs
SELECT regress.current(3) AS base \gset
SELECT outcome FROM crm_update_customer(3, :'base', 'won', NULL, 'ben');
SELECT outcome, comment_id AS kept FROM crm_update_customer(3, :'base', 'paid', 'Paid', 'ana', merge => true) \gset
SELECT outcome, comment_id = :kept AS adopted FROM crm_update_customer(3, regress.current(3), 'paid', 'Paid', 'ana');
SELECT outcome, comment_id = :kept AS kept FROM crm_update_customer(3, :'base', 'paid', 'Paid', 'ana', merge => true);
SELECT outcome, comment_id = :kept AS kept FROM crm_update_customer(3, :'base', 'paid', 'Paid', 'ana', merge => true, fields => '{"city": "Rome"}');
SELECT id = :kept AS kept, save_refused FROM comments WHERE customer_id = 3;
UPDATE customers SET status = 'new', city = NULL WHERE id = 3;
DELETE FROM customers WHERE id = 3;
INSERT INTO customers (id, name, phone) VALUES (3, 'Acme', '1');

-- the same change made by both, a change back and forth, and what the caller leaves as it was
SELECT regress.current(3) AS base \gset
SELECT outcome FROM crm_update_customer(3, :'base', 'won', NULL, 'ben', fields => '{"phone": "2"}');
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(3, :'base', 'won', NULL, 'ana', merge => true, fields => '{"phone": "2.0"}');
SELECT outcome, detail FROM crm_update_customer(3, :'base', 'won', NULL, 'ana', merge => true, fields => '{"phone": "2"}');
SELECT outcome FROM crm_update_customer(3, :'base', 'new', NULL, 'ana', merge => true, fields => '{"phone": "1"}');
SELECT outcome, status FROM crm_update_customer(3, :'base', 'new', 'Only a word', 'ana', merge => true);
UPDATE customers SET phone = '1', status = 'new' WHERE id = 3;
SELECT outcome, status FROM crm_update_customer(3, :'base', 'paid', NULL, 'ana', merge => true, fields => '{"phone": "3"}');
SELECT phone, status FROM customers WHERE id = 3;

-- nulls
SELECT regress.current(4) AS base \gset
UPDATE customers SET city = 'Rome' WHERE id = 4;
SELECT outcome FROM crm_update_customer(4, :'base', NULL, NULL, 'ana', merge => true, fields => '{"city": null}');
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(4, :'base', NULL, NULL, 'ana', merge => true, fields => '{"city": "Bonn"}');
SELECT outcome FROM crm_update_customer(4, :'base', NULL, NULL, 'ana', merge => true, fields => '{"phone": null}');
SELECT phone, city FROM customers WHERE id = 4;

-- what cannot be merged is a conflict: a base that is none, a customer that was deleted since, a column that is gone
SELECT regress.current(5) AS base \gset
UPDATE customers SET city = 'Rome' WHERE id = 5;
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem
FROM crm_update_customer(5, :'base'::timestamptz - interval '10.5 ms', 'won', NULL, 'ana', merge => true);
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem
FROM crm_update_customer(5, clock_timestamp() + interval '1 hour 7 minutes', 'won', NULL, 'ana', merge => true);
SELECT outcome FROM crm_update_customer(5, 'infinity', 'won', NULL, 'ana', merge => true);
SELECT outcome FROM crm_update_customer(5, '-infinity', 'won', NULL, 'ana', merge => true);
DELETE FROM customers WHERE id = 5;
SELECT outcome FROM crm_update_customer(5, :'base', 'won', NULL, 'ana', merge => true);
INSERT INTO customers (id, name) VALUES (5, 'again');
SELECT outcome FROM crm_update_customer(5, :'base', 'won', NULL, 'ana', merge => true);
SELECT regress.current(6) AS base \gset
UPDATE customers SET city = 'Rome' WHERE id = 6;
ALTER TABLE customers RENAME COLUMN city TO town;
SELECT outcome FROM crm_update_customer(6, :'base', 'won', NULL, 'ana', merge => true);
ALTER TABLE customers RENAME COLUMN town TO city;
SELECT outcome FROM crm_update_customer(6, :'base', 'won', NULL, 'ana', merge => true);
-- a base older than the kept history
SELECT regress.current(7) AS base \gset
UPDATE customers SET city = 'Rome' WHERE id = 7;
UPDATE customers SET city = 'Oslo' WHERE id = 7;
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM customer_history WHERE customer_id = 7 AND version < regress.current(7);
COMMIT;
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem, detail->'conflicts' AS conflicts
FROM crm_update_customer(7, :'base', 'won', NULL, 'ana', merge => true, fields => '{"phone": "3"}');
-- changed while the triggers were off: what others did is not known
SELECT regress.current(8) AS base \gset
UPDATE customers SET city = 'Rome' WHERE id = 8;
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE customers SET phone = 'secretly', updated_at = updated_at + interval '1 s' WHERE id = 8;
COMMIT;
SELECT outcome FROM crm_update_customer(8, :'base', 'won', NULL, 'ana', merge => true, fields => '{"phone": "3"}');
-- a current base with merge on is saved as ever
SELECT outcome, detail FROM crm_update_customer(9, regress.current(9), 'won', NULL, 'ana', merge => true);
SELECT outcome, detail FROM crm_update_customer(9, regress.current(9), 'won', NULL, 'ana', merge => true);

-- one snapshot: what changed since is PostgreSQL's 40001 where others did it, and merged where this transaction did
SELECT regress.current(9) AS base \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE customers SET city = 'Rome' WHERE id = 9;
SELECT outcome FROM crm_update_customer(9, :'base', 'paid', NULL, 'ana', merge => true);
COMMIT;
SELECT customer, violation FROM regress.violations() WHERE customer NOT IN (7, 8);

-- without the right to read the history the answer is the same, but says less
CREATE ROLE regress_crm_merge;
GRANT USAGE ON SCHEMA merge TO regress_crm_merge;
GRANT SELECT, UPDATE ON customers TO regress_crm_merge;
SELECT regress.current(1) AS base \gset
UPDATE customers SET city = 'Rome' WHERE id = 1;
SET ROLE regress_crm_merge;
SELECT outcome, detail->'conflicts' AS conflicts, detail ? 'changes' AS changes
FROM crm_update_customer(1, :'base', NULL, NULL, 'ana', merge => true, fields => '{"city": "Bonn"}');
SELECT outcome, detail ? 'changes' AS changes, detail->'current'->>'city' AS city
FROM crm_update_customer(1, :'base', NULL, NULL, 'ana', merge => true, fields => '{"phone": "77"}');
RESET ROLE;
DROP SCHEMA merge CASCADE;
DROP ROLE regress_crm_merge;
