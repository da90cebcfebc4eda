-- crm_timeline: changes and comments of a customer in one order.
SET client_min_messages = warning;
CREATE SCHEMA timeline;
SET search_path = timeline, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2020-01-05 10:00:00.123+00'), (2, 'Bolt', '2020-01-05 10:00:00.123+00');
SELECT comment_id AS first FROM crm_update_customer(1, regress.current(1), 'won', 'Who calls?', 'ana') \gset
SELECT crm_add_comment(1, 'I do', 'ben', :first) AS reply \gset
UPDATE customers SET phone = '1' WHERE id = 1;
SELECT crm_add_comment(1, 'Me too', 'cem', :reply) > 0 AS added;
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', 'Refused', 'dan');
INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'old', 'Imported', '2019-01-01');
SELECT kind, operation, author, db_user = session_user AS db_user, status_from, status_to, fields, comment_id - :first AS comment, reply_to - :first AS reply_to, thread - :first AS thread,
       depth, body, save_refused, at = (SELECT recorded_at FROM customer_history h WHERE h.customer_id = 1 AND h.version = t.version) AS at_recorded FROM crm_timeline(1) t;
-- pages: all of them are the whole, also where many comments have the same time
INSERT INTO comments (customer_id, author, body, created_at) SELECT 2, 'ana', 'c' || i, '2019-01-01'::timestamptz + i / 7 * interval '1 day' FROM generate_series(1, 100) i;
DO $$ BEGIN FOR i IN 1..30 LOOP UPDATE customers SET phone = i WHERE id = 2; END LOOP; END $$;
DELETE FROM customers WHERE id = 1;
WITH RECURSIVE pages AS (
    SELECT NULL::timestamptz AS before, ARRAY(SELECT t::text FROM crm_timeline(2, 10) t) AS rows, 1 AS n,
           (SELECT min(at) FROM crm_timeline(2, 10)) AS last
    UNION ALL
    SELECT p.last, ARRAY(SELECT t::text FROM crm_timeline(2, 10, p.last) t), n + 1, (SELECT min(at) FROM crm_timeline(2, 10, p.last))
    FROM pages p WHERE p.last IS NOT NULL
)
SELECT array_agg(r.r) = (SELECT array_agg(t::text) FROM crm_timeline(2, 1000) t) AS whole, count(*) AS rows, max(n) > 5 AS pages
FROM (SELECT n, rows, r FROM pages, unnest(rows) r ORDER BY n) r;
-- also for a client that keeps milliseconds of the last time, or any part of it, where several came in one millisecond
INSERT INTO customers (id, updated_at) VALUES (3, '2020-01-05 10:00:00.123+00');
INSERT INTO comments (customer_id, author, body, created_at)
SELECT 3, 'ana', 'c' || i, '2019-01-01'::timestamptz + i * interval '150 us' FROM generate_series(0, 60) i;
CREATE FUNCTION pages(max_rows integer, kept text) RETURNS TABLE (rows bigint, is_whole boolean, is_ordered boolean, pages integer, largest integer)
LANGUAGE plpgsql AS $$
DECLARE before timestamptz; page text[]; last timestamptz; whole text[] := '{}';
BEGIN
    pages := 0; largest := 0;
    LOOP
        SELECT array_agg(t::text), min(t.at) INTO page, last FROM crm_timeline(3, max_rows, before) t;
        EXIT WHEN page IS NULL;
        whole := whole || page; pages := pages + 1; largest := greatest(largest, cardinality(page));
        before := date_trunc(kept, last);
    END LOOP;
    rows := cardinality(whole);
    SELECT whole @> array_agg(t::text), whole = array_agg(t::text) INTO is_whole, is_ordered FROM crm_timeline(3, 1000) t;
    RETURN NEXT;
END $$;
SELECT n, kept, p.* FROM unnest(ARRAY[1, 4, 10, 100]) n, unnest(ARRAY['milliseconds', 'microseconds']) kept, pages(n, kept) p ORDER BY n, kept;
-- a page begins before the millisecond that is named, whatever part of it is
SELECT count(*), count(DISTINCT t) FROM unnest(ARRAY[3000, 3001, 3999]) us, LATERAL (SELECT array_agg(t) AS t FROM crm_timeline(3, 1000, '2019-01-01'::timestamptz + us * interval '1 us') t) s;
-- long threads, all of them and their ends alone
INSERT INTO customers (id) VALUES (4);
INSERT INTO comments (customer_id, id, author, body, reply_to) SELECT 4, 100000 + i, 'ana', 'r' || i, CASE WHEN i > 1 THEN 99999 + i - i % 2 END FROM generate_series(1, 5000) i;
SELECT count(*), count(DISTINCT thread) AS threads, max(depth) AS deepest, sum(depth) AS depths FROM crm_timeline(4, 10000) WHERE kind = 'comment';
SELECT comment_id - 100000 AS comment, reply_to - 100000 AS reply_to, thread - 100000 AS thread, depth FROM crm_timeline(4, 10000) WHERE kind = 'comment' AND comment_id > 104997;
-- a customer that is gone has its history
SELECT kind, operation, status_from FROM crm_timeline(1) LIMIT 2;
SELECT count(*) FROM crm_timeline(99);
SELECT count(*) FROM crm_timeline(2, 0);
-- bad input
SELECT state, message FROM regress.error('SELECT crm_timeline(NULL)');
SELECT state, message FROM regress.error('SELECT crm_timeline(2, NULL)');
SELECT state, message FROM regress.error('SELECT crm_timeline(2, -1)');
SELECT count(*) FROM crm_timeline(2, 5, '-infinity');
-- the caller's rights
CREATE ROLE regress_crm_timeline;
GRANT USAGE ON SCHEMA timeline TO regress_crm_timeline;
SET ROLE regress_crm_timeline;
SELECT state, message FROM regress.error('SELECT crm_timeline(2)');
RESET ROLE;
GRANT SELECT ON comments TO regress_crm_timeline;
SET ROLE regress_crm_timeline;
SELECT kind, count(*) FROM crm_timeline(2, 1000) GROUP BY kind ORDER BY kind;
RESET ROLE;
REVOKE SELECT ON comments FROM regress_crm_timeline;
GRANT SELECT ON customer_history, customers TO regress_crm_timeline;
SET ROLE regress_crm_timeline;
SELECT kind, count(*), count(thread) AS threads FROM crm_timeline(2, 1000) GROUP BY kind ORDER BY kind;
RESET ROLE;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
SET ROLE regress_crm_timeline;
SELECT count(*) FROM crm_timeline(2);
RESET ROLE;
CREATE SCHEMA timeline_by_key;
CREATE TABLE timeline_by_key.accounts (id text PRIMARY KEY, status text, updated_at timestamptz NOT NULL);
SELECT crm_attach('timeline_by_key.accounts');
SET search_path = timeline_by_key, public;
INSERT INTO accounts VALUES ('a', 'new', '2020-01-05 10:00:00.123+00');
SELECT crm_add_comment_by_key('a', 'Hello', 'ana') > 0 AS added;
SELECT kind, operation, author, body FROM crm_timeline_by_key('a');
DROP SCHEMA timeline, timeline_by_key CASCADE;
DROP ROLE regress_crm_timeline;
