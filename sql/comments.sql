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
SELECT * FROM regress.error($$UPDATE comments SET body = 'other'$$);
SELECT * FROM regress.error($$DELETE FROM comments WHERE id = 1$$);
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
