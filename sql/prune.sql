-- crm_prune_history: the history is cut at its old ends.
SET client_min_messages = warning;
CREATE SCHEMA prune;
SET search_path = prune, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name, updated_at) SELECT i, 'Acme', '2020-01-01 00:00:00+00' FROM generate_series(1, 4) i;
UPDATE customers SET phone = 1, updated_at = '2020-02-01 00:00:00+00';
SELECT outcome, comment_id AS old_comment FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'An old comment', 'ana') \gset
DELETE FROM customers WHERE id = 4;
-- what was recorded long ago
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE customer_history SET recorded_at = version WHERE version < '2021-01-01';
UPDATE customer_history SET version = '2020-03-01 00:00:00+00', recorded_at = '2020-03-01 00:00:00+00' WHERE customer_id = 1 AND author = 'ana';
UPDATE customers SET updated_at = '2020-03-01 00:00:00+00' WHERE id = 1;
COMMIT;
UPDATE customers SET phone = 2 WHERE id IN (1, 2);
SELECT * FROM regress.violations();
SELECT customer_id, count(*) FROM customer_history GROUP BY 1 ORDER BY 1;

-- nothing that is young, and never the last change
SELECT crm_prune_history('100 years');
SELECT crm_prune_history('1 year', 2);
SELECT customer_id, count(*), bool_or(earlier_pruned) AS says_so FROM customer_history GROUP BY 1 ORDER BY 1;
SELECT customer, problem FROM crm_verify();
SELECT crm_prune_history('1 year', 2), crm_prune_history('1 year', 2), crm_prune_history('1 year', 2), crm_prune_history('1 year', 2);
SELECT customer_id, operation, previous IS NOT NULL AS has_previous, earlier_pruned FROM customer_history ORDER BY customer_id, version;
SELECT crm_prune_history('0');
SELECT * FROM crm_verify();
-- a base older than what is kept is told so, and cannot be merged
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2020-01-01 00:00:00+00', 'x', NULL, 'ben');
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2020-02-01 00:00:00+00', NULL, NULL, 'ben', merge => true, fields => '{"email": "x"}');
SELECT outcome FROM crm_update_customer(4, '2020-01-01 00:00:00+00', 'x', NULL, 'ben');
-- a late retry of the old save is a conflict that stores no comment twice
SELECT outcome, comment_id = :old_comment AS same FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'An old comment', 'ana');
SELECT outcome, comment_id = :old_comment AS same FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'Another', 'ana');
SELECT outcome, comment_id = :old_comment AS same FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'An old comment', 'ben');
SELECT author, body, save_refused FROM comments WHERE customer_id = 1 ORDER BY id;
-- saves go on
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'on', 'Goes on', 'ana');
SELECT * FROM crm_verify();

-- bad input and rights
SELECT state, message FROM regress.error('SELECT crm_prune_history(NULL)');
SELECT * FROM regress.error($$SELECT crm_prune_history('-1 day')$$);
SELECT state, message FROM regress.error($$SELECT crm_prune_history('1 day', 0)$$);
SELECT state, message FROM regress.error($$SELECT crm_prune_history('1 day', NULL)$$);
BEGIN READ ONLY;
SELECT regress.state($$SELECT crm_prune_history('1 day')$$);
ROLLBACK;
CREATE ROLE regress_crm_prune;
GRANT USAGE ON SCHEMA prune TO regress_crm_prune;
GRANT ALL ON customers, comments, customer_history TO regress_crm_prune;
SET ROLE regress_crm_prune;
SELECT state, message FROM regress.error($$SELECT crm_prune_history('1 day')$$);
RESET ROLE;
DROP SCHEMA prune CASCADE;
DROP ROLE regress_crm_prune;
