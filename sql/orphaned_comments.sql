-- Code of others that deletes the customer while a comment of it is being stored: there is never a comment without its customer.
SET client_min_messages = warning;
CREATE SCHEMA orphaned_comments;
SET search_path = orphaned_comments, public;
SELECT crm_create_tables();
CREATE FUNCTION delete_customer(customer bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM orphaned_comments.customers WHERE id = customer;
    RETURN true;
END $$;
CREATE FUNCTION deletes(customer bigint, body text) RETURNS boolean LANGUAGE sql AS $$ SELECT CASE WHEN body LIKE 'Delete%' THEN orphaned_comments.delete_customer(customer) ELSE true END $$;
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
-- without any of these, comments are stored as ever
INSERT INTO customers (id) VALUES (2);
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'won', 'Delete', 'ana');
SELECT crm_add_comment(2, 'Delete it', 'ana') > 0 AS added;
DROP SCHEMA orphaned_comments CASCADE;
