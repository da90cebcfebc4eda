-- The older text form of comments: export, import, and the import of a whole column.
SET client_min_messages = warning;
CREATE SCHEMA comment_text;
SET search_path = comment_text, public;
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German, DMY';
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'Acme' FROM generate_series(1, 6) i;

-- import: texts over several lines, what does not parse, and a first entry without a stamp
SELECT crm_import_comments(1, E'An old note\n\n[12/15/2024, 3:45:23 PM] ana: Called.\n\n[12/16/2024, 12:00:01 AM] Ben O''Neil: Wrote:\n\ntwo paragraphs\n\n[13/45/2024, 3:45 PM] cem: no date\n\n[1/2/2025, 9:00:00\u202fAM] ana: Paid.');
SELECT author, created_at AT TIME ZONE 'UTC' = '2024-12-15 15:45:23' AS first_time, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS created_at, body
FROM comments WHERE customer_id = 1 ORDER BY id;
-- again: nothing; with one more: that one; the same twice in the text is two comments
SELECT crm_import_comments(1, E'An old note\n\n[12/15/2024, 3:45:23 PM] ana: Called.\n\n[1/2/2025, 9:00:00 AM] ana: Paid.');
SELECT crm_import_comments(1, E'[12/15/2024, 3:45:23 PM] ana: Called.\n\n[12/15/2024, 3:45:23 PM] ana: Called.\n\n[1/3/2025, 9:00:00 AM] ana: New.');
SELECT crm_import_comments(1, E'[12/15/2024, 3:45:23 PM] ana: Called.\n\n[12/15/2024, 3:45:23 PM] ana: Called.\n\n[1/3/2025, 9:00:00 AM] ana: New.');
SELECT crm_import_comments(2, NULL), crm_import_comments(2, ''), crm_import_comments(2, E' \n\n\t');
-- no time, and times of the future, are now; imported again they are known
SELECT crm_import_comments(2, 'Only a note'), crm_import_comments(2, E'[1/1/2999, 9:00:00 AM] ana: Later');
SELECT crm_import_comments(2, 'Only a note'), crm_import_comments(2, E'[1/1/2999, 9:00:00 AM] ana: Later');
SELECT author, body, created_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS now FROM comments WHERE customer_id = 2 ORDER BY id;

-- export: what was imported comes out, and in again elsewhere
SELECT crm_export_comments(1);
SELECT crm_import_comments(3, crm_export_comments(1)) AS imported, crm_export_comments(3) = crm_export_comments(1) AS same;
SELECT crm_export_comments(4) = '' AS none, crm_export_comments(99) IS NULL AS no_customer;
-- in other zones, also where the clock is put forward and back
SELECT crm_import_comments(4, E'[3/10/2024, 2:30:00 AM] ana: In the gap\n\n[11/3/2024, 1:30:00 AM] ana: Twice', 'America/New_York');
SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS utc, body FROM comments WHERE customer_id = 4 ORDER BY id;
SELECT crm_export_comments(4, 'America/New_York');
SELECT crm_export_comments(4, '+05:45') LIKE '[3/10/2024, 1:%' AS offset_zone;
-- what would be read as the begin of another entry is indented
SELECT crm_add_comment(5, E'See:\n\n[1/2/2025, 9:00:00 AM] ana: Paid.', 'eve') > 0 AS added;
SELECT regexp_replace(crm_export_comments(5), '^\[[^]]*\]', '[now]') AS exported;

-- bad input
SELECT state, message FROM regress.error($$SELECT crm_import_comments(NULL, 'x')$$);
SELECT state, message FROM regress.error($$SELECT crm_import_comments(1, 'x', NULL)$$);
SELECT state, message FROM regress.error($$SELECT crm_import_comments(1, '[12/15/2024, 3:45:23 PM] ana: x', 'Mars/Olympus')$$);
SELECT state, message FROM regress.error($$SELECT crm_export_comments(1, 'Mars/Olympus')$$);
SELECT state, message FROM regress.error($$SELECT crm_export_comments(NULL)$$);
SELECT state, message FROM regress.error($$SELECT crm_export_comments(1, NULL)$$);
SELECT * FROM regress.error($$SELECT crm_import_comments(99, 'x')$$);
SET crm_concurrency.max_comment_length = 10;
SELECT state, message FROM regress.error($$SELECT crm_import_comments(6, E'[12/15/2024, 3:45:23 PM] ana: fits\n\n[12/15/2024, 3:45:24 PM] ana: much too long')$$);
RESET crm_concurrency.max_comment_length;
SELECT count(*) FROM comments WHERE customer_id = 6;
BEGIN READ ONLY;
SELECT regress.state($$SELECT crm_import_comments(1, 'x')$$), crm_export_comments(1) IS NOT NULL AS exported;
ROLLBACK;
-- for the owner alone, and export with the caller's rights
CREATE ROLE regress_crm_text;
GRANT USAGE ON SCHEMA comment_text TO regress_crm_text;
GRANT SELECT ON customers TO regress_crm_text;
GRANT INSERT ON comments TO regress_crm_text;
SET ROLE regress_crm_text;
SELECT state, message FROM regress.error($$SELECT crm_import_comments(1, 'x')$$);
SELECT state, message FROM regress.error($$SELECT crm_export_comments(1)$$);
RESET ROLE;
GRANT SELECT ON comments TO regress_crm_text;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_ana ON comments TO regress_crm_text USING (author = 'ana');
SET ROLE regress_crm_text;
SELECT crm_export_comments(1) LIKE '%ana:%' AS of_ana, crm_export_comments(1) LIKE '%Neil%' AS of_ben;
RESET ROLE;

-- a long text, and again
SELECT string_agg(format('[%s/%s/2020, %s:00:00 AM] ana: Comment %s', i % 12 + 1, i % 28 + 1, i % 12 + 1, i), E'\n\n') AS long_text FROM generate_series(1, 20000) i \gset
SELECT crm_import_comments(6, :'long_text') AS first, crm_import_comments(6, :'long_text') AS again;

-- a column of texts, in batches, each its own transaction
CREATE SCHEMA comment_column;
SET search_path = comment_column, public;
CREATE TABLE clients (code text PRIMARY KEY, status text, "The Notes" varchar(1000));
INSERT INTO clients SELECT 'c' || i, 'new', CASE WHEN i % 3 > 0 THEN format('[1/%s/2024, 9:00:00 AM] ana: Note %s', i, i) || E'\n\n[broken' END FROM generate_series(1, 9) i;
INSERT INTO clients VALUES ('blank', 'new', ' '), ('old', 'new', 'Just a note');
SELECT crm_attach('clients', comments_column => 'The Notes');
SELECT comments_column FROM crm_attached_tables WHERE customers = 'clients'::regclass;
BEGIN;
CALL crm_import_comments_column('clients');
ROLLBACK;
SET client_min_messages = notice;
CALL crm_import_comments_column('clients', 3);
CALL crm_import_comments_column('clients', 100, 'Europe/Berlin');
SET client_min_messages = warning;
SELECT customer_id, author, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS created_at, body FROM clients_comments WHERE customer_id <> 'old' ORDER BY id;
SELECT author, body FROM clients_comments WHERE customer_id = 'old';
SELECT code, "The Notes" FROM clients WHERE code = 'c1';
-- an error names the customer; the batches before stay, and the next call goes on
CREATE TABLE more (id int PRIMARY KEY, status text, notes text);
INSERT INTO more SELECT i, 'new', format('[1/%s/2024, 9:00:00 AM] ana: Note %s', i, CASE i WHEN 5 THEN repeat('x', 100) ELSE i::text END) FROM generate_series(1, 7) i;
ALTER TABLE clients SET SCHEMA comment_text;
SELECT crm_attach('more', comments_column => 'notes');
\set SHOW_CONTEXT never
SET crm_concurrency.max_comment_length = 50;
CALL crm_import_comments_column('more', 2);
SELECT customer_id, body FROM more_comments ORDER BY id;
RESET crm_concurrency.max_comment_length;
CALL crm_import_comments_column('more', 2);
SELECT count(*) FROM more_comments;
-- bad input
CALL crm_import_comments_column(NULL);
CALL crm_import_comments_column('more', 0);
CALL crm_import_comments_column('more', NULL);
CALL crm_import_comments_column('more', 2, NULL);
CALL crm_import_comments_column('pg_class');
ALTER TABLE more RENAME COLUMN notes TO remarks;
CALL crm_import_comments_column('more');
ALTER TABLE more RENAME COLUMN remarks TO notes;
SELECT crm_attach('more');
CALL crm_import_comments_column('more');
SET ROLE regress_crm_text;
CALL crm_import_comments_column('comment_column.more');
RESET ROLE;
-- all rights on the table are not enough; ownership is, unless row security hides what would be imported
GRANT USAGE ON SCHEMA comment_column TO regress_crm_text;
GRANT ALL ON more, more_comments, more_history TO regress_crm_text;
SELECT crm_attach('more', comments_column => 'notes');
SET ROLE regress_crm_text;
CALL crm_import_comments_column('comment_column.more');
RESET ROLE;
ALTER TABLE more OWNER TO regress_crm_text;
SET ROLE regress_crm_text;
CALL crm_import_comments_column('comment_column.more');
RESET ROLE;
ALTER TABLE more_comments OWNER TO regress_crm_text;
ALTER TABLE more ENABLE ROW LEVEL SECURITY;
ALTER TABLE more FORCE ROW LEVEL SECURITY;
SET ROLE regress_crm_text;
CALL crm_import_comments_column('comment_column.more');
RESET ROLE;
ALTER TABLE more DISABLE ROW LEVEL SECURITY;
SET ROLE regress_crm_text;
CALL crm_import_comments_column('comment_column.more');
RESET ROLE;
DROP SCHEMA comment_text, comment_column CASCADE;
DROP ROLE regress_crm_text;
