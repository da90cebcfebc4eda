-- Undoing: a change of the past is undone by a save, field by field, and never over what was changed again.
SET client_min_messages = warning;
CREATE SCHEMA reversions;
SET search_path = reversions, public;
SELECT crm_create_tables();
ALTER TABLE customers ADD COLUMN extra json, ADD COLUMN tags text[], ADD COLUMN amount numeric;
INSERT INTO customers (id, name, phone, email, status) SELECT i, 'Acme', '1', 'a@acme', 'new' FROM generate_series(1, 6) i;
CREATE FUNCTION nth(customer bigint, n int) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT version FROM customer_history WHERE customer_id = $1 ORDER BY version OFFSET n - 1 LIMIT 1 $$;

-- undone as a whole where nobody has changed it since; the history says what was undone
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'lost', 'Wrong customer', 'ana', fields => '{"phone": "2", "extra": {"a": [1, 2.50]}, "tags": ["x"], "amount": 1.50}');
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ben', fields => '{"email": "b@acme"}');
SELECT regress.current(1) AS base \gset
SELECT outcome, http_status, status, comment_id IS NOT NULL AS comment, message FROM crm_revert_customer(1, :'base', nth(1, 2), 'eve', 'It was not them');
SELECT status, phone, email, extra, tags, amount FROM customers WHERE id = 1;
SELECT operation, author, status_from, status_to, reverts = nth(1, 2) AS reverts, fields FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;
-- the same request again; and when nothing is left to undo
SELECT outcome, message FROM crm_revert_customer(1, :'base', nth(1, 2), 'eve', 'It was not them');
SELECT outcome, message FROM crm_revert_customer(1, regress.current(1), nth(1, 2), 'eve');
-- undoing the undoing
SELECT outcome, status FROM crm_revert_customer(1, regress.current(1), nth(1, 4), 'ana');
SELECT status, phone, email, extra, tags, amount FROM customers WHERE id = 1;

-- the timeline tells it, where its columns may be more than those of 1.0
SELECT operation, author, reverts = nth(1, 2) AS first, reverts = nth(1, 4) AS second FROM crm_record_timeline('customers', '1') WHERE kind = 'change';
SELECT count(*), count(reverts) AS reverts FROM crm_record_timeline('customers', '1') WHERE kind = 'comment';

-- what was changed again since is not overwritten: a conflict that lists it, with the comment kept; other columns can be named
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'lost', NULL, 'ana', fields => '{"phone": "2", "email": "x@acme", "name": "Bolt"}');
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'won', NULL, 'ben', fields => '{"phone": "3"}');
SELECT outcome FROM crm_update_customer(2, regress.current(2), NULL, NULL, 'cem', fields => '{"email": "a@acme"}');
SELECT regress.current(2) AS base \gset
SELECT outcome, http_status, status, comment_id IS NOT NULL AS comment, message,
       (SELECT jsonb_agg(s - 'version' ORDER BY s ->> 'field') FROM jsonb_array_elements(detail -> 'superseded') s) AS superseded,
       (SELECT bool_and((s ->> 'version')::timestamptz = nth(2, 3)) FROM jsonb_array_elements(detail -> 'superseded') s) AS by_ben
FROM crm_revert_customer(2, :'base', nth(2, 2), 'eve', 'Not so');
SELECT status, phone, email, name FROM customers WHERE id = 2;
SELECT outcome FROM crm_revert_customer(2, :'base', nth(2, 2), 'eve', 'Not so', fields => '{phone,name}');
SELECT outcome, status FROM crm_revert_customer(2, :'base', nth(2, 2), 'eve', 'Not so', fields => '{name,email}');
SELECT status, phone, email, name FROM customers WHERE id = 2;
SELECT body, save_refused FROM comments WHERE customer_id = 2;

-- a stale base is refused like that of any save, or merged
SELECT outcome, message FROM crm_revert_customer(2, nth(2, 3), nth(2, 3), 'eve');
SET crm_concurrency.merge = on;
SELECT outcome, status FROM crm_revert_customer(2, nth(2, 3), nth(2, 3), 'eve');
RESET crm_concurrency.merge;
SELECT status, phone, email, name FROM customers WHERE id = 2;

-- back to the state at a version
SELECT outcome FROM crm_revert_customer(2, regress.current(2), nth(2, 2), 'eve', whole => true);
SELECT status, phone, email, name FROM customers WHERE id = 2;
SELECT outcome FROM crm_revert_customer(2, regress.current(2), nth(2, 1), 'eve', whole => true, fields => '{phone}');
SELECT status, phone, email, name FROM customers WHERE id = 2;
SELECT outcome, message FROM crm_revert_customer(2, regress.current(2), regress.current(2), 'eve', whole => true);

-- what cannot be undone
SELECT * FROM regress.error($$SELECT crm_revert_customer(3, regress.current(3), nth(3, 1), 'eve')$$);
SELECT * FROM regress.error($$SELECT crm_revert_customer(3, regress.current(3), '2001-01-01', 'eve')$$);
SELECT * FROM regress.error($$SELECT crm_revert_customer(2, regress.current(2), nth(2, 2), 'eve', fields => '{tags}')$$);
SELECT outcome FROM crm_update_customer(3, regress.current(3), NULL, NULL, 'ana', fields => '{"phone": "2"}');
SELECT crm_erase_customer(3) IS NOT NULL AS erased;
SELECT * FROM regress.error($$SELECT crm_revert_customer(3, regress.current(3), nth(3, 2), 'eve')$$);
SELECT * FROM regress.error($$SELECT crm_revert_customer(3, regress.current(3), nth(3, 2), 'eve', whole => true)$$);
SELECT outcome FROM crm_update_customer(4, regress.current(4), NULL, NULL, 'ana', fields => '{"phone": "2", "tags": ["a"]}');
DELETE FROM customers WHERE id = 4;
SELECT outcome, message FROM crm_revert_customer(4, nth(4, 2), nth(4, 2), 'eve');
SELECT outcome FROM crm_restore_customer(4, 'ana');
SELECT * FROM regress.error($$SELECT crm_revert_customer(4, regress.current(4), nth(4, 2), 'eve')$$);
SELECT outcome FROM crm_update_customer(5, regress.current(5), NULL, NULL, 'ana', fields => '{"phone": "2", "tags": ["a"]}');
ALTER TABLE customers DROP COLUMN tags;
SELECT * FROM regress.error($$SELECT crm_revert_customer(5, regress.current(5), nth(5, 2), 'eve')$$);
SELECT outcome FROM crm_revert_customer(5, regress.current(5), nth(5, 2), 'eve', fields => '{phone}');
SELECT outcome, message FROM crm_revert_customer(77, now(), now(), 'eve');
SELECT * FROM regress.error($$SELECT crm_revert_customer(1, regress.current(1), NULL, 'eve')$$);
SELECT * FROM regress.error($$SELECT crm_revert_customer(1, NULL, now(), 'eve')$$);
SELECT * FROM regress.error($$SELECT crm_revert_customer(1, now(), now(), 'eve', fields => '{NULL}')$$);

-- an undoing that is sent again is found, whatever has become of the customer: going back to a state too
INSERT INTO customers (id, name, phone) VALUES (8, 'Late', '1');
SELECT regress.current(8) AS state \gset
SELECT outcome FROM crm_update_customer(8, :'state', 'lead', NULL, 'ana', fields => '{"phone": "2"}');
SELECT regress.current(8) AS base \gset
SELECT outcome FROM crm_revert_customer(8, :'base', :'state', 'eve', 'Back', whole => true);
UPDATE customers SET status = 'lost' WHERE id = 8;
SELECT outcome FROM crm_revert_customer(8, :'base', :'state', 'eve', 'Back', whole => true);
DELETE FROM customers WHERE id = 8;
SELECT outcome FROM crm_revert_customer(8, :'base', :'state', 'eve', 'Back', whole => true);
SELECT outcome FROM crm_restore_customer(8, 'ana');
SELECT outcome FROM crm_revert_customer(8, :'base', :'state', 'eve', 'Back', whole => true);
SELECT count(*) FROM comments WHERE customer_id = 8;

-- rights: all of the history, and what a save takes
CREATE ROLE regress_crm_undoer;
GRANT USAGE ON SCHEMA reversions TO regress_crm_undoer;
GRANT SELECT, UPDATE ON customers TO regress_crm_undoer;
GRANT INSERT ON comments TO regress_crm_undoer;
SELECT outcome FROM crm_update_customer(6, regress.current(6), 'lost', NULL, 'ana', fields => '{"phone": "2"}');
SELECT nth(6, 2) AS change \gset
SET ROLE regress_crm_undoer;
SELECT * FROM regress.error(format($$SELECT crm_revert_customer(6, %L, %L, 'eve')$$, :'change', :'change'));
RESET ROLE;
GRANT SELECT ON customer_history TO regress_crm_undoer;
REVOKE UPDATE ON customers FROM regress_crm_undoer;
GRANT UPDATE (status) ON customers TO regress_crm_undoer;
SET ROLE regress_crm_undoer;
SELECT * FROM regress.error(format($$SELECT crm_revert_customer(6, %L, %L, 'eve')$$, :'change', :'change'));
SELECT outcome, status FROM crm_revert_customer(6, :'change', :'change', 'eve', fields => '{status}');
RESET ROLE;

-- any table
CREATE TABLE tickets (number int PRIMARY KEY, subject text, open boolean);
SELECT crm_attach('tickets', NULL);
INSERT INTO tickets VALUES (7, 'Leak', true);
UPDATE tickets SET open = false, subject = 'Leak in the roof';
SELECT outcome, message FROM crm_revert_record('tickets', '7', (SELECT updated_at FROM tickets), (SELECT updated_at FROM tickets), 'ana');
SELECT subject, open FROM tickets;
SELECT operation, reverts IS NOT NULL AS reverts FROM tickets_history ORDER BY version;
SELECT operation, reverts IS NOT NULL AS reverts FROM crm_record_timeline('tickets', '7');
-- a history of version 1.0 does not know it
ALTER TABLE tickets_history DROP COLUMN reverts;
SELECT operation, reverts FROM crm_record_timeline('tickets', '7');
SELECT count(*) FROM crm_verify_record('tickets') UNION ALL SELECT count(*) FROM crm_verify();

SET client_min_messages = error;
DROP SCHEMA reversions CASCADE;
DROP ROLE regress_crm_undoer;
