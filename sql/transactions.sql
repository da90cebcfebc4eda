-- Transactions, isolation levels, and what a save that writes nothing costs.
SET client_min_messages = warning;
CREATE SCHEMA transactions;
SET search_path = transactions, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1), (2), (3);
UPDATE customers SET status = 'two' WHERE id = 1;
SELECT regress.version(1, 1) AS v1 \gset

-- a refusal without a comment takes no transaction id and no row lock
SELECT xmax AS before FROM customers WHERE id = 1 \gset
BEGIN;
SELECT outcome FROM crm_update_customer(1, :'v1', 'x', NULL, 'ana');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
SELECT outcome FROM crm_update_customer(1, '2999-01-01', 'x', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, 'infinity', NULL, '  ', 'ana');
-- nor does a save of what is there, or of what is not
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'two', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana');
SELECT outcome FROM crm_update_customer(99, regress.current(1), 'x', 'words', 'ana');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;
SELECT xmax = :'before' AS not_locked FROM customers WHERE id = 1;
DELETE FROM customers WHERE id = 3;
BEGIN;
SELECT outcome FROM crm_update_customer(3, now(), 'x', 'words', 'ana');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;
-- nor a replay
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'three', 'words', 'ana');
BEGIN;
SELECT outcome FROM crm_update_customer(1, regress.version(1, 2), 'three', 'words', 'ana');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
SELECT count(*) AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('tuple', 'advisory', 'transactionid');
COMMIT;
-- nor a conflict that is raised, whatever comment it brings
SET crm_concurrency.on_conflict = raise;
DO $$ BEGIN
    BEGIN
        PERFORM crm_update_customer(1, '2001-01-01', 'x', 'words', 'ana');
    EXCEPTION WHEN SQLSTATE 'PT409' THEN NULL;
    END;
    RAISE WARNING 'transaction id: %', pg_current_xact_id_if_assigned();
END $$;
RESET crm_concurrency.on_conflict;

-- a refused comment does not advance the version and locks others out of nothing but deletion
BEGIN;
SELECT outcome FROM crm_update_customer(1, :'v1', 'x', 'kept', 'ana');
SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS xid;
COMMIT;
SELECT count(*) AS versions FROM customer_history WHERE customer_id = 1;

-- every isolation level, alone
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'rr 1', 'rr 1', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'rr 2', 'rr 2', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.version(1, 3), 'rr 1', 'rr 1', 'ana');
SELECT outcome FROM crm_update_customer(1, :'v1', 'rr 3', 'rr 3', 'ana');
SELECT outcome FROM crm_update_customer(1, :'v1', 'rr 3', 'rr 3', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'rr 3', 'rr 3', 'ana');
SELECT outcome FROM crm_update_customer(1, '2999-01-01', 'rr 4', NULL, 'ana');
UPDATE customers SET name = 'plain' WHERE id = 1;
DELETE FROM customers WHERE id = 2;
SELECT outcome FROM crm_update_customer(2, regress.version(2, 1), 'x', NULL, 'ana');
INSERT INTO customers (id) VALUES (2);
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'again', NULL, 'ana');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'ser 1', 'ser 1', 'ana');
SELECT outcome FROM crm_update_customer(1, :'v1', 'ser 2', 'ser 2', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'ser 2', 'ser 2', 'ana');
COMMIT;
SELECT n, previous, operation, author, status_to FROM regress.history(1);
SELECT n, previous, operation, author, status_to FROM regress.history(2);
SELECT body, count(*), bool_or(save_refused) AS refused FROM comments GROUP BY body ORDER BY body;

-- read-only transactions are told so, before anything else
BEGIN READ ONLY;
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', NULL, NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(NULL, NULL, NULL, NULL, NULL)$$);
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT regress.state($$SELECT crm_update_customer(99, '2001-01-01', NULL, NULL, 'ana')$$);
ROLLBACK;

-- nor does anything write in a parallel worker, which a function can only reach that is called by one that lies
CREATE FUNCTION lie(statement text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$ DECLARE answer text; BEGIN EXECUTE statement INTO answer; RETURN answer; END $$;
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', false) IS NOT NULL AS set;
SELECT regress.state($sql$SELECT lie($$SELECT crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana')$$)$sql$), regress.state($sql$SELECT lie($$SELECT crm_add_comment(1, 'words', 'ana')$$)$sql$),
       regress.state($sql$SELECT lie($$SELECT crm_get_customer(1)$$)$sql$), regress.state($sql$SELECT lie($$SELECT crm_timeline(1)$$)$sql$);
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'off', false) IS NOT NULL AS set;

-- savepoints: what is rolled back was never saved, and can be saved again
BEGIN;
SAVEPOINT a;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'sp', 'sp', 'ana');
ROLLBACK TO a;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'sp', 'sp', 'ana');
SAVEPOINT b;
SELECT outcome FROM crm_update_customer(1, :'v1', 'x', 'refused sp', 'ana');
ROLLBACK TO b;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'sp 2', 'refused sp', 'ana');
COMMIT;
SELECT body, save_refused, adopted_version FROM comments WHERE body LIKE '%sp' ORDER BY body;
-- an error within a savepoint leaves the rest
BEGIN;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'before', NULL, 'ana');
SELECT regress.state($$SELECT crm_update_customer(1, NULL, 'x', NULL, 'ana')$$);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'after', NULL, 'ana');
COMMIT;
-- DDL and saves in one transaction
BEGIN;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'ddl', NULL, 'ana');
ALTER TABLE customers ADD city text DEFAULT 'Rome';
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'ddl 2', NULL, 'ana');
ROLLBACK;
SELECT outcome, status FROM crm_update_customer(1, regress.current(1), 'ddl 3', NULL, 'ana');
-- cursors and set-returning use
BEGIN;
DECLARE saves CURSOR FOR SELECT outcome FROM crm_update_customer(1, regress.current(1), 'cursor', NULL, 'ana');
FETCH ALL FROM saves;
COMMIT;
SELECT status FROM customers WHERE id = 1;
SELECT * FROM regress.violations();
