-- What a direct write must do as a statement does, on both access paths.
SET client_min_messages = warning;
CREATE SCHEMA simple_writes;
SET search_path = simple_writes, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'n' || i FROM generate_series(1, 5) i;

-- A BEFORE trigger that changes the row itself: PostgreSQL's error for any UPDATE, and nothing is saved.
CREATE FUNCTION change_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        UPDATE simple_writes.customers SET phone = 'behind' WHERE id = NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change_itself BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION change_itself();
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"name": "y"}')$$);
SELECT name, phone, status FROM customers WHERE id = 1;
SELECT count(*) FROM comments;
DROP TRIGGER change_itself ON customers;
-- ... that deletes it
CREATE FUNCTION delete_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM simple_writes.customers WHERE id = NEW.id; RETURN NEW; END $$;
CREATE TRIGGER delete_itself BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION delete_itself();
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', NULL, 'ana')$$);
DROP TRIGGER delete_itself ON customers;
-- ... that changes another row, or locks this one, may
CREATE FUNCTION change_other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        UPDATE simple_writes.customers SET phone = 'other' WHERE id = 2;
        PERFORM FROM simple_writes.customers WHERE id = NEW.id FOR UPDATE;
    END IF;
    NEW.name := NEW.name || '!';
    RETURN NEW;
END $$;
CREATE TRIGGER change_other BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION change_other();
SELECT outcome, status FROM crm_update_customer(1, regress.current(1), 'x', NULL, 'ana');
SELECT id, name, phone, status FROM customers WHERE id < 3 ORDER BY id;
SELECT n, status_to, fields FROM regress.history(1);
DROP TRIGGER change_other ON customers;

-- A rule that makes another command of the update suppresses it, whatever is set.
CREATE TABLE others (id bigint);
CREATE RULE instead AS ON UPDATE TO customers DO INSTEAD INSERT INTO others VALUES (NEW.id);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(4, regress.current(4), 'x', NULL, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(4, regress.current(4), NULL, NULL, 'ana', fields => '{"name": "y"}')$$);
SELECT state, message FROM regress.error($$SELECT crm_erase_customer(4)$$);
DROP RULE instead ON customers;
-- ... of an erasure too: it never says that it erased what is still there
INSERT INTO comments (customer_id, author, body) VALUES (4, 'ana', 'personal');
CREATE RULE instead AS ON UPDATE TO comments DO INSTEAD INSERT INTO others VALUES (NEW.id);
SELECT state, message FROM regress.error($$SELECT crm_erase_customer(4)$$);
DROP RULE instead ON comments;
CREATE RULE instead AS ON UPDATE TO customer_history DO INSTEAD NOTHING;
SELECT state, message FROM regress.error($$SELECT crm_erase_customer(4)$$);
DROP RULE instead ON customer_history;
SELECT c.name, body FROM customers c JOIN comments ON customer_id = c.id WHERE c.id = 4;

-- A default that cannot be worked out matters to insertions alone.
ALTER TABLE customers ADD COLUMN score integer;
ALTER TABLE customers ALTER COLUMN score SET DEFAULT 1 / 0;
SELECT outcome, status FROM crm_update_customer(5, regress.current(5), 'called', 'Hello', 'ana');
ALTER TABLE customers DROP COLUMN score;

-- A function that is called when a change is recorded is called by a trigger.
CREATE FUNCTION depth_is_told(operation text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING '% recorded at depth %', operation, pg_trigger_depth();
    RETURN true;
END $$;
ALTER TABLE customer_history ADD CONSTRAINT told CHECK (depth_is_told(operation)) NOT VALID;
SELECT outcome FROM crm_update_customer(5, regress.current(5), 'open', 'No budget', 'ana');
ALTER TABLE customer_history DROP CONSTRAINT told;

-- Foreign keys of the customer are checked before the change is recorded.
CREATE TABLE staff (id integer PRIMARY KEY);
ALTER TABLE customers ADD owner_id integer REFERENCES staff;
ALTER TABLE customer_history ADD CONSTRAINT not_eve CHECK (author <> 'eve') NOT VALID;
SELECT state, message FROM regress.error(
    $$SELECT crm_update_customer(5, regress.current(5), NULL, NULL, 'eve', fields => '{"owner_id": 99}')$$);
ALTER TABLE customer_history DROP CONSTRAINT not_eve;
ALTER TABLE customers DROP COLUMN owner_id;
DROP TABLE staff;

-- The row knows its table before it is stored.
ALTER TABLE customers ADD COLUMN stored_in regclass GENERATED ALWAYS AS (tableoid::regclass) STORED,
    ADD CHECK (tableoid = 'simple_writes.customers'::regclass);
ALTER TABLE comments ADD CHECK (tableoid = 'simple_writes.comments'::regclass);
ALTER TABLE customer_history ADD CHECK (tableoid = 'simple_writes.customer_history'::regclass);
SELECT outcome FROM crm_update_customer(4, regress.current(4), 'open', 'Called', 'ana', fields => '{"phone": "1"}');
SELECT stored_in FROM customers WHERE id = 4;
ALTER TABLE customers DROP COLUMN stored_in;

-- A constraint on whole rows holds for one write as for many.
ALTER TABLE customers ADD CONSTRAINT whole CHECK (to_jsonb(customers) ->> 'name' <> 'bad');
ALTER TABLE comments ADD CONSTRAINT whole CHECK (to_jsonb(comments) ->> 'author' <> 'bad') NOT VALID;
ALTER TABLE customer_history ADD CONSTRAINT whole CHECK (to_jsonb(customer_history) ->> 'author' <> 'bad') NOT VALID;
DO $$
BEGIN
    FOR i IN 1..30 LOOP
        PERFORM crm_update_customer(5, regress.current(5), 's' || i, repeat('x', i * 300), 'ana',
                                    fields => jsonb_build_object('name', repeat('n', i * 10)));
    END LOOP;
END $$;
SELECT status, length(name) FROM customers WHERE id = 5;
SELECT state, detail IS NOT NULL AS has_detail FROM regress.error(
    $$SELECT crm_update_customer(5, regress.current(5), 'x', NULL, 'ana', fields => '{"name": "bad"}')$$);
ALTER TABLE customers DROP CONSTRAINT whole;
ALTER TABLE comments DROP CONSTRAINT whole;
ALTER TABLE customer_history DROP CONSTRAINT whole;

-- An error shows who may not read the table no more than what the caller wrote.
CREATE ROLE simple_writes_clerk;
GRANT USAGE ON SCHEMA simple_writes TO simple_writes_clerk;
GRANT SELECT (id, status, updated_at), UPDATE (status) ON customers TO simple_writes_clerk;
GRANT INSERT (customer_id, author, body) ON comments TO simple_writes_clerk;
ALTER TABLE comments ADD CONSTRAINT not_bad CHECK (body <> 'bad');
ALTER TABLE customers ADD CONSTRAINT not_lost CHECK (status <> 'lost');
SELECT updated_at AS seen FROM customers WHERE id = 3 \gset
SET ROLE simple_writes_clerk;
SELECT state, detail FROM regress.error(format($$SELECT crm_update_customer(3, %L, NULL, 'bad', 'ana')$$, :'seen'));
SELECT state, detail FROM regress.error($$SELECT crm_update_customer(3, '2001-01-01', NULL, 'bad', 'ana')$$);
SELECT state, regexp_replace(detail, 'lost, .*\)', 'lost, a time)') AS detail
FROM regress.error(format($$SELECT crm_update_customer(3, %L, 'lost', NULL, 'ana')$$, :'seen'));
RESET ROLE;
DROP SCHEMA simple_writes CASCADE;
DROP ROLE simple_writes_clerk;
