-- Every kind of strange value: a clear error or a right answer.
SET client_min_messages = warning;
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
