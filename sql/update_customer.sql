-- crm_update_customer: every outcome, its columns, message and detail.
SET client_min_messages = warning;
CREATE SCHEMA update_customer;
SET search_path = update_customer, public;
-- Nothing may depend on how the session writes times.
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'sql_standard';
SELECT crm_create_tables();
INSERT INTO customers (name, phone) VALUES ('Acme', '1'), ('Bolt', '2'), ('Coil', '3');
SELECT regress.current(1) AS base \gset

-- updated: status and comment
SELECT outcome, http_status, status, updated_at = regress.current(1) AS is_current, updated_at > :'base' AS is_later,
       comment_id, message, detail
FROM crm_update_customer(1, :'base', 'won', 'Signed today', 'ana');
SELECT id, customer_id, author, body, created_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS stamped, reply_to,
       based_on = :'base' AS based_on_base, save_refused, adopted_version, expected_ts
FROM comments;
SELECT * FROM regress.history(1);
SELECT db_user = session_user AS db_user, recorded_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS recorded
FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;

-- updated: the comment alone, then the status alone, then both again; blank comments are none
SELECT outcome, status, comment_id, message, detail FROM crm_update_customer(1, regress.current(1), NULL, 'Sent flowers', 'ben');
SELECT outcome, status, comment_id, detail FROM crm_update_customer(1, regress.current(1), 'paid', NULL, 'ben');
SELECT outcome, status, comment_id, detail FROM crm_update_customer(1, regress.current(1), 'done', E' \t\n\u00a0\u3000', 'ben');
SELECT outcome, status, comment_id, detail FROM crm_update_customer(1, regress.current(1), 'done', 'The same status, a new word', 'ben');
-- named arguments
SELECT outcome, status FROM crm_update_customer(author => 'ben', comment => NULL, status => 'named',
    expected_ts => regress.current(1), id => 1);

-- unchanged
SELECT regress.current(1) AS base5 \gset
SELECT outcome, http_status, status, updated_at = :'base5' AS is_base, comment_id, message, detail
FROM crm_update_customer(1, :'base5', 'named', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, :'base5', NULL, '', 'ana');
SELECT outcome FROM crm_update_customer(1, :'base5', 'named', '   ', 'ana');
SELECT regress.current(1) = :'base5' AS version_stands, (SELECT count(*) FROM customer_history WHERE customer_id = 1) AS history;

-- a base means a version to the millisecond
SELECT outcome FROM crm_update_customer(1, :'base5'::timestamptz + interval '999 us', NULL, NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, :'base5'::timestamptz - interval '999 us', NULL, NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, :'base5'::timestamptz + interval '1 ms', NULL, NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, :'base5'::timestamptz - interval '1 ms', NULL, NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, :'base5'::timestamptz + interval '999 us', 'by a coarse clock', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, :'base5'::timestamptz - interval '1 us', 'by a coarse clock', NULL, 'ana');

-- replayed: from the very base, still current and superseded; the comment's id comes back
SELECT regress.current(2) AS base \gset
SELECT outcome, comment_id FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana');
SELECT outcome, http_status, status, updated_at = regress.current(2) AS is_current, comment_id, message, regress.detail(detail, 2)
FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana');
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'lost', NULL, 'ben');
SELECT outcome, http_status, status, updated_at = regress.current(2) AS is_current, comment_id, message,
       regress.detail(detail - 'superseded_by', 2), regress.detail((detail->'superseded_by') - 'db_user', 2),
       detail->'superseded_by'->>'db_user' = session_user AS db_user
FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana');
-- a plain write has no author
UPDATE customers SET phone = '22' WHERE id = 2;
SELECT outcome, regress.detail((detail->'superseded_by') - 'db_user', 2)
FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana');
SELECT count(*) AS comments FROM comments WHERE customer_id = 2;

-- conflict: the comment is kept, the rest is not done
SELECT outcome, http_status, status, updated_at = regress.current(2) AS is_current, comment_id, message
FROM crm_update_customer(2, :'base', 'paused', 'Call again in May', 'cy');
SELECT status FROM customers WHERE id = 2;
SELECT id, author, body, based_on = :'base' AS based_on_base, save_refused, adopted_version FROM comments WHERE author = 'cy';
-- its detail: what others did since; the caller's own kept comment is no news
SELECT regress.detail(jsonb_set(detail, '{changes}', (SELECT jsonb_agg(change - 'db_user') FROM jsonb_array_elements(detail->'changes') change)), 2)
FROM crm_update_customer(2, :'base', 'paused', 'Call again in May', 'cy');
SELECT (SELECT count(*) FROM jsonb_array_elements(detail->'changes') c WHERE c->>'db_user' = session_user) AS db_users,
       detail->>'changes_total' AS changes, detail->>'comments_total' AS comments
FROM crm_update_customer(2, :'base', 'paused', 'Call again in May', 'cy');
-- times in the detail are ISO 8601 in UTC
SELECT detail->'current'->>'updated_at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$' AS iso,
       (detail->'changes'->0->>'recorded_at') ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$' AS recorded_at,
       (detail->'comments'->0->>'timestamp') ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$' AS comment,
       (detail->'changes'->0->>'version') ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$' AS version
FROM crm_update_customer(2, :'base', NULL, NULL, 'dee');
-- what collides: was, mine, theirs
SELECT message, detail->'conflicts' AS conflicts FROM crm_update_customer(2, :'base', 'paused', NULL, 'dee');
SELECT message, detail->'conflicts' AS conflicts FROM crm_update_customer(2, :'base', 'lost', NULL, 'dee');  -- theirs already
SELECT message, detail->'conflicts' AS conflicts FROM crm_update_customer(2, :'base', 'new', NULL, 'dee');  -- as it was
SELECT message, detail->'conflicts' AS conflicts FROM crm_update_customer(2, :'base', NULL, NULL, 'dee');
SELECT message, detail->'conflicts' AS conflicts FROM crm_update_customer(2, :'base', NULL, 'Just a word', 'dee');
-- one change, by a person and by a plain write
SELECT regress.current(3) AS base \gset
SELECT outcome FROM crm_update_customer(3, :'base', 'open', NULL, 'ana');
SELECT message FROM crm_update_customer(3, :'base', 'shut', NULL, 'ben');
SELECT regress.current(3) AS base \gset
UPDATE customers SET phone = '33' WHERE id = 3;
SELECT replace(message, session_user, 'SESSION_USER') FROM crm_update_customer(3, :'base', 'shut', NULL, 'ben');
SELECT detail->'conflicts' AS conflicts FROM crm_update_customer(3, :'base', 'shut', NULL, 'ben');  -- nobody touched it
-- lists are capped at 50, the latest, with a total
DO $$ BEGIN
    FOR i IN 1..60 LOOP
        UPDATE customers SET status = 's' || i WHERE id = 3;
        INSERT INTO comments (customer_id, author, body) VALUES (3, 'eve', 'c' || i);
    END LOOP;
END $$;
SELECT jsonb_array_length(detail->'changes') AS changes, detail->>'changes_total' AS of,
       detail->'changes'->0->>'status_to' AS first, detail->'changes'->49->>'status_to' AS last,
       jsonb_array_length(detail->'comments') AS comments, detail->>'comments_total' AS of,
       detail->'comments'->0->>'text' AS first, detail->'comments'->49->>'text' AS last
FROM crm_update_customer(3, :'base', 'shut', NULL, 'ben');
SELECT replace(message, session_user, 'SESSION_USER') FROM crm_update_customer(3, :'base', 'shut', 'Word', 'ben');

-- not_found and deleted
SELECT * FROM crm_update_customer(99, :'base', 'x', 'Lost words?', 'ana');
SELECT outcome, http_status FROM crm_update_customer(-1, :'base', NULL, NULL, 'ana');
SELECT outcome, http_status FROM crm_update_customer(9223372036854775807, :'base', NULL, NULL, 'ana');
SELECT regress.current(1) AS base1 \gset
SELECT outcome FROM crm_update_customer(1, :'base1', 'last words', 'Bye', 'ana');
DELETE FROM customers WHERE id = 1;
SELECT * FROM crm_update_customer(1, :'base1', 'other', 'Hello?', 'ben');
SELECT count(*) AS comments FROM comments WHERE customer_id = 1;
-- a save that was applied before the deletion is still known
SELECT outcome, http_status, status, updated_at, message, regress.detail(detail #- '{superseded_by,db_user}', 1)
FROM crm_update_customer(1, :'base1', 'last words', 'Bye', 'ana');
-- deleted, even for a base that never was
SELECT outcome FROM crm_update_customer(1, 'infinity', 'other', NULL, 'ben');
-- created again: the old base conflicts, the new one continues the chain
INSERT INTO customers (id, name) VALUES (1, 'Acme again');
SELECT outcome, status, message FROM crm_update_customer(1, :'base1', 'other', NULL, 'ben');
SELECT outcome, status FROM crm_update_customer(1, regress.current(1), 'reborn', NULL, 'ben');

-- a row without history (written with triggers off) can be saved
SET session_replication_role = replica;
INSERT INTO customers (id, name, updated_at) VALUES (10, 'Legacy', '2020-02-03 04:05:06.789+00');
RESET session_replication_role;
SELECT outcome, regress.detail(detail, 10) FROM crm_update_customer(10, '2019-01-01 00:00:00+00', 'x', NULL, 'ana');
SELECT outcome, updated_at = regress.current(10) AS is_current
FROM crm_update_customer(10, '2020-02-03 04:05:06.789+00', 'first', 'known now', 'ana');
SELECT * FROM regress.history(10);
SELECT outcome, detail->'expected_ts_problem' AS problem, detail->'conflicts' AS conflicts
FROM crm_update_customer(10, '2020-02-03 04:05:06.789+00', 'second', NULL, 'ben');

-- (f()).* calls the function once for each column, and must be harmless
INSERT INTO customers (id, name) VALUES (11, 'Star');
SELECT (x.saved).outcome, (x.saved).status, (x.saved).comment_id
FROM (SELECT crm_update_customer(11, regress.version(11, 1), 'starred', 'Once', 'ana') AS saved OFFSET 0) x;
SELECT (crm_update_customer(11, regress.version(11, 2), 'starred twice', 'Twice', 'ana')).status;
SELECT status, (SELECT count(*) FROM customer_history WHERE customer_id = 11) AS history,
       (SELECT count(*) FROM comments WHERE customer_id = 11) AS comments
FROM customers WHERE id = 11;
CREATE TEMP TABLE stars AS
SELECT (crm_update_customer(11, regress.version(11, 3), 'thrice', 'Thrice', 'ana')).*;
SELECT status, comment_id FROM stars;
SELECT status, (SELECT count(*) FROM customer_history WHERE customer_id = 11) AS history,
       (SELECT count(*) FROM comments WHERE customer_id = 11) AS comments
FROM customers WHERE id = 11;

-- many customers in one statement, and one customer many times
INSERT INTO customers (id) SELECT generate_series(20, 24);
SELECT id, s.outcome, s.status FROM customers c, crm_update_customer(c.id, c.updated_at, 'bulk', NULL, 'ana') s
WHERE id BETWEEN 20 AND 24 ORDER BY id;
SELECT i, s.outcome FROM generate_series(1, 3) i,
    crm_update_customer(20, regress.version(20, 2), 'round ' || i, NULL, 'ana') s ORDER BY i;

-- within one transaction each save has its own version
BEGIN;
SELECT outcome FROM crm_update_customer(21, regress.current(21), 'a', NULL, 'ana');
SELECT outcome FROM crm_update_customer(21, regress.current(21), 'b', NULL, 'ana');
SAVEPOINT before_c;
SELECT outcome FROM crm_update_customer(21, regress.current(21), 'c', 'words', 'ana');
ROLLBACK TO before_c;
SELECT outcome FROM crm_update_customer(21, regress.current(21), 'd', NULL, 'ana');
COMMIT;
SELECT n, status_to FROM regress.history(21);
-- what is refused and rolled back keeps nothing
BEGIN;
SELECT outcome, comment_id IS NOT NULL AS kept FROM crm_update_customer(21, regress.version(21, 1), 'x', 'gone with the transaction', 'ana');
ROLLBACK;
SELECT count(*) FROM comments WHERE body LIKE 'gone%';

SELECT * FROM regress.violations() WHERE customer <> 10;
