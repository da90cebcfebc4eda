-- reply_to: comments that answer others, within one customer.
SET client_min_messages = warning;
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
