-- Times of comments that the owner gives: beyond what calls can show of them they are refused.
SET client_min_messages = warning;
CREATE SCHEMA comment_times;
SET search_path = comment_times, public;
SET TimeZone = 'UTC';
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1), (2);
SELECT time, regress.state(format('INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, ''ana'', ''Of then'', %L)', time))
FROM unnest(ARRAY['-infinity', 'infinity', '200000-01-01', '294276-12-31 23:59:59.999999', '10000-01-02', '4000-01-01 BC', '4713-01-01 BC', '0001-12-30 BC']) time;
SELECT count(*) FROM comments;
SELECT state, message IS NOT NULL AS has_message, detail IS NOT NULL AS has_detail, hint IS NOT NULL AS has_hint
FROM regress.error($$INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'ana', 'Of then', '-infinity')$$);
-- together with others nothing is stored; with COPY neither
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'ana', 'Good', '2020-01-01'), (1, 'ana', 'Of then', '-infinity')$$);
\set VERBOSITY sqlstate
COPY comments (customer_id, author, body, created_at) FROM stdin;
1	ana	Good	2020-01-01
1	ana	Of then	-infinity
\.
\set VERBOSITY default
SELECT count(*) FROM comments;
-- the first that can be shown are kept, and every call shows them, in every zone
INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'ana', 'Long ago', '0001-01-03 00:00'), (1, 'ana', 'Then', '1970-01-01');
SELECT crm_export_comments(1);
SELECT zone, crm_export_comments(1, zone) IS NOT NULL AS exported FROM unnest(ARRAY['+14', '-14', 'Asia/Kathmandu', 'America/New_York', '15:59:59', '-15:59:59']) zone;
SELECT crm_get_customer(1)->'comments_total' AS comments, jsonb_path_query_array(crm_get_customer(1), '$.comments[*].timestamp') AS times;
SELECT at, body FROM crm_timeline(1) WHERE kind = 'comment';
SELECT outcome, detail->'comments_total' AS comments FROM crm_update_customer(1, '2001-01-01', 'lost', NULL, 'ben');
-- and they come in again elsewhere
SELECT crm_import_comments(2, crm_export_comments(1)) AS imported, crm_export_comments(2) = crm_export_comments(1) AS same;
-- a comment that was stored while triggers were off: the error is the caller's to understand
ALTER TABLE comments DISABLE TRIGGER USER;
INSERT INTO comments (customer_id, author, body, created_at) VALUES (2, 'ana', 'Ever', 'infinity'), (2, 'ana', 'Always', '-infinity'), (2, 'ana', 'Once', '4000-01-01 BC');
ALTER TABLE comments ENABLE TRIGGER USER;
SELECT call, regress.state(call) FROM unnest(ARRAY['SELECT crm_get_customer(2)', 'SELECT crm_timeline(2)', 'SELECT crm_verify()', $$SELECT crm_update_customer(2, regress.current(2), 'won', 'Signed', 'ana')$$,
    $$SELECT crm_update_customer(2, '2001-01-01', 'lost', 'Refused', 'ben')$$, $$SELECT crm_add_comment(2, 'Hello', 'ana')$$]) call;
SELECT regress.state('SELECT crm_export_comments(2)') IN ('00000', '22008') AS exported_or_refused;
-- texts that give such times
SELECT crm_import_comments(2, E'[1/1/200000, 9:00:00 AM] ana: Far\n\n[1/1/0001, 9:00:00 AM] ana: Old') > 0 AS imported;
SELECT count(*) FROM comments WHERE customer_id = 2 AND created_at > clock_timestamp() AND isfinite(created_at);
DROP SCHEMA comment_times CASCADE;
