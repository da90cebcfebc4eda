-- What the direct access path leaves to statements, and what it must not work out too early: the same with both.
CREATE SCHEMA access_path;
SET search_path = access_path, public;
SELECT crm_create_tables('access_path') IS NOT NULL AS made;
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-06 10:00:00.456+00');

-- A default that cannot be worked out matters to insertions alone.
ALTER TABLE customers ADD COLUMN score integer;
ALTER TABLE customers ALTER COLUMN score SET DEFAULT 1 / 0;
SELECT outcome, status FROM crm_update_customer(1, '2026-01-06 10:00:00.456+00', 'called', 'Hello', 'ana');
ALTER TABLE customers DROP COLUMN score;

-- A trigger that updates the row which is being updated.
CREATE FUNCTION touches_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        UPDATE customers SET phone = '1' WHERE id = NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_touches BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touches_itself();
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'won', 'Signed', 'ana');
DROP TRIGGER a_touches ON customers;

-- A function that is called when a change is recorded is called by a trigger.
CREATE FUNCTION depth_is_told(operation text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% recorded at depth %', operation, pg_trigger_depth();
    RETURN true;
END $$;
ALTER TABLE customer_history ADD CHECK (depth_is_told(operation)) NOT VALID;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'lost', 'No budget', 'ana');
SELECT operation, status_from, status_to, author FROM customer_history ORDER BY version;
SELECT author, body FROM comments ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA access_path CASCADE;
