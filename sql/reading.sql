-- What calls read, and what they lock for it.

-- What refused and merging saves read of history, row and comments, on both access paths.
SET client_min_messages = warning;
CREATE SCHEMA reading;
SET search_path = reading, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'n' || i FROM generate_series(1, 9) i;

-- Other indexes on the same columns, in another order, make no difference.
CREATE INDEX ON customer_history (customer_id, version DESC);
CREATE INDEX ON comments (customer_id, id DESC);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', 'Signed', 'ana');
INSERT INTO comments (customer_id, author, body) SELECT 1, 'ben', 'c' || i FROM generate_series(1, 60) i;
SELECT outcome FROM crm_update_customer(1, regress.version(1, 1), 'won', 'Signed', 'ana');
SELECT outcome, detail->'changes_total' AS changes, detail->'changes'->0->'author' AS author,
       detail->'comments'->0->'text' AS first, detail->'comments'->-1->'text' AS last, detail->'expected_ts_problem' AS problem
FROM crm_update_customer(1, regress.version(1, 1), 'lost', NULL, 'cem');
SELECT outcome, jsonb_array_length(detail->'changes') AS changes FROM crm_update_customer(
    1, regress.version(1, 1), NULL, NULL, 'cem', merge => true, fields => '{"phone": "1"}');

-- The latest 1000 comments are looked at.
INSERT INTO comments (customer_id, author, body) SELECT 5, 'ben', 'c' || i FROM generate_series(1, 1100) i;
SELECT detail->'comments_total' AS comments, detail->'comments'->0->'text' AS first
FROM crm_update_customer(5, '2001-01-01', 'lost', NULL, 'cem');

-- What the calling statement has written is seen.
UPDATE customers SET name = 'new' WHERE id = 2 RETURNING crm_get_customer(id)->'customer'->'name' AS name;
UPDATE customers SET name = 'newer' WHERE id = 2
RETURNING (SELECT detail->'current'->'name' FROM crm_update_customer(id, '2001-01-01', 'lost', NULL, 'ana')) AS name;
INSERT INTO comments (customer_id, author, body) VALUES (2, 'ana', 'Called')
RETURNING (SELECT detail->'comments_total' FROM crm_update_customer(2, '2001-01-01', 'lost', NULL, 'ben')) AS comments;
INSERT INTO customers (id, name) VALUES (20, 'x') RETURNING crm_add_comment(id, 'Welcome', 'ana') IS NOT NULL AS added;
INSERT INTO customers (id, name) VALUES (21, 'x')
RETURNING (SELECT outcome FROM crm_lock_customer(id, 'ana')) AS lock;

-- A history that was written by hand: fields are an object, or it is an error.
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'won', NULL, 'ana', fields => '{"phone": "1"}');
UPDATE customer_history SET fields = (SELECT jsonb_agg(repeat('x', 100) || i) FROM generate_series(1, 1000) i)
WHERE customer_id = 3 AND operation = 'update';
SELECT regress.state($$SELECT crm_update_customer(3, regress.version(3, 1), NULL, NULL, 'ben', merge => true,
    fields => '{"name": "y"}')$$);
SELECT outcome FROM crm_update_customer(3, regress.version(3, 1), 'lost', NULL, 'ben');

-- Fields that others changed, large ones and many among them.
INSERT INTO customers (id, name) VALUES (4, 'n') ON CONFLICT DO NOTHING;
ALTER TABLE customers ADD COLUMN notes text, ADD COLUMN tags jsonb;
SELECT regress.current(4) AS base \gset
UPDATE customers SET notes = repeat('a', 200000), tags = '[{"a": [1, {"b": []}]}, {}, [], "x", null, 1.50]' WHERE id = 4;
DO $$ BEGIN FOR i IN 1..60 LOOP UPDATE reading.customers SET notes = repeat('b', 1000) || i WHERE id = 4; END LOOP; END $$;
SELECT outcome, detail->'changes_total' AS changes, jsonb_array_length(detail->'changes') AS listed,
       detail->'conflicts'->0->'was' AS was, left(detail->'conflicts'->0->>'theirs', 3) AS theirs,
       detail->'current'->'tags' AS tags
FROM crm_update_customer(4, :'base', NULL, NULL, 'ana', merge => true, fields => '{"notes": "mine", "phone": "1"}');
SELECT outcome FROM crm_update_customer(4, :'base', NULL, NULL, 'ana', merge => true, fields => '{"phone": "1"}');

-- A history that others inherit from, with a column named as no alias should be.
ALTER TABLE customer_history ADD COLUMN h bigint DEFAULT 42, ADD COLUMN gone integer;
ALTER TABLE customer_history DROP COLUMN gone;
CREATE TABLE older_history (more text) INHERITS (customer_history);
SELECT outcome, detail->'changes_total' AS changes, detail->'changes'->0->'status_to' AS status
FROM crm_update_customer(1, regress.version(1, 1), 'lost', NULL, 'cem');
SELECT outcome FROM crm_update_customer(1, regress.version(1, 1), 'won', 'Signed', 'ana');
DROP TABLE older_history;

-- Rights on a table are none without USAGE on its schema, and row security of the history concerns the list alone.
CREATE ROLE reading_clerk;
GRANT USAGE ON SCHEMA reading TO reading_clerk;
GRANT SELECT, UPDATE ON customers TO reading_clerk;
GRANT SELECT ON comments, customer_history TO reading_clerk;
SET ROLE reading_clerk;
SELECT detail ? 'changes' AS changes, detail ? 'comments' AS comments
FROM crm_update_customer(1, '2001-01-01', 'lost', NULL, 'dan');
RESET ROLE;
CREATE SCHEMA reading_hidden;
ALTER TABLE comments SET SCHEMA reading_hidden;
ALTER TABLE customer_history SET SCHEMA reading_hidden;
SET ROLE reading_clerk;
SELECT detail ? 'changes' AS changes, detail ? 'comments' AS comments
FROM crm_update_customer(1, '2001-01-01', 'lost', NULL, 'dan');
RESET ROLE;
ALTER TABLE reading_hidden.comments SET SCHEMA reading;
ALTER TABLE reading_hidden.customer_history SET SCHEMA reading;
ALTER TABLE customer_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY ana ON customer_history FOR SELECT USING (author = 'ana');
SELECT regress.version(1, 1) AS first \gset
SET ROLE reading_clerk;
SELECT detail->'changes_total' AS changes FROM crm_update_customer(1, '2001-01-01', 'lost', NULL, 'dan');
SELECT outcome, detail->'changes_total' AS changes FROM crm_update_customer(
    1, :'first', 'won', NULL, 'dan', merge => true, fields => '{"email": "1"}');
SET row_security = off;
SELECT outcome FROM crm_update_customer(-1, '2001-01-01', 'lost', NULL, 'dan');
RESET row_security;
RESET ROLE;

-- The comment of the save that made the base is not one added since, whatever the caller may read of the history.
REVOKE ALL ON customer_history FROM reading_clerk;
SELECT outcome, updated_at AS base FROM crm_update_customer(6, regress.current(6), 'won', 'Signed', 'ana') \gset
INSERT INTO comments (customer_id, author, body) VALUES (6, 'ben', 'Later');
SELECT outcome FROM crm_lock_customer(6, 'eve');
SET ROLE reading_clerk;
SELECT outcome, jsonb_path_query_array(detail, '$.comments[*].text') AS comments, detail->'comments_total' AS total
FROM crm_update_customer(6, :'base', 'lost', NULL, 'dan');
RESET ROLE;
SELECT outcome FROM crm_update_customer(6, :'base', NULL, 'Called', 'eve', fields => '{"phone": "1"}');
SET ROLE reading_clerk;
SELECT outcome, jsonb_path_query_array(detail, '$.comments[*].text') AS comments, detail->'comments_total' AS total
FROM crm_update_customer(6, :'base', 'lost', NULL, 'eve');
RESET ROLE;

SELECT * FROM regress.violations();
DROP OWNED BY reading_clerk;
DROP ROLE reading_clerk;
DROP SCHEMA reading CASCADE;
DROP SCHEMA reading_hidden;

-- What reads lock: the tables that they read, as any SELECT does, and no table of others.
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
