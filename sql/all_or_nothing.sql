-- Many saves, deletions and checks of several tables: each for itself, or all or none.
SET client_min_messages = warning;
CREATE SCHEMA whole;
SET search_path = whole, public;
SELECT crm_create_tables();
CREATE TABLE deals (code text PRIMARY KEY, customer_id bigint REFERENCES customers ON DELETE CASCADE, amount numeric, stage text);
SELECT crm_attach('deals', status_column => 'stage');
INSERT INTO customers (id, name, phone) SELECT i, 'Acme', '1' FROM generate_series(1, 9) i;
INSERT INTO deals SELECT 'D' || i, i, 100 * i, 'open' FROM generate_series(1, 9) i;
CREATE FUNCTION item(of_table regclass, key text, operation text DEFAULT NULL, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    version timestamptz;
BEGIN
    EXECUTE format('SELECT updated_at FROM %s t WHERE %s::text = $1', of_table, CASE of_table WHEN 'deals'::regclass THEN 'code' ELSE 'id' END)
        INTO version USING key;
    RETURN jsonb_strip_nulls(jsonb_build_object('table', of_table, 'key', key, 'operation', operation, 'expected_ts', version)) || more;
END $$;

-- all are made, in the order given: a customer goes after its deal was saved
SELECT jsonb_build_array(
    item('deals', 'D1', 'update', '{"status": "won", "comment": "Signed", "author": "ana", "fields": {"amount": 150}}'),
    item('customers', '2', 'update', '{"status": "lead", "author": "ana"}'),
    item('customers', '1', 'delete', '{"comment": "Merged into 2", "author": "ana"}'),
    item('customers', '3', 'check'),
    item('customers', '4', NULL, '{"author": "ana", "fields": {"phone": "1"}}')) AS saves \gset
SELECT ord, outcome, http_status, status, comment_id IS NOT NULL AS comment, message, detail FROM crm_update_records(:'saves', true);
SELECT operation, author, status_to, fields -> 'amount' AS amount FROM deals_history WHERE customer_id = 'D1' ORDER BY version;
SELECT operation, author FROM customer_history WHERE customer_id = 1 ORDER BY version;
-- sent again, nothing is done twice
SELECT ord, outcome, message FROM crm_update_records(:'saves', true);

-- one refusal refuses all: the answer lists every one, all comments are kept, nothing else changes
SELECT regress.current(5) AS old \gset
SELECT outcome FROM crm_update_customer(5, :'old', 'lead', NULL, 'ben');
SELECT regress.current(8) AS old8 \gset
SELECT outcome FROM crm_update_customer(8, :'old8', 'lead', NULL, 'ben');
SELECT outcome FROM crm_lock_customer(6, 'ben');
SELECT jsonb_build_array(
    item('customers', '7', 'update', '{"status": "won", "comment": "Yes", "author": "eve"}'),
    item('customers', '5', 'update', jsonb_build_object('status', 'lost', 'comment', 'Too late', 'author', 'eve', 'expected_ts', :'old')),
    item('customers', '6', 'delete', '{"comment": "Gone", "author": "eve"}'),
    item('customers', '1', 'update', jsonb_build_object('status', 'x', 'author', 'eve', 'expected_ts', :'old')),
    item('customers', '77', 'check', jsonb_build_object('expected_ts', :'old')),
    item('customers', '8', 'check', jsonb_build_object('expected_ts', :'old8')),
    item('customers', '9', 'check'),
    item('deals', 'D7', 'delete', '{"author": "eve"}'),
    item('customers', '2', 'update', '{"status": "lead", "author": "eve"}')) AS saves \gset
SELECT ord, outcome, http_status, status, comment_id IS NOT NULL AS comment, message FROM crm_update_records(:'saves', true);
SELECT ord, detail FROM crm_update_records(:'saves', true) WHERE outcome = 'failed_dependency';
SELECT detail ->> 'changes_total' AS changes, detail #>> '{changes,0,author}' AS author FROM crm_update_records(:'saves', true) WHERE ord = 8 - 2;
SELECT customer_id, body, save_refused, count(*) OVER () FROM comments WHERE author = 'eve' ORDER BY id;
SELECT count(*) FROM customers WHERE status = 'won';
SELECT count(*) FROM deals WHERE code = 'D7';
-- the one that was kept becomes the comment of the save that is made
SELECT c.id AS kept FROM comments c WHERE c.body = 'Yes' \gset
SELECT ord, outcome, comment_id = :kept AS adopted FROM crm_update_records(jsonb_build_array(
    item('customers', '7', 'update', '{"status": "won", "comment": "Yes", "author": "eve"}'), item('customers', '9', 'check')), true);
-- without all_or_nothing each is for itself
SELECT ord, outcome FROM crm_update_records(:'saves') ORDER BY ord;
SELECT count(*) FROM crm_verify();
SELECT count(*) FROM crm_verify_record('deals');

-- merged ones are made, too
SELECT regress.current(3) AS old \gset
SELECT outcome FROM crm_update_customer(3, :'old', 'lead', NULL, 'ben');
SELECT ord, outcome, status FROM crm_update_records(jsonb_build_array(
    item('customers', '3', 'update', jsonb_build_object('expected_ts', :'old', 'merge', true, 'author', 'eve', 'fields', '{"phone": "3"}'::jsonb)),
    item('customers', '4', 'check')), true);

-- with errors for refusals the first one is raised, and nothing is kept
SET crm_concurrency.on_conflict = raise;
\set VERBOSITY terse
SELECT count(*) FROM crm_update_records(jsonb_build_array(
    item('customers', '4', 'update', '{"status": "x", "comment": "Never", "author": "eve"}'),
    item('customers', '5', 'check', jsonb_build_object('expected_ts', :'old'))), true);
RESET crm_concurrency.on_conflict;
\set VERBOSITY default
SELECT count(*) FROM comments WHERE body = 'Never';

-- what is no such call
SELECT * FROM crm_update_records(NULL);
SELECT * FROM crm_update_records('[]', NULL);
SELECT * FROM crm_update_records('{}', true);
SELECT * FROM crm_update_records('[]', true);
SELECT * FROM crm_update_records('[{"operation": "insert", "id": 4}]');
SELECT * FROM crm_update_records('[{"operation": 3, "id": 4}]');
SELECT * FROM crm_update_records('[{"operation": true, "id": 4}]');
SELECT * FROM crm_update_records('[{"operation": "check", "id": 4}]');
SELECT * FROM crm_update_records('[{"operation": "check", "id": 4, "author": "eve"}]');
SELECT * FROM crm_update_records('[{"operation": "delete", "id": 4, "status": "x"}]');
SELECT * FROM crm_update_records('[{"operation": "delete", "id": 4, "expected_ts": "2026-01-01"}]');
SELECT * FROM crm_update_customers('[{"operation": "update", "id": 4}]');
SELECT * FROM crm_update_records(jsonb_build_array(item('customers', '4', 'check'), item('customers', '5', 'check'),
    item('customers', '4', 'update', '{"status": "x", "author": "eve"}')), true);
-- triggers of one change another of the call
SELECT * FROM crm_update_records(jsonb_build_array(
    item('customers', '4', 'delete', '{"author": "eve"}'),
    item('deals', 'D4', 'update', '{"status": "x", "author": "eve"}')), true);
SELECT count(*) FROM customers WHERE id = 4;

-- a check takes SELECT alone; a permission that one of them lacks stops all
CREATE ROLE regress_checker;
GRANT USAGE ON SCHEMA whole TO regress_checker;
GRANT SELECT ON customers, deals, customer_history, customer_locks, comments TO regress_checker;
SELECT item('customers', '4', 'check') AS check, item('deals', 'D5', 'update', '{"status": "x", "author": "eve"}') AS update \gset
SET ROLE regress_checker;
SELECT outcome, status, message FROM crm_update_records(jsonb_build_array(:'check'::jsonb), true);
SELECT outcome, http_status FROM crm_update_records(jsonb_build_array(:'check'::jsonb || '{"expected_ts": "2020-01-01"}'), true);
SELECT * FROM crm_update_records(jsonb_build_array(:'check'::jsonb, :'update'::jsonb), true);
RESET ROLE;
DROP OWNED BY regress_checker;
DROP ROLE regress_checker;
DROP SCHEMA whole CASCADE;
