-- crm_add_comment: a comment without a save.
SET client_min_messages = warning;
CREATE SCHEMA add_comment;
SET search_path = add_comment, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) VALUES (1, 'Acme'), (2, 'Bolt');
SELECT regress.current(1) AS base \gset

SELECT crm_add_comment(1, 'Who calls?', 'ana') AS first \gset
SELECT crm_add_comment(1, 'I do', 'ben', :first) AS reply \gset
SELECT id = :first AS first, author, body, reply_to = :first AS to_first, created_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS stamped,
       based_on, save_refused FROM comments ORDER BY id;
-- it is no version and no history
SELECT regress.current(1) = :'base' AS version_stands, count(*) AS history FROM customer_history WHERE customer_id = 1;
-- a double click adds one; another author, other words, another comment to reply to and another customer are others
SELECT crm_add_comment(1, 'Who calls?', 'ana') = :first AS same, crm_add_comment(1, 'I do', 'ben', :first) = :reply AS same;
SELECT crm_add_comment(1, 'Who calls?', 'ben') > :reply AS new, crm_add_comment(1, 'Who calls? ', 'ana') > :reply AS new,
       crm_add_comment(1, 'I do', 'ben', :reply) > :reply AS new, crm_add_comment(1, 'I do', 'ben') > :reply AS new, crm_add_comment(2, 'Who calls?', 'ana') > :reply AS new;
-- nor is a comment of a save the same one
SELECT outcome, comment_id > :reply AS new FROM crm_update_customer(1, regress.current(1), 'called', 'Who calls?', 'ana');
SELECT outcome, comment_id > :reply AS new FROM crm_update_customer(1, '2001-01-01', 'called', 'Refused', 'ana');
SELECT crm_add_comment(1, 'Refused', 'ana') = (SELECT id FROM comments WHERE save_refused) AS same;
-- the window: off, or over
SET crm_concurrency.repeated_comment_window = 0;
SELECT crm_add_comment(2, 'Who calls?', 'ana') <> crm_add_comment(2, 'Who calls?', 'ana') AS different;
RESET crm_concurrency.repeated_comment_window;
INSERT INTO comments (customer_id, author, body, created_at) VALUES (2, 'cem', 'Long ago', clock_timestamp() - interval '6 seconds');
SELECT crm_add_comment(2, 'Long ago', 'cem') = (SELECT id FROM comments WHERE author = 'cem' ORDER BY id LIMIT 1) AS same;
INSERT INTO comments (customer_id, author, body, created_at) VALUES (2, 'dan', 'Just now', clock_timestamp() - interval '1 second');
SELECT crm_add_comment(2, 'Just now', 'dan') = (SELECT id FROM comments WHERE author = 'dan' ORDER BY id LIMIT 1) AS same;

-- as far back as the window reaches, whatever has come since, adopted comments and four that are older among it; but a fifth ends the search
SET crm_concurrency.repeated_comment_window = '1h';
INSERT INTO comments (customer_id, author, body, created_at) VALUES (2, 'eve', 'Ten minutes ago', clock_timestamp() - interval '10 minutes');
INSERT INTO comments (customer_id, author, body, created_at) SELECT 2, 'fay', 'Since then ' || i, clock_timestamp() - interval '5 minutes' FROM generate_series(1, 200) i;
SELECT outcome FROM crm_update_customer(2, '2001-01-01', 'called', 'Adopted', 'eve');
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'called', 'Adopted', 'eve');
SELECT crm_add_comment(2, 'Ten minutes ago', 'eve') = (SELECT min(id) FROM comments WHERE author = 'eve') AS same,
       crm_add_comment(2, 'Since then 1', 'eve') > (SELECT max(id) FROM comments WHERE author = 'fay') AS new;
INSERT INTO comments (customer_id, author, body, created_at) SELECT 2, 'gus', 'Imported ' || i, clock_timestamp() - interval '2 hours' FROM generate_series(1, 4) i;
SELECT crm_add_comment(2, 'Ten minutes ago', 'eve') = (SELECT min(id) FROM comments WHERE author = 'eve') AS same;
INSERT INTO comments (customer_id, author, body, created_at) VALUES (2, 'gus', 'Imported 5', clock_timestamp() - interval '2 hours');
SELECT crm_add_comment(2, 'Ten minutes ago', 'eve') = (SELECT min(id) FROM comments WHERE author = 'eve') AS same;
-- nor is it looked for behind a thousand others
INSERT INTO comments (customer_id, author, body, created_at) SELECT 1, 'fay', 'Since then ' || i, clock_timestamp() - interval '5 minutes' FROM generate_series(1, 999) i;
SELECT crm_add_comment(1, 'Since then 1', 'fay') = (SELECT id FROM comments WHERE customer_id = 1 AND body = 'Since then 1' ORDER BY id LIMIT 1) AS same;
SELECT crm_add_comment(1, 'Since then 1000', 'fay') > 0 AS added, crm_add_comment(1, 'Since then 1', 'fay') = (SELECT id FROM comments WHERE customer_id = 1 AND body = 'Since then 1' ORDER BY id LIMIT 1) AS same;
SELECT crm_add_comment(1, 'Since then 1001', 'fay') > 0 AS added, crm_add_comment(1, 'Since then 1', 'fay') = (SELECT id FROM comments WHERE customer_id = 1 AND body = 'Since then 1' ORDER BY id LIMIT 1) AS same;
-- the session looks less far at first when it has looked at the customer before, and as far as ever when comments have gone since
ALTER TABLE comments DISABLE TRIGGER USER;
DELETE FROM comments WHERE customer_id = 1 AND body LIKE 'Since then %' AND body NOT IN ('Since then 4', 'Since then 5');
ALTER TABLE comments ENABLE TRIGGER USER;
SELECT crm_add_comment(1, 'Since then 4', 'fay') = (SELECT id FROM comments WHERE customer_id = 1 AND body = 'Since then 4' ORDER BY id LIMIT 1) AS same;
-- long ones, compressed and stored elsewhere
SELECT string_agg(md5(i::text), '') AS long FROM generate_series(1, 300) i \gset
SELECT crm_add_comment(1, repeat('x', 9000), 'ana') = crm_add_comment(1, repeat('x', 9000), 'ana') AS same, crm_add_comment(1, repeat('x', 9000), 'ana') <> crm_add_comment(1, repeat('y', 9000), 'ana') AS different,
       crm_add_comment(1, :'long', 'ana') = crm_add_comment(1, :'long', 'ana') AS same, crm_add_comment(1, :'long', 'ana') <> crm_add_comment(1, reverse(:'long'), 'ana') AS different;
RESET crm_concurrency.repeated_comment_window;

-- bad input
SELECT state, message FROM regress.error($$SELECT crm_add_comment(NULL, 'x', 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_add_comment(1, NULL, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_add_comment(1, ' ', 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_add_comment(1, 'x', NULL)$$);
SELECT state, message FROM regress.error($$SELECT crm_add_comment(1, 'x', ' ')$$);
SELECT * FROM regress.error($$SELECT crm_add_comment(99, 'x', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_add_comment(1, 'x', 'ana', 999)$$);
SELECT regress.state(format($$SELECT crm_add_comment(2, 'x', 'ana', %s)$$, :first));
SET crm_concurrency.max_comment_length = 3;
SELECT regress.state($$SELECT crm_add_comment(1, 'long', 'ana')$$), regress.state($$SELECT crm_add_comment(1, 'fit', 'ana')$$);
RESET crm_concurrency.max_comment_length;
BEGIN READ ONLY;
SELECT state, message FROM regress.error($$SELECT crm_add_comment(1, 'x', 'ana')$$);
ROLLBACK;

-- the rights of who comments: INSERT on the comments, and no more
CREATE ROLE regress_crm_add_comment;
GRANT USAGE ON SCHEMA add_comment TO regress_crm_add_comment;
SET ROLE regress_crm_add_comment;
SELECT state, message FROM regress.error($$SELECT crm_add_comment(1, 'x', 'eve')$$);
RESET ROLE;
GRANT INSERT (customer_id, author, body) ON comments TO regress_crm_add_comment;
SET ROLE regress_crm_add_comment;
SELECT crm_add_comment(1, 'x', 'eve') > 0 AS added;
SELECT regress.state(format($$SELECT crm_add_comment(1, 'x', 'eve', %s)$$, :first));
RESET ROLE;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON comments FOR INSERT TO regress_crm_add_comment WITH CHECK (customer_id = 2);
SET ROLE regress_crm_add_comment;
SELECT regress.state($$SELECT crm_add_comment(1, 'y', 'eve')$$), regress.state($$SELECT crm_add_comment(2, 'y', 'eve')$$);
RESET ROLE;
-- a trigger that suppresses it
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER a BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT state, message FROM regress.error($$SELECT crm_add_comment(1, 'z', 'ana')$$);
DROP TRIGGER a ON comments;
SELECT * FROM regress.violations();

CREATE SCHEMA add_comment_by_key;
CREATE TABLE add_comment_by_key.accounts (id uuid PRIMARY KEY, status text);
SELECT crm_attach('add_comment_by_key.accounts');
SET search_path = add_comment_by_key, public;
INSERT INTO accounts VALUES ('00000000-0000-0000-0000-000000000001', 'new');
SELECT crm_add_comment_by_key('00000000-0000-0000-0000-000000000001', 'Hello', 'ana') = crm_add_comment_by_key('00000000-0000-0000-0000-000000000001', 'Hello', 'ana') AS same;
SELECT customer_id, author, body FROM accounts_comments;
SELECT regress.state($$SELECT crm_add_comment_by_key('1', 'Hello', 'ana')$$), regress.state($$SELECT crm_add_comment(1, 'Hello', 'ana')$$);
SET search_path = add_comment, public;
-- row security of the comments: what is there is not told before the policies, nor found by who does not see it
INSERT INTO customers (id) VALUES (70), (71);
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY seventy ON comments USING (customer_id = 70 OR customer_id > 700);
GRANT SELECT, INSERT (reply_to) ON comments TO regress_crm_add_comment;
SELECT crm_add_comment(71, 'Said by another', 'ben') AS theirs \gset
SET ROLE regress_crm_add_comment;
SELECT regress.state($$SELECT crm_add_comment(71, 'Said by another', 'ben')$$), regress.state($$SELECT crm_add_comment(72, 'Said by another', 'ben')$$),
       regress.state(format($$SELECT crm_add_comment(71, 'A reply', 'ben', %s)$$, :theirs)), regress.state($$SELECT crm_add_comment(71, 'A reply', 'ben', 999999)$$);
SELECT regress.state($$SELECT crm_add_comment(701, 'Nobody is there', 'ben')$$), regress.state(format($$SELECT crm_add_comment(70, 'A reply', 'ben', %s)$$, :theirs));
SELECT crm_add_comment(70, 'Said twice', 'ana') = crm_add_comment(70, 'Said twice', 'ana') AS same;
RESET ROLE;
SELECT body, count(*) FROM comments WHERE customer_id IN (70, 71) GROUP BY body ORDER BY body;
DROP SCHEMA add_comment, add_comment_by_key CASCADE;
DROP ROLE regress_crm_add_comment;
