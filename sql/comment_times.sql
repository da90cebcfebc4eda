-- Times of comments that the owner gives: beyond what calls can show of them they are refused.
SET client_min_messages = warning;
CREATE SCHEMA comment_times;
SET search_path = comment_times, public;
SET TimeZone = 'UTC';
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1), (2), (3);
SELECT time, regress.state(format('INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, ''ana'', ''Of then'', %L)', time))
FROM unnest(ARRAY['-infinity', 'infinity', '200000-01-01', '294276-12-31 23:59:59.999999', '10000-01-02', '4000-01-01 BC', '4713-01-01 BC', '0001-12-30 BC']) time;
SELECT count(*) FROM comments;
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'ana', 'Of then', '-infinity')$$);
-- together with others nothing is stored; with COPY neither
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'ana', 'Good', '2020-01-01'), (1, 'ana', 'Of then', '-infinity')$$);
\set VERBOSITY sqlstate
COPY comments (customer_id, author, body, created_at) FROM stdin;
1	ana	Good	2020-01-01
1	ana	Of then	-infinity
\.
\set VERBOSITY default
SELECT count(*) FROM comments;
-- the first and the last millisecond
SELECT time, regress.state(format('INSERT INTO comments (customer_id, author, body, created_at) VALUES (3, ''ana'', ''Of then'', %L)', time))
FROM unnest(ARRAY['0001-12-31 23:59:59.999999 BC', '0001-01-01 00:00', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999001', '10000-01-01 00:00']) time;
SELECT extract(year FROM created_at) = 1 AS is_first, created_at <= clock_timestamp() AS is_past FROM comments WHERE customer_id = 3 ORDER BY id;
-- what else is wrong comes first, but for what the constraints tell
SELECT value, regress.state(format('INSERT INTO comments (created_at, customer_id, author, body) VALUES (''infinity'', %s)', value))
FROM unnest(ARRAY['1, '''', ''Of then''', '1, ''ana'', NULL', 'NULL, ''ana'', ''Of then''', '99, ''ana'', ''Of then''']) value;
-- whoever gives it, and with a version
CREATE ROLE regress_crm_times;
GRANT USAGE ON SCHEMA comment_times TO regress_crm_times;
GRANT SELECT (id, status, updated_at), UPDATE (status) ON customers TO regress_crm_times;
GRANT INSERT (customer_id, author, body, created_at, expected_ts) ON comments TO regress_crm_times;
SET ROLE regress_crm_times;
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'ana', 'Of then', 'infinity')$$),
       regress.state($$INSERT INTO comments (customer_id, author, body, created_at, expected_ts) VALUES (1, 'ana', 'Of then', 'infinity', regress.current(1))$$);
RESET ROLE;
REVOKE ALL ON customers, comments FROM regress_crm_times;
REVOKE ALL ON SCHEMA comment_times FROM regress_crm_times;
DROP ROLE regress_crm_times;
-- a trigger of others gives it
CREATE FUNCTION of_then() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.created_at := 'infinity'; RETURN NEW; END $$;
CREATE TRIGGER of_then BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION of_then();
SELECT call, e.* FROM unnest(ARRAY[$$INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'Of then')$$, $$SELECT crm_add_comment(1, 'Of then', 'ana')$$,
    $$SELECT crm_update_customer(1, regress.current(1), 'won', 'Of then', 'ana')$$, $$SELECT crm_update_customer(1, '2001-01-01', 'lost', 'Of then', 'ana')$$]) call, regress.error(call) e;
DROP TRIGGER of_then ON comments;
SELECT count(*) AS versions, max(status_to) AS status FROM customer_history WHERE customer_id = 1;
SELECT count(*) FROM comments WHERE customer_id = 1;

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
