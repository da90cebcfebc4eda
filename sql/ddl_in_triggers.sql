-- DDL that triggers of others run in the midst of a call: what was read of the tables before it is not used after it. The call ends as
-- if the DDL had come before or after it, or with an error and nothing written, and the session goes on.
SET client_min_messages = warning;
CREATE SCHEMA ddl_in_triggers;
SET search_path = ddl_in_triggers, public;
SELECT crm_create_tables();
ALTER TABLE customers ADD n bigint, ADD t text, ADD CHECK (name <> '');
CREATE TYPE kind AS ENUM ('small', 'large');
ALTER TABLE customers ADD kind kind;
INSERT INTO customers (id, name, n, t) VALUES (1, 'one', 1, 'short'), (2, 'two', 2, 'short');

-- The body of a comment, the author of a change and the name of a customer name the DDL that is run when they are written.
CREATE TABLE ddl (word text PRIMARY KEY, statement text NOT NULL);
INSERT INTO ddl VALUES
    ('number to text', 'ALTER TABLE customers ALTER n TYPE text'),
    ('text to number', 'ALTER TABLE customers ALTER t TYPE bigint USING 0'),
    ('status again', 'ALTER TABLE customers DROP status CASCADE; ALTER TABLE customers ADD status bigint DEFAULT 1094795585'),
    ('four checks', 'ALTER TABLE customers ADD CHECK (true), ADD CHECK (true), ADD CHECK (true), ADD CHECK (true);
                     SELECT crm_get_customer(1)'),
    ('four checks of the history', 'ALTER TABLE customer_history ADD CHECK (true), ADD CHECK (true), ADD CHECK (true), ADD CHECK (true);
                                    SELECT crm_get_customer(1)'),
    ('drop the type', 'DROP TYPE kind CASCADE'),
    ('drop the status', 'ALTER TABLE customers DROP status CASCADE'),
    ('drop the key', 'ALTER TABLE customers DROP CONSTRAINT customers_pkey CASCADE; SELECT crm_get_customer(1)'),
    ('no trigger', 'DROP TRIGGER crm_history ON customers'),
    ('detach', 'SELECT crm_detach(''customers'')'),
    ('other customers', 'ALTER TABLE customers RENAME TO renamed; CREATE TABLE customers (LIKE renamed INCLUDING ALL)'),
    ('other comments', 'ALTER TABLE comments RENAME TO renamed; CREATE TABLE comments (LIKE renamed INCLUDING ALL)'),
    ('other history', 'ALTER TABLE customer_history RENAME TO renamed; CREATE TABLE customer_history (LIKE renamed INCLUDING ALL)');
CREATE FUNCTION ddl() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of ddl;
BEGIN
    SELECT * INTO of FROM ddl WHERE word = to_jsonb(NEW) ->> TG_ARGV[0];
    IF FOUND THEN
        EXECUTE of.statement;
    END IF;
    RETURN NEW;
END $$;

-- How a call ended, which is undone: well with an error of class 55, with what is right after DDL that came before or after it, or
-- with an error of the class that tells what the DDL made impossible.
CREATE FUNCTION ended(call text, is_right text DEFAULT 'false', impossible text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE call;
    EXECUTE format('SELECT %s', is_right) INTO found;
    RAISE EXCEPTION USING ERRCODE = CASE WHEN found THEN '55000' ELSE 'ZZ000' END, MESSAGE = 'undo';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN left(SQLSTATE, 2) IN ('55', impossible) THEN 'well'
                WHEN SQLSTATE = 'ZZ000' THEN 'with another result'
                ELSE SQLSTATE END;
END $$;

-- Everything that a call could have written or changed.
CREATE FUNCTION written() RETURNS TABLE (customers jsonb, comments bigint, history bigint, columns text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT (SELECT jsonb_agg(to_jsonb(c) - 'updated_at' ORDER BY c.id) FROM customers c),
        (SELECT count(*) FROM comments), (SELECT count(*) FROM customer_history),
        (SELECT string_agg(format('%s %s', attname, atttypid::regtype), ', ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = 'customers'::regclass AND attnum > 0 AND NOT attisdropped);
END $$;

-- An ordinary save in the same session: its outcome, what it stored, and how many were stored before it.
CREATE FUNCTION goes_on() RETURNS TABLE (outcome text, n bigint, t text, comments bigint, history bigint) LANGUAGE plpgsql AS $$
DECLARE
    saved crm_update_result;
BEGIN
    SELECT * INTO saved FROM crm_update_customer(2, regress.current(2), 'saved', 'ordinary words', 'ben',
        fields => jsonb_build_object('n', (SELECT c.n + 1 FROM customers c WHERE c.id = 2), 't', 'a text that is longer'));
    RETURN QUERY SELECT saved.outcome, c.n, c.t, (SELECT count(*) - 1 FROM comments), (SELECT count(*) - 1 FROM customer_history)
                 FROM customers c WHERE c.id = 2;
END $$;
SELECT * FROM goes_on();
SELECT * FROM written();

-- after a comment is inserted: n is no bigint any more, and t is one
CREATE TRIGGER ddl AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION ddl('body');
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'number to text', 'me', fields => '{"n": 1094795585}')$$,
             $$(SELECT n::text FROM customers WHERE id = 1) = '1094795585'$$);
SELECT * FROM goes_on();
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'text to number', 'me', fields => '{"t": "a text"}')$$,
             impossible => '42');
SELECT * FROM goes_on();
-- a refused save that keeps its comment: the status is no text any more
SELECT ended($$SELECT crm_update_customer(1, '2001-01-01', 'y', 'status again', 'me')$$);
SELECT * FROM goes_on();
-- the tables are read anew in the middle, and have more constraints than before
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'four checks', 'me', fields => '{"t": "a text"}')$$,
             $$(SELECT status || t FROM customers WHERE id = 1) = 'ya text'$$);
SELECT * FROM goes_on();
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'four checks of the history', 'me')$$,
             $$(SELECT status FROM customers WHERE id = 1) = 'y'$$);
SELECT * FROM goes_on();
-- what the rest of the call needs is gone, or is another table
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'drop the status', 'me')$$, impossible => '42');
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'drop the key', 'me')$$,
             $$(SELECT status FROM customers WHERE id = 1) = 'y'$$);
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'no trigger', 'me')$$);
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'detach', 'me')$$);
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'other customers', 'me')$$,
             $$(SELECT status FROM renamed WHERE id = 1) = 'y'$$);
SELECT ended($$SELECT crm_update_customer(1, '2001-01-01', 'y', 'other comments', 'me')$$,
             $$(SELECT count(*) FROM renamed) > (SELECT count(*) FROM comments)$$);
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'other history', 'me')$$,
             $$(SELECT count(*) FROM renamed WHERE status_to = 'y') = 1$$);
SELECT * FROM goes_on();
DROP TRIGGER ddl ON comments;

-- after the customer is updated, and after that is recorded
CREATE TRIGGER ddl AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION ddl('name');
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'words', 'me',
                                          fields => '{"name": "drop the type", "kind": "small"}')$$,
             $$(SELECT status FROM customers WHERE id = 1) = 'y'$$, impossible => '42');
SELECT ended($$SELECT crm_update_customers(jsonb_build_array(
    jsonb_build_object('id', 1, 'expected_ts', regress.current(1), 'author', 'me', 'fields', '{"name": "drop the type"}'::jsonb),
    jsonb_build_object('id', 2, 'expected_ts', regress.current(2), 'author', 'me', 'fields', '{"t": "a text"}'::jsonb)))$$,
             $$(SELECT t FROM customers WHERE id = 2) = 'a text'$$, impossible => '42');
SELECT * FROM goes_on();
DROP TRIGGER ddl ON customers;
CREATE TRIGGER ddl AFTER INSERT ON customer_history FOR EACH ROW EXECUTE FUNCTION ddl('author');
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'words', 'number to text', fields => '{"n": 1094795585}')$$,
             $$(SELECT n::text FROM customers WHERE id = 1) = '1094795585'$$);
SELECT ended($$SELECT crm_update_customer(1, regress.current(1), 'y', 'words', 'drop the type', fields => '{"kind": "small"}')$$,
             $$(SELECT status FROM customers WHERE id = 1) = 'y'$$);
SELECT * FROM goes_on();
DROP TRIGGER ddl ON customer_history;

-- after the first of two rows that one statement updates: the history, where a number had its default, has a text there
ALTER TABLE customer_history ADD number bigint DEFAULT 1094795585;
INSERT INTO ddl VALUES ('number of the history to text', 'ALTER TABLE customer_history ALTER number DROP DEFAULT, ALTER number TYPE text');
CREATE TABLE updated (word text);
CREATE TRIGGER ddl AFTER INSERT ON updated FOR EACH ROW EXECUTE FUNCTION ddl('word');
SELECT ended($$WITH u AS (UPDATE customers SET t = 'all' RETURNING id) INSERT INTO updated SELECT 'number of the history to text' FROM u$$,
             $$(SELECT count(*) FROM customer_history h JOIN customers c ON h.customer_id = c.id AND h.version = c.updated_at) = 2$$);
SELECT * FROM goes_on();
ALTER TABLE customer_history DROP number;

-- a table is not detached while a statement deletes its rows, whose comments would not be set aside
CREATE FUNCTION detach() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM crm_detach('customers');
    PERFORM crm_attach('customers');
    RETURN OLD;
END $$;
INSERT INTO comments (customer_id, author, body) VALUES (2, 'ana', 'Keep me');
CREATE TRIGGER detach BEFORE DELETE ON comments FOR EACH STATEMENT EXECUTE FUNCTION detach();
DELETE FROM customers WHERE id = 2;
DROP TRIGGER detach ON comments;

-- what an ALTER DOMAIN leaves to the next command, when it runs a function on rows, does not fail DDL in a restoration
BEGIN;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE FUNCTION positive(integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1;
    IF current_setting('ddl_in_triggers.is_armed', true) = 'on' THEN
        ALTER TABLE ddl_in_triggers.ddl ADD CHECK (true);
    END IF;
    RETURN true;
END $$;
ALTER TABLE customers ADD positive positive;
INSERT INTO customers (id, name, positive) VALUES (3, 'three', 3), (4, 'four', 4);
SELECT outcome FROM crm_delete_customer(3, regress.current(3), 'going', 'ana');
ALTER DOMAIN positive ADD CHECK (positive(VALUE));
SET LOCAL ddl_in_triggers.is_armed = on;
SELECT outcome FROM crm_restore_customer(3, 'ana');
SELECT name, positive FROM customers WHERE id = 3;
ROLLBACK;

-- nothing of what was undone is there
SELECT * FROM written();
SELECT * FROM crm_verify();
