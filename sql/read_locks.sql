-- What reads lock: the tables that they read, as any SELECT does, and no table of others.
SET client_min_messages = warning;
CREATE SCHEMA read_locks;
CREATE SCHEMA read_locks_other;
CREATE ROLE regress_crm_reader;
GRANT USAGE ON SCHEMA read_locks TO regress_crm_reader;
SET search_path = read_locks, public;
SELECT crm_create_tables(), crm_create_tables('read_locks_other') AS other;
GRANT SELECT ON customers, comments, customer_history TO regress_crm_reader;
INSERT INTO customers (id) VALUES (1);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', 'Signed', 'ana');
SELECT outcome FROM crm_lock_customer(1, 'ana');

-- What this transaction has locked of the tables of both schemas by more than AccessShareLock, and of the other at all.
CREATE VIEW more_than_read AS
    SELECT string_agg(DISTINCT format('%s of %s', mode, relation::regclass), ', ') AS more_than_read
    FROM pg_locks l JOIN pg_class c ON c.oid = relation
    WHERE pid = pg_backend_pid() AND relname NOT LIKE 'more_than_read%'
      AND (relnamespace = 'read_locks'::regnamespace AND mode <> 'AccessShareLock' OR relnamespace = 'read_locks_other'::regnamespace);
GRANT SELECT ON more_than_read TO regress_crm_reader;
\set reads '(SELECT crm_get_customer(1) IS NOT NULL) AS now, (SELECT crm_get_customer(1, regress.version(1, 1)) IS NOT NULL) AS earlier, (SELECT count(*) FROM crm_timeline(1)) AS timeline, (SELECT crm_export_comments(1) IS NOT NULL) AS export'
BEGIN;
SELECT :reads;
SELECT * FROM more_than_read;
SELECT count(*) FROM crm_verify(1);
SELECT * FROM more_than_read;
ROLLBACK;
BEGIN;
SET LOCAL ROLE regress_crm_reader;
SELECT :reads, (SELECT count(*) FROM crm_locks) AS locks;
SELECT * FROM more_than_read;
ROLLBACK;
BEGIN;
SELECT count(*) FROM crm_locks;
SELECT string_agg(DISTINCT mode, ', ') FROM pg_locks JOIN pg_class c ON c.oid = relation WHERE pid = pg_backend_pid() AND relnamespace IN ('read_locks'::regnamespace, 'read_locks_other'::regnamespace);
ROLLBACK;
-- a save locks nothing of the other tables
BEGIN;
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'lost', NULL, 'ben');
SELECT count(*) AS other FROM pg_locks JOIN pg_class c ON c.oid = relation WHERE pid = pg_backend_pid() AND relnamespace = 'read_locks_other'::regnamespace;
ROLLBACK;

-- two kinds of locks that stand for no table never have the same class, and so never the same number
CREATE TABLE classes (kind text, class int);
CREATE FUNCTION classes_of(kind text, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    INSERT INTO classes SELECT DISTINCT classes_of.kind, objsubid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
END $$;
SELECT classes_of('comment', $$SELECT crm_add_comment(1, 'Hello', 'ana')$$);
SELECT classes_of('refusal', $$SELECT crm_update_customer(1, '2001-01-01', 'lost', 'Refused', 'ben')$$);
SELECT classes_of('import', $$SELECT crm_import_comments(1, '[1/2/2024, 9:00:00 AM] ana: Old')$$);
SELECT classes_of('pruning', $$SELECT crm_prune_history('1 year')$$);
SELECT class, string_agg(kind, ', ') AS kinds FROM classes GROUP BY class HAVING count(DISTINCT kind) > 1;
SELECT count(*) AS of_users FROM classes WHERE class IN (1, 2);
DROP SCHEMA read_locks, read_locks_other CASCADE;
DROP ROLE regress_crm_reader;
