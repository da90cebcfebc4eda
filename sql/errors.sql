-- Errors of calls, strange values, and bases that never were versions.

-- What is wrong with a call: SQLSTATE, message, detail and hint.
SET client_min_messages = warning;
CREATE SCHEMA errors;
SET search_path = errors, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n  '

-- nulls and blanks
SELECT * FROM regress.error($$SELECT crm_update_customer(1, NULL, 'x', 'words', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(NULL, regress.current(1), 'x', 'words', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', NULL)$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', '')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', E' \t\r\n\x0b\f\u00a0\u1680\u2003\u2028\u202f\u205f\u3000')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), '', 'words', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), '  ', 'words', 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(NULL, NULL, NULL, NULL, NULL)$$);
-- these are errors for any customer, and for any base
SELECT regress.state($$SELECT crm_update_customer(99, NULL, 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', ' ', NULL, 'ana')$$);
-- nothing was written
SELECT count(*) FROM comments;
SELECT count(*) FROM customer_history;

-- too long
SET crm_concurrency.max_comment_length = 10;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'eleven long', 'ana')$$);
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'eleven long')$$);
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, 'äöüßéèçñøå', 'ana');
RESET crm_concurrency.max_comment_length;

-- conflict as an error
SET crm_concurrency.on_conflict = raise;
SELECT state, message, regress.detail((detail::jsonb) - 'changes', 1), hint
FROM regress.error($$SELECT crm_update_customer(1, regress.version(1, 1), 'x', 'not kept', 'ana')$$);
SELECT count(*) FROM comments;
RESET crm_concurrency.on_conflict;

-- malformed values are PostgreSQL's own errors
SELECT regress.state($$SELECT crm_update_customer('one', regress.current(1), 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer('9223372036854775808', regress.current(1), 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, 'yesterday noon', 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, '2026-13-01', 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1.5, regress.current(1), 'x', NULL, 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x')$$);

-- untyped parameters, as most drivers send them
PREPARE untyped AS SELECT outcome, status, comment_id IS NOT NULL AS has_comment FROM crm_update_customer($1, $2, $3, $4, $5);
SELECT array_agg(t::text) FROM pg_prepared_statements, unnest(parameter_types) t WHERE name = 'untyped';
SELECT quote_literal(updated_at) AS base FROM customers \gset
EXECUTE untyped ('1', :base, 'typed late', NULL, 'ana');
SELECT quote_literal(updated_at) AS base FROM customers \gset
EXECUTE untyped (1, :base, NULL, 'words', 'ana');
EXECUTE untyped (1, :base, NULL, 'words', 'ana');
EXECUTE untyped (1, '2001-01-01', 'x', NULL, 'ana');
DO $$ BEGIN FOR i IN 1..10 LOOP EXECUTE 'EXECUTE untyped (1, ''2001-01-01'', ''x'', NULL, ''ana'')'; END LOOP; END $$;
SELECT regress.state($$EXECUTE untyped (1, NULL, 'x', NULL, 'ana')$$);
SELECT regress.state($$EXECUTE untyped ('x', '2001-01-01', 'x', NULL, 'ana')$$);
DEALLOCATE untyped;
-- varchar, name and int4, as typed drivers send them
PREPARE typed (int4, timestamptz, varchar, varchar(20), varchar) AS SELECT outcome FROM crm_update_customer($1, $2, $3, $4, $5);
EXECUTE typed (1, :base, 'varchar', NULL, 'ana');
EXECUTE typed (1, now() - interval '1 day', 'varchar', 'kept', 'ana');
DEALLOCATE typed;
-- one signature
SELECT count(*) FROM pg_proc WHERE proname = 'crm_update_customer';

-- read-only transactions
BEGIN READ ONLY;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana')$$);
ROLLBACK;
SET default_transaction_read_only = on;
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana')$$);
SET default_transaction_read_only = off;
-- what only an owner brings about, past the triggers or by tables of his own; nothing of it is kept
CREATE TABLE heirs () INHERITS (customers);
INSERT INTO heirs SELECT * FROM customers;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.version(1, 1), 'x', 'words', 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.version(1, 1), 'x', 'words', 'ana', merge => true)$$);
DROP TABLE heirs;
BEGIN;
ALTER TABLE customers DISABLE TRIGGER USER;
UPDATE customers SET updated_at = '9999-12-31 23:59:59.999+00';
ALTER TABLE customers ENABLE TRIGGER USER;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
SELECT regress.state($$UPDATE customers SET name = 'x'$$), regress.state($$DELETE FROM customers$$), regress.state($$SELECT crm_erase_customer(1)$$);
-- what changes nothing needs no version
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana');
-- the hint's way out
ALTER TABLE customers DISABLE TRIGGER USER;
UPDATE customers SET updated_at = h.version FROM (SELECT max(version) AS version FROM customer_history) h;
ALTER TABLE customers ENABLE TRIGGER USER;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'corrected', NULL, 'ana');
SELECT * FROM crm_verify();
ROLLBACK;
BEGIN;
UPDATE customer_history SET fields = '[]' WHERE operation = 'update';
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.version(1, 1), NULL, 'words', 'ana', merge => true)$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.version(1, 1), NULL, 'words', 'ana', fields => '{"name": "x"}')$$);
ROLLBACK;
-- a key that lost its constraint and is null
BEGIN;
ALTER TABLE customers ALTER COLUMN id DROP IDENTITY;
ALTER TABLE customers DROP CONSTRAINT customers_pkey CASCADE;
ALTER TABLE customers ALTER COLUMN id DROP NOT NULL;
SELECT * FROM regress.error($$INSERT INTO customers (id, updated_at) VALUES (NULL, now())$$);
ALTER TABLE customers DISABLE TRIGGER USER;
INSERT INTO customers (id, updated_at) VALUES (NULL, now());
ALTER TABLE customers ENABLE TRIGGER USER;
SELECT s AS statement, e.state, e.message FROM unnest(ARRAY['UPDATE customers SET name = ''x''', 'UPDATE customers SET id = 2 WHERE id IS NULL', 'UPDATE customers SET id = NULL WHERE id = 1', 'DELETE FROM customers WHERE id IS NULL']) s, regress.error(s) e;
ROLLBACK;
-- a comment that lost its author, or its text
SELECT e.state, c.dropped, regexp_replace(c.call, '^crm_|\(.*', '', 'g') AS call, e.message
FROM (VALUES ('author', 'crm_export_comments(1)'), ('author', 'crm_get_customer(1)'), ('author', 'crm_timeline(1)'),
             ('author', $$crm_update_customer(1, regress.version(1, 1), 'x', 'words', 'ana')$$),
             ('author', $$crm_edit_comment(1, (SELECT max(id) FROM comments), 'nothing', 'x', 'ana')$$),
             ('body', 'crm_export_comments(1)'), ('body', 'crm_get_customer(1)'), ('body', 'crm_timeline(1)'),
             ('body', $$crm_update_customer(1, regress.version(1, 1), 'x', 'words', 'ana')$$),
             ('created_at', 'crm_export_comments(1)'), ('created_at', 'crm_get_customer(1)'), ('created_at', 'crm_timeline(1)')) c (dropped, call),
    regress.error(format('DO %L', format('BEGIN PERFORM crm_add_comment(1, ''nothing'', ''ana''); ALTER TABLE comments DROP %1$s CASCADE; '
        'ALTER TABLE comments ADD %1$s %2$s; PERFORM %3$s; RAISE ''no error''; END', c.dropped,
        CASE c.dropped WHEN 'created_at' THEN 'timestamptz' ELSE 'text' END, c.call))) e;
SELECT * FROM regress.error($$DO 'BEGIN PERFORM crm_add_comment(1, ''words'', ''ana''); ALTER TABLE comments DROP author CASCADE;
    ALTER TABLE comments ADD author text; PERFORM crm_export_comments(1); END'$$);
-- a superuser's trigger that turns the triggers off between those of one row
BEGIN;
CREATE FUNCTION quieten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('session_replication_role', 'replica', true); RETURN NEW; END $$;
CREATE TRIGGER quieten BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION quieten();
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
SELECT current_setting('session_replication_role') AS role;
ROLLBACK;
SELECT * FROM crm_verify();
-- keys, versions, tables: see create_tables and version_rule; an error leaves the session as it was
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'fine', 'words at last', 'ana');
SELECT * FROM regress.violations();

\pset format aligned
\pset tuples_only off
-- Every kind of strange value: a clear error or a right answer.
CREATE SCHEMA bad_input;
SET search_path = bad_input, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (0), (1), (-5), (9223372036854775807), (-9223372036854775808);

-- ids at the edges, and ids that do not exist
SELECT c.id, s.outcome, s.message FROM customers c, crm_update_customer(c.id, c.updated_at, 'x', 'words', 'ana') s ORDER BY c.id;
SELECT id, s.outcome FROM unnest(ARRAY[-1, 2, 9223372036854775806]) id, crm_update_customer(id, now(), 'x', 'words', 'ana') s ORDER BY id;
SELECT * FROM regress.violations();

-- texts come back as they were sent, saved and refused, in the table and in the detail
CREATE TABLE samples (id int PRIMARY KEY, what text, sample text);
INSERT INTO samples VALUES
    (1, 'quotes', $$O'Hara said "yes"; ''twice''$$), (2, 'backslashes', 'C:\new\table \\ \'),
    (3, 'sql', $$'); DROP TABLE customers; --$$), (4, 'placeholders', '$1 %s %% %1$s {0} :base ?'),
    (5, 'emoji', '👍🏽 👨‍👩‍👧 🇮🇹'), (6, 'combining', E'e\u0301 \u0627\u0644\u0639 \u05d0'), (7, 'control characters', E'\x01\x02\x07\x08\x1b[31m\x7f'),
    (8, 'line ends', E'\r\nline\rline\nline\ttab\n'), (9, 'leading and trailing space', '  x  '), (10, 'json', '{"a": [1, null]}'),
    (11, 'null', 'null'), (12, 'html', '<script>alert(1)</script>'), (13, 'one character', 'x'), (14, 'bom', E'\ufeffx'), (15, 'zero width', E'\u200b');
INSERT INTO customers (id) SELECT 100 + id FROM samples;
SELECT what, s.outcome, s.status = sample AS status FROM samples, crm_update_customer(100 + id, regress.current(100 + id), sample, sample, sample) s ORDER BY id;
SELECT what, s.outcome, s.status = sample AS status FROM samples, crm_update_customer(100 + id, regress.version(100 + id, 1), sample, sample, sample) s ORDER BY id;
SELECT what, s.outcome FROM samples, crm_update_customer(100 + id, regress.version(100 + id, 1), sample || '.', sample || '.', sample || '.') s ORDER BY id;
SELECT bool_and(m.body = sample AND m.author = sample) AS comments, bool_and(c.status = sample) AS customers, bool_and(h.status_to = sample AND h.author = sample) AS history
FROM samples s JOIN comments m ON m.customer_id = 100 + s.id AND NOT save_refused JOIN customers c ON c.id = 100 + s.id
     JOIN customer_history h ON h.customer_id = 100 + s.id AND h.author IS NOT NULL;
SELECT bool_and(m.body = sample || '.' AND m.author = sample || '.') AS refused, count(*) FROM samples s JOIN comments m ON m.customer_id = 100 + s.id AND save_refused;
SELECT what, d.detail->'comments'->0->>'text' = sample AS text, d.detail->'comments'->0->>'author' = sample AS author, d.detail->'conflicts'->0->>'theirs' = sample AS theirs,
       d.detail->'changes'->0->>'author' = sample AS by, d.detail->'current'->>'status' = sample AS current, position(sample in d.message) > 0 AS message
FROM samples, crm_update_customer(100 + id, regress.version(100 + id, 1), 'mine', NULL, 'ana') d ORDER BY id;
-- raised conflicts carry them as valid JSON
SET crm_concurrency.on_conflict = raise;
SELECT what, e.detail::jsonb->'comments'->0->>'text' = sample AS text
FROM samples, regress.error(format('SELECT crm_update_customer(%s, %L, %L, NULL, %L)', 100 + id, regress.version(100 + id, 1), 'mine', 'ana')) e ORDER BY id;
RESET crm_concurrency.on_conflict;
-- NUL and invalid UTF-8 do not enter the database at all
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', E'a\x00b', 'ana')$$), regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', E'\xff', 'ana')$$);

-- 10 MB
SELECT state, detail FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', repeat('0123456789', 1000000), 'ana')$$);
SET crm_concurrency.max_comment_length = 20000000;
SELECT outcome, comment_id AS long FROM crm_update_customer(1, regress.current(1), 'long', repeat('0123456789', 1000000), 'ana') \gset
SELECT length(body), body = repeat('0123456789', 1000000) AS equal FROM comments WHERE customer_id = 1 AND id = :long;
SELECT outcome, comment_id = :long AS same FROM crm_update_customer(1, regress.version(1, 2), 'long', repeat('0123456789', 1000000), 'ana');
SELECT outcome, comment_id AS kept, length(detail->'comments'->0->>'text') AS listed, detail->'comments'->0->'text_is_cut' AS cut FROM crm_update_customer(1, regress.version(1, 2), 'x', repeat('abcdefghij', 1000000), 'ben') \gset
-- a list of comments has an end: long texts are cut in it
SELECT :'outcome' AS outcome, :listed AS listed, :cut AS cut;
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, regress.version(1, 2), 'x', repeat('abcdefghij', 1000000), 'ben');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, regress.current(1), 'x', repeat('abcdefghij', 1000000), 'ben');
RESET crm_concurrency.max_comment_length;
-- the limit is checked before anything is looked up, blanks count for nothing however many
SELECT regress.state($$SELECT crm_update_customer(99, now(), 'x', repeat('x', 1000001), 'ana')$$);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'blank', repeat(' ', 1000001), 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'emoji', repeat('👍', 1000000), 'ana');
-- status and author as long as you like
SELECT outcome, length(status) FROM crm_update_customer(1, regress.current(1), repeat('s', 1000000), NULL, repeat('a', 1000000));
SELECT outcome, length(detail->'conflicts'->0->>'theirs') AS theirs FROM crm_update_customer(1, regress.version(1, 2), repeat('t', 1000000), 'words', repeat('a', 1000000));

-- bases of every kind
SELECT base, s.outcome, s.detail->'expected_ts_problem'->>'code' AS problem
FROM unnest('{infinity,-infinity,"4713-01-01 00:00:00+00 BC","294276-12-31 23:59:59.999999+00","epoch","0001-01-01 00:00:00+00"}'::text[]) base,
     crm_update_customer(0, base::timestamptz, 'y', 'the same words', 'ana') s;
SELECT count(*) FROM comments WHERE body = 'the same words';
SELECT * FROM regress.violations();

-- Why a base was never a version: detail.expected_ts_problem.
CREATE SCHEMA expected_ts_problem;
SET search_path = expected_ts_problem, public;
SELECT crm_create_tables();
INSERT INTO customers (id, updated_at) VALUES (1, '2020-02-02 10:20:30.456+00');
UPDATE customers SET updated_at = '2020-02-03 11:21:31.567+00' WHERE id = 1;
UPDATE customers SET updated_at = '2020-02-04 12:22:32.678+00' WHERE id = 1;

CREATE FUNCTION problem(base timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT s.outcome || coalesce(': ' || (s.detail->'expected_ts_problem'->>'code'), '')
    FROM crm_update_customer(1, base, 'x', NULL, 'ana') s
$$;
-- what was a version is no problem
SELECT problem('2020-02-02 10:20:30.456+00'), problem('2020-02-03 11:21:31.567+00'), problem('2020-02-03 11:21:31.567999+00'),
       problem('2020-02-02 10:20:30.455001+00');
-- the fraction is missing
SELECT problem('2020-02-02 10:20:30+00'), problem('2020-02-03 11:21:31+00'), problem('2020-02-04 12:22:32+00');
-- a second late is not cut
SELECT problem('2020-02-03 11:21:32+00');
-- a zone
SELECT problem('2020-02-03 11:21:31.567+02'), problem('2020-02-03 11:21:31.567-07'), problem('2020-02-03 11:21:31.567+05:45'),
       problem('2020-02-04 12:22:32.678-12'), problem('2020-02-04 12:22:32.678+14'), problem('2020-02-02 10:20:30.456999+01');
-- no zone is that far away, and none of 10 minutes
SELECT problem('2020-02-03 11:21:31.567+00'::timestamptz - interval '15 h'), problem('2020-02-03 11:21:31.567+00:10');
-- the future
SELECT problem(now() + interval '1 day 7 min'), problem('2999-01-01'), problem('294276-12-31 23:59:59.999999+00');
-- infinity
SELECT problem('infinity'), problem('-infinity');
-- none of these: the history is complete
SELECT problem('2020-02-03 17:17:17.171+00'), problem('2001-01-01'), problem('4713-01-01 00:00:00+00 BC'), problem('epoch'), problem(now());
-- what is older than the kept history may have been one
DELETE FROM customer_history WHERE customer_id = 1 AND version = '2020-02-02 10:20:30.456+00';
SELECT problem('2020-02-02 10:20:30.456+00'), problem('2020-02-01 10:20:30.111+00'), problem('2020-02-03 17:17:17.171+00'), problem('2020-02-02 10:20:30+00');
DELETE FROM customer_history WHERE customer_id = 1 AND version = '2020-02-03 11:21:31.567+00';
SELECT problem('2020-02-02 10:20:30.456+00'), problem('2020-02-03 11:21:31.567+00');

-- message and hints
\x on
SELECT message, detail->'expected_ts_problem' AS expected_ts_problem
FROM (VALUES ('2020-02-04 12:22:32+00'::timestamptz), ('2020-02-04 12:22:32.678-03'), ('2999-01-01'), ('infinity'), ('2001-01-01'), ('2020-02-04 17:17:17.171+00'))
     AS bases (base), crm_update_customer(1, base, 'x', NULL, 'ana') ORDER BY base;
\x off
-- a comment is kept from these, too, and once
SELECT outcome, comment_id AS kept, message FROM crm_update_customer(1, 'infinity', 'x', 'Whenever', 'ana') \gset
SELECT :'outcome' AS outcome, :'message' AS message;
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, 'infinity', 'x', 'Whenever', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, '-infinity', 'x', 'Whenever', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, '2999-01-01', NULL, 'Whenever', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, regress.current(1), NULL, 'Whenever', 'ana');
-- changes and comments since such a base
SELECT detail->>'changes_total' AS changes, jsonb_array_length(detail->'changes') AS listed, detail->>'comments_total' AS comments
FROM (VALUES ('-infinity'::timestamptz), ('2001-01-01'), ('2999-01-01'), ('infinity')) AS bases (base),
     crm_update_customer(1, base, 'x', NULL, 'ana') ORDER BY base;
