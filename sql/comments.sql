-- Comments: the table and its guard, replies, times that owners give, and customers that are deleted meanwhile.

-- The comments table: what its guard stamps, refuses and lets pass, and what becomes of comments of refused saves.
SET client_min_messages = warning;
CREATE SCHEMA comments;
SET search_path = comments, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1), (2), (3);
SELECT regress.current(1) AS base \gset

-- a bare comment: stamped, and no version
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'bare')
RETURNING id, created_at BETWEEN now() AND clock_timestamp() AS stamped, reply_to, based_on, save_refused, adopted_version, expected_ts;
SELECT regress.current(1) = :'base' AS version_stands;
-- replies stay with the customer
INSERT INTO comments (customer_id, author, body, reply_to) VALUES (1, 'ben', 'reply', 1);
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, reply_to) VALUES (2, 'ben', 'reply across', 1)$$);
SELECT regress.state($$INSERT INTO comments (customer_id, author, body) VALUES (99, 'ben', 'nobody')$$);
-- blanks and nulls
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author, body) VALUES (1, ' ', 'x')$$);
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', E'\n\t ')$$);
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, body) VALUES (1, 'x')$$);
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author) VALUES (1, 'ana')$$);
SELECT regress.state($$INSERT INTO comments (author, body) VALUES ('ana', 'x')$$);
SELECT regress.state($$INSERT INTO comments (customer_id, id, author, body) VALUES (1, NULL, 'ana', 'x')$$);
-- append-only
SELECT state, message, detail FROM regress.error($$UPDATE comments SET body = 'other'$$);
SELECT state, message, detail FROM regress.error($$DELETE FROM comments WHERE id = 1$$);
SELECT regress.state($$UPDATE comments SET save_refused = true$$);
SELECT regress.state($$UPDATE comments SET customer_id = 2$$);
SELECT regress.state($$INSERT INTO comments (customer_id, id, author, body) VALUES (1, 1, 'ana', 'x') ON CONFLICT (customer_id, id) DO UPDATE SET body = 'upsert'$$);
SELECT * FROM regress.error('TRUNCATE comments');
SELECT regress.state('TRUNCATE customers CASCADE');
SELECT id, body FROM comments ORDER BY id;
-- they go with their customer, however it goes
INSERT INTO comments (customer_id, author, body) VALUES (3, 'ana', 'one'), (3, 'ana', 'two');
DELETE FROM customers WHERE id = 3;
SELECT count(*) FROM comments WHERE customer_id = 3;
-- a deletion that another trigger prevents takes no comment along
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION keep();
DELETE FROM customers WHERE id = 1;
SELECT count(*) FROM comments WHERE customer_id = 1;
DROP TRIGGER keep ON customers;

-- versioned INSERT: the base is checked, the customer advances
SELECT regress.current(2) AS base \gset
INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ana', 'versioned', :'base')
RETURNING id, created_at BETWEEN now() AND clock_timestamp() AS stamped, based_on = :'base' AS based_on_base, save_refused, expected_ts;
SELECT * FROM regress.history(2);
SELECT state, message, regress.detail((detail::jsonb) #- '{changes,0,db_user}', 2) AS detail, hint
FROM regress.error(format($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ben', 'stale', %L)$$, :'base'));
SELECT count(*) FROM comments WHERE body = 'stale';
-- two in one statement: the second is stale
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts)
    SELECT 2, 'ben', 'twice', updated_at FROM customers, generate_series(1, 2) WHERE customers.id = 2$$);
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ben', 'never', 'infinity')$$);
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (99, 'ben', 'nobody', now())$$);
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ben', ' ', regress.current(2))$$);
SELECT n, author, comment_id FROM regress.history(2);
-- a base to the millisecond is current
INSERT INTO comments (customer_id, author, body, expected_ts)
VALUES (2, 'ben', 'coarse', regress.current(2) + interval '400 us') RETURNING id;
-- what is stored repeats nothing when it is loaded again
CREATE TEMP TABLE dump AS SELECT * FROM comments WHERE customer_id = 2;
SET crm_concurrency.allow_truncate = on;
TRUNCATE comments;
RESET crm_concurrency.allow_truncate;
SELECT regress.current(2) AS base \gset
INSERT INTO comments SELECT * FROM dump;
SELECT regress.current(2) = :'base' AS version_stands, count(*) AS comments,
       bool_and(c = d) AS equal FROM comments c JOIN dump d USING (customer_id, id);

-- refused: kept once, from whichever base it is repeated
INSERT INTO customers (id) VALUES (10);
SELECT regress.version(10, 1) AS v1 \gset
UPDATE customers SET status = 'two' WHERE id = 10;
SELECT regress.version(10, 2) AS v2 \gset
UPDATE customers SET status = 'three' WHERE id = 10;
SELECT outcome, comment_id AS kept FROM crm_update_customer(10, :'v1', 'x', 'Say it once', 'ana') \gset
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v1', 'x', 'Say it once', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v2', 'x', 'Say it once', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v2', NULL, 'Say it once', 'ana');
-- another author's, another text are others
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v1', 'x', 'Say it once', 'ben');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v1', 'x', 'Say it once ', 'ana');
SELECT author, body, save_refused FROM comments WHERE customer_id = 10 ORDER BY id;
SELECT count(*) AS versions FROM customer_history WHERE customer_id = 10;
-- adopted by the author's next save with the same words
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, regress.current(10), 'four', 'Say it once', 'ana');
SELECT author, body, save_refused, adopted_version = regress.version(10, 4) AS adopted, based_on = :'v1' AS based_on
FROM comments WHERE id = :kept;
SELECT n, based_on, author, status_to, comment_id = :kept AS kept FROM regress.history(10) ORDER BY n DESC LIMIT 1;
-- a late duplicate of the refused save finds it, too
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v1', 'x', 'Say it once', 'ana');
-- the same words said again, after the adoption, are another comment
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, regress.current(10), 'five', 'Say it once', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, regress.version(10, 4), 'six', 'Say it once', 'ana');
SELECT count(*) FROM comments WHERE customer_id = 10 AND author = 'ana' AND body = 'Say it once';
-- a bare comment with these words adopts nothing and is not adopted
SELECT outcome, comment_id AS kept FROM crm_update_customer(10, :'v1', 'x', 'Words', 'cy') \gset
INSERT INTO comments (customer_id, author, body) VALUES (10, 'cy', 'Words') RETURNING id <> :kept AS another;
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, regress.current(10), 'seven', 'Words', 'cy');
-- the window closed: the same words are two comments, but the very same save still is one
SET crm_concurrency.refused_comment_window = 0;
SELECT outcome, comment_id AS kept FROM crm_update_customer(10, :'v1', 'x', 'Late', 'dee') \gset
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v1', 'x', 'Late', 'dee');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, :'v2', 'x', 'Late', 'dee');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, regress.current(10), 'eight', 'Late', 'dee');
SELECT count(*), count(*) FILTER (WHERE save_refused) AS refused FROM comments WHERE author = 'dee';
RESET crm_concurrency.refused_comment_window;
-- an author's name of any length
SELECT string_agg(md5(i::text), '') AS long_name FROM generate_series(1, 300) i \gset
SELECT outcome, comment_id AS kept FROM crm_update_customer(10, :'v1', 'x', 'By a long name', :'long_name') \gset
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(10, regress.current(10), 'nine', 'By a long name', :'long_name');

-- imports: the owner's past times are kept, others are stamped
INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'old', 'import', '2019-05-06 07:08:09+00');
INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'old', 'from the future', now() + interval '1 day');
INSERT INTO comments (customer_id, author, body, created_at, save_refused, based_on)
VALUES (1, 'old', 'import of a refused one', '2019-05-06 07:08:09+00', true, '2019-05-01 00:00:00+00');
-- an infinite time is no time, and no reason to adopt
SET session_replication_role = replica;
INSERT INTO comments (customer_id, author, body, created_at, save_refused) VALUES (1, 'old', 'endless', '-infinity', true)
RETURNING id AS endless \gset
RESET session_replication_role;
SELECT outcome, comment_id = :endless AS adopted FROM crm_update_customer(1, regress.current(1), 'x', 'endless', 'old');
SELECT body, created_at = '2019-05-06 07:08:09+00' AS kept, created_at > '2020-01-01' AND created_at <= clock_timestamp() AS stamped,
       save_refused, based_on IS NOT NULL AS based
FROM comments WHERE author = 'old' AND body <> 'endless' ORDER BY id;
CREATE ROLE regress_crm_writer;
GRANT USAGE ON SCHEMA comments TO regress_crm_writer;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON comments TO regress_crm_writer;
GRANT SELECT, UPDATE, DELETE ON customers TO regress_crm_writer;
SET ROLE regress_crm_writer;
INSERT INTO comments (customer_id, author, body, created_at, based_on, save_refused, adopted_version)
VALUES (1, 'writer', 'forged', '2019-05-06 07:08:09+00', '2019-01-01', true, '2019-01-02')
RETURNING created_at BETWEEN now() AND clock_timestamp() AS stamped, based_on, save_refused, adopted_version;
INSERT INTO comments (customer_id, author, body, created_at, based_on, save_refused, adopted_version, expected_ts)
VALUES (1, 'writer', 'forged too', '2019-05-06 07:08:09+00', '2019-01-01', true, '2019-01-02', regress.current(1))
RETURNING created_at BETWEEN now() AND clock_timestamp() AS stamped, based_on > '2020-01-01' AS based_on_base, save_refused, adopted_version;
SELECT regress.state($$UPDATE comments SET body = 'x'$$);
SELECT regress.state($$DELETE FROM comments$$);
SET crm_concurrency.allow_truncate = on;
SELECT * FROM regress.error('TRUNCATE comments');
RESET crm_concurrency.allow_truncate;
-- the cascade works for whoever may delete the customer
DELETE FROM customers WHERE id = 2;
RESET ROLE;
SELECT count(*) FROM comments WHERE customer_id = 2;

SELECT * FROM regress.violations();
REVOKE ALL ON comments, customers FROM regress_crm_writer;
REVOKE ALL ON SCHEMA comments FROM regress_crm_writer;
DROP ROLE regress_crm_writer;

-- reply_to: comments that answer others, within one customer.
CREATE SCHEMA threads;
SET search_path = threads, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1), (2);
SELECT comment_id AS first FROM crm_update_customer(1, regress.current(1), NULL, 'Who calls?', 'ana') \gset
SELECT outcome, comment_id AS reply FROM crm_update_customer(1, regress.current(1), NULL, 'I do', 'ben', reply_to => :first) \gset
SELECT comment_id AS other FROM crm_update_customer(2, regress.current(2), NULL, 'Elsewhere', 'ana') \gset
SELECT id, body, reply_to FROM comments WHERE customer_id = 1 ORDER BY id;

-- a reply to what is not there, to another customer's comment, and without a comment
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'Lost?', 'ben', reply_to => 99)$$);
SELECT state, message FROM regress.error(format($$SELECT crm_update_customer(1, regress.current(1), 'x', 'Lost?', 'ben', reply_to => %s)$$, :other));
SELECT * FROM regress.error(format($$SELECT crm_update_customer(1, regress.current(1), 'x', ' ', 'ben', reply_to => %s)$$, :first));
SELECT regress.state(format($$SELECT crm_update_customer(1, '2001-01-01', 'x', 'Lost?', 'ben', reply_to => %s)$$, :other));
SELECT status, (SELECT count(*) FROM comments WHERE body = 'Lost?') AS lost FROM customers WHERE id = 1;

-- a refused reply is kept as a reply, once, and adopted by the next save of it; the same words in answer to another are others
SELECT outcome, comment_id AS kept FROM crm_update_customer(1, '2001-01-01', 'x', 'Me too', 'cem', reply_to => :reply) \gset
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, '2001-01-01', 'x', 'Me too', 'cem', reply_to => :reply);
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, '2001-01-01', 'x', 'Me too', 'cem', reply_to => :first);
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, '2001-01-01', 'x', 'Me too', 'cem');
SELECT regress.current(1) AS base \gset
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, :'base', 'x', 'Me too', 'cem', reply_to => :reply);
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, :'base', 'x', 'Me too', 'cem', reply_to => :reply);
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, :'base', 'x', 'Me too', 'cem', reply_to => :first);
SELECT body, reply_to = :first AS to_first, reply_to = :reply AS to_reply, save_refused FROM comments WHERE customer_id = 1 ORDER BY id;

-- plain INSERTs: to the same customer's earlier comments only
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, reply_to) VALUES (1, 'ana', 'x', 99)$$);
SELECT regress.state(format($$INSERT INTO comments (customer_id, author, body, reply_to) VALUES (1, 'ana', 'x', %s)$$, :other));
SELECT regress.state($$INSERT INTO comments (customer_id, id, author, body, reply_to) VALUES (1, 1000, 'ana', 'x', 1000)$$);
SELECT regress.state($$INSERT INTO comments (customer_id, id, author, body, reply_to) VALUES (1, 1000, 'ana', 'x', 1001), (1, 1001, 'ana', 'x', 1000)$$);
SELECT regress.state(format($$INSERT INTO comments (customer_id, author, body, reply_to) VALUES (1, 'ana', 'x', %s)$$, :first));

-- the right to insert reply_to
CREATE ROLE regress_crm_threads;
GRANT USAGE ON SCHEMA threads TO regress_crm_threads;
GRANT SELECT, UPDATE ON customers TO regress_crm_threads;
GRANT INSERT (customer_id, author, body) ON comments TO regress_crm_threads;
SELECT regress.current(1) AS base \gset
SET ROLE regress_crm_threads;
SELECT state, message FROM regress.error(format($$SELECT crm_update_customer(1, %L, NULL, 'A reply', 'ben', reply_to => %s)$$, :'base', :first));
SELECT outcome FROM crm_update_customer(1, :'base', NULL, 'No reply', 'ben');
RESET ROLE;
-- comments go with their customer, threads and all
DELETE FROM customers WHERE id = 1;
SELECT count(*) FROM comments WHERE customer_id = 1;
SELECT * FROM regress.violations();
DROP SCHEMA threads CASCADE;
DROP ROLE regress_crm_threads;

-- Times of comments that the owner gives: beyond what calls can show of them they are refused.
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

RESET TimeZone;
-- Code of others that deletes the customer while a comment of it is being stored: there is never a comment without its customer.
-- It deletes nothing when an index is made, which also reads deleted rows that some old snapshot may still see.
CREATE SCHEMA orphaned_comments;
SET search_path = orphaned_comments, public;
SELECT crm_create_tables();
CREATE FUNCTION delete_customer(customer bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM orphaned_comments.customers WHERE id = customer;
    RETURN true;
END $$;
CREATE FUNCTION deletes(customer bigint, body text) RETURNS boolean LANGUAGE sql AS $$ SELECT CASE WHEN body LIKE 'Delete%' AND current_setting('orphaned.body', true) <> '' THEN orphaned_comments.delete_customer(customer) ELSE true END $$;
CREATE FUNCTION deleting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM orphaned_comments.deletes(NEW.customer_id, NEW.body); RETURN NEW; END $$;
-- Does each thing that stores a comment to a customer of its own, and tells what is left that must not be.
CREATE FUNCTION try(planted text, taken_out text) RETURNS TABLE (did text, orphans bigint, as_it_must boolean, otherwise text) LANGUAGE plpgsql AS $try$
#variable_conflict use_column
DECLARE
    state text;
    customers bigint;
BEGIN
    EXECUTE planted;
    FOREACH did IN ARRAY ARRAY[
        $$SELECT crm_update_customer(1, regress.current(1), 'won', 'Delete', 'ana')$$,
        $$SELECT crm_update_customer(1, regress.current(1), NULL, 'Delete', 'ana')$$,
        $$SELECT crm_update_customer(1, '2001-01-01', 'lost', 'Delete', 'ana')$$,
        $$SELECT crm_update_customer(1, regress.current(1), NULL, 'Delete', 'ana', true, fields => '{"phone": "1"}')$$,
        $$SELECT crm_update_customer(1, regress.current(1), NULL, 'Delete', 'ana', reply_to => (SELECT max(id) FROM comments))$$,
        $$SELECT crm_update_customers(jsonb_build_array(jsonb_build_object('id', 1, 'expected_ts', regress.current(1), 'comment', 'Delete', 'author', 'ana')))$$,
        $$SELECT crm_add_comment(1, 'Delete', 'ana')$$,
        $$SELECT crm_add_comment(1, 'Delete', 'ana', (SELECT max(id) FROM comments))$$,
        $$SELECT crm_import_comments(1, '[1/2/2024, 9:00:00 AM] ana: Delete')$$,
        $$INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'Delete')$$,
        $$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, 'ana', 'Delete', regress.current(1))$$]
    LOOP
        INSERT INTO orphaned_comments.customers (id) VALUES (1) ON CONFLICT DO NOTHING;
        INSERT INTO orphaned_comments.comments (customer_id, author, body) VALUES (1, 'ana', 'Answer me');
        PERFORM set_config('orphaned.body', 'Delete', true);
        state := regress.state(did);
        PERFORM set_config('orphaned.body', '', true);
        customers := (SELECT count(*) FROM orphaned_comments.customers);
        orphans := (SELECT count(*) FROM orphaned_comments.comments m WHERE NOT EXISTS (SELECT FROM orphaned_comments.customers c WHERE c.id = m.customer_id));
        -- refused as a whole, or the customer went with all its comments
        as_it_must := state <> '00000' AND customers = 1 OR state = '00000' AND customers = 0 AND NOT EXISTS (SELECT FROM orphaned_comments.comments);
        otherwise := CASE WHEN NOT as_it_must THEN state END;
        did := left(did, 90);
        DELETE FROM orphaned_comments.comments WHERE customer_id NOT IN (SELECT id FROM orphaned_comments.customers);
        RETURN NEXT;
    END LOOP;
    EXECUTE taken_out;
END $try$;
-- a CHECK, a default, a generated column, an index expression and predicate
SELECT * FROM try('ALTER TABLE comments ADD CONSTRAINT planted CHECK (deletes(customer_id, body))', 'ALTER TABLE comments DROP CONSTRAINT planted');
SELECT * FROM try('ALTER TABLE comments ADD planted boolean DEFAULT deletes(1, current_setting(''orphaned.body'', true))', 'ALTER TABLE comments DROP planted');
CREATE DOMAIN deleting AS text CHECK (deletes(1, VALUE));
SELECT * FROM try('ALTER TABLE comments ALTER body TYPE deleting', 'ALTER TABLE comments ALTER body TYPE text');
ALTER FUNCTION deletes(bigint, text) IMMUTABLE;
SELECT * FROM try('CREATE INDEX planted ON comments (deletes(customer_id, body))', 'DROP INDEX planted');
SELECT * FROM try('CREATE INDEX planted ON comments (author) WHERE deletes(customer_id, body)', 'DROP INDEX planted');
SELECT * FROM try('ALTER TABLE comments ADD planted boolean GENERATED ALWAYS AS (deletes(customer_id, body)) STORED', 'ALTER TABLE comments DROP planted');
-- triggers
SELECT * FROM try('CREATE TRIGGER planted BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION deleting()', 'DROP TRIGGER planted ON comments');
SELECT * FROM try('CREATE TRIGGER planted AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION deleting()', 'DROP TRIGGER planted ON comments');
-- an AFTER trigger may delete the customer: the comment goes with it, and is set aside with its id
CREATE TRIGGER planted AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION deleting();
INSERT INTO customers (id) VALUES (3);
SET orphaned.body = 'Delete';
SELECT crm_add_comment(3, 'Delete', 'ana') AS id \gset
RESET orphaned.body;
SELECT comment_id = :id AS is_set_aside FROM customer_deletions WHERE customer_id = 3 AND comment_id IS NOT NULL;
DROP TRIGGER planted ON comments;
-- without any of these, comments are stored as ever
INSERT INTO customers (id) VALUES (2);
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'won', 'Delete', 'ana');
SELECT crm_add_comment(2, 'Delete it', 'ana') > 0 AS added;
DROP SCHEMA orphaned_comments CASCADE;
