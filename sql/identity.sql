-- crm_concurrency.author_setting: the author is the authenticated user, and no other.
SET client_min_messages = warning;
CREATE SCHEMA identity;
SET search_path = identity, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'Acme' FROM generate_series(1, 5) i;
CREATE ROLE regress_crm_app;
CREATE ROLE "Regress Crm Ana" LOGIN;
GRANT USAGE ON SCHEMA identity TO regress_crm_app, "Regress Crm Ana";
GRANT SELECT, INSERT, UPDATE ON customers TO regress_crm_app, "Regress Crm Ana";
GRANT SELECT, INSERT ON comments TO regress_crm_app, "Regress Crm Ana";

-- a setting
SET crm_concurrency.author_setting = 'app.user';
SET ROLE regress_crm_app;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', NULL, 'ana')$$);
SELECT set_config('app.user', 'ana', false);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'by ana', 'No name given', NULL);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'by ana again', 'Her name given', 'ana');
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'Lost?', 'ben')$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', 'Lost?', 'Ana')$$), regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', 'Lost?', '')$$);
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', 'Refused', NULL);
SELECT ord, outcome FROM crm_update_customers('[{"id": 1, "expected_ts": "2001-01-01", "comment": "Refused"}]');
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"id": 1, "expected_ts": "2001-01-01", "author": "ben"}]')$$);
SELECT outcome, author FROM crm_lock_customer(2, NULL);
SELECT regress.state($$SELECT crm_lock_customer(2, 'ben')$$);
-- plain writes: comments are the authenticated user's, and the history names who changed a customer
INSERT INTO comments (customer_id, body) VALUES (1, 'Plain, no name');
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'Plain, her name');
INSERT INTO comments (customer_id, body, expected_ts) VALUES (1, 'With a version', regress.current(1));
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author, body) VALUES (1, 'ben', 'Lost?')$$);
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'ben', 'Lost?', '2020-01-01')$$);
UPDATE customers SET phone = '1' WHERE id = 1;
INSERT INTO customers (id) VALUES (6);
SELECT set_config('app.user', '', false);
SELECT state, message FROM regress.error($$INSERT INTO comments (customer_id, body) VALUES (1, 'Lost?')$$);
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', NULL, NULL)$$);
UPDATE customers SET phone = '2' WHERE id = 1;
RESET ROLE;
SELECT author, body, save_refused FROM comments ORDER BY id;
SELECT author, fields FROM customer_history WHERE customer_id IN (1, 6) ORDER BY recorded_at DESC LIMIT 3;
-- the owner imports what others wrote long ago; what the owner writes today is the owner's as well
SELECT set_config('app.user', 'boss', false);
INSERT INTO comments (customer_id, author, body, created_at) VALUES (3, 'cem', 'Of the past', '2020-01-01');
SELECT regress.state($$INSERT INTO comments (customer_id, body, created_at) VALUES (3, 'Of the past', '2020-01-01')$$);
SELECT regress.state($$INSERT INTO comments (customer_id, author, body) VALUES (3, 'cem', 'Of today')$$);
SELECT author, body FROM comments WHERE customer_id = 3 ORDER BY id;
SELECT set_config('app.user', '', false);

-- one key of a JSON setting, for one transaction, as PostgREST does it
SET crm_concurrency.author_setting = 'request.jwt.claims->>email';
BEGIN;
SELECT set_config('request.jwt.claims', '{"role": "app", "email": "ana@crm.example", "n": 7}', true);
SELECT outcome FROM crm_update_customer(4, regress.current(4), 'jwt', NULL, NULL);
COMMIT;
SELECT author FROM customer_history WHERE customer_id = 4 ORDER BY version DESC LIMIT 1;
SELECT regress.state($$SELECT crm_update_customer(4, regress.current(4), 'x', NULL, NULL)$$);
-- a key that is missing, no string, or in what is no JSON: nobody
SELECT claims, regress.state(format($$SELECT set_config('request.jwt.claims', %L, true), crm_update_customer(4, '2001-01-01', NULL, NULL, NULL)$$, claims))
FROM unnest(ARRAY['', '{}', '[]', '"ana"', '7', 'null', 'ana', '{"email": null}', '{"email": true}', '{"email": {"x": 1}}', '{"email": ["ana"]}',
                  '{"email": ""}', '{"email": "  "}', '{"email": "ana"', '{"email": "a\u0000b"}', '{"email": "\ud800"}', '{"Email": "ana"}', '{"email": "ana"}x',
                  '{"email": "ana"}', '{"email": 7}', '{"email": "\u0061na", "n": 1e999999}']) claims
UNION ALL
SELECT 'deeply nested', regress.state($$SELECT set_config('request.jwt.claims', repeat('[', 1000), true), crm_update_customer(4, '2001-01-01', NULL, NULL, NULL)$$);

-- the user who logged in, whatever role is set
SET crm_concurrency.author_setting = 'session_user';
SET SESSION AUTHORIZATION "Regress Crm Ana";
SELECT outcome FROM crm_update_customer(5, regress.current(5), 'by session user', 'Hello', NULL);
SELECT regress.state($$SELECT crm_update_customer(5, regress.current(5), 'x', NULL, 'ana')$$);
SELECT regress.state($$SET crm_concurrency.author_setting = ''$$);
RESET SESSION AUTHORIZATION;
SELECT author, db_user FROM customer_history WHERE customer_id = 5 ORDER BY version DESC LIMIT 1;
SELECT author FROM comments WHERE customer_id = 5;

-- what the setting takes
SELECT * FROM regress.error($$SET crm_concurrency.author_setting = 'app user'$$);
SELECT regress.state(format('SET crm_concurrency.author_setting = %L', value)), value
FROM unnest(ARRAY['', 'session_user', 'app.user', 'a->>b', 'a->b', '->>b', 'a->>', '1a', 'a.', ';']) value;
-- off: the author is believed, and must be there
RESET crm_concurrency.author_setting;
SELECT regress.state($$SELECT crm_update_customer(5, regress.current(5), 'x', NULL, NULL)$$);
SELECT outcome FROM crm_update_customer(5, regress.current(5), 'believed', NULL, 'anybody');
SELECT * FROM regress.violations();
DROP SCHEMA identity CASCADE;
DROP ROLE regress_crm_app;
DROP ROLE "Regress Crm Ana";
