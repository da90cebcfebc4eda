-- Triggers of others that fire in replicas, always, or never, where those of the extension always fire: as in a plain statement.
SET client_min_messages = warning;
CREATE SCHEMA replica_triggers;
SET search_path = replica_triggers, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
DO $$
DECLARE
    own record;
BEGIN
    FOR own IN SELECT tgrelid::regclass AS of_table, tgname FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid
               WHERE tgrelid IN ('customers'::regclass, 'comments'::regclass, 'customer_history'::regclass) AND NOT tgisinternal AND proname LIKE 'crm\_%'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', own.of_table, own.tgname);
    END LOOP;
END $$;
CREATE TABLE fired (n int GENERATED ALWAYS AS IDENTITY, role text DEFAULT current_setting('session_replication_role'), what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO replica_triggers.fired (what) VALUES (format('%s %s %s of %s', TG_NAME, TG_WHEN, TG_OP, TG_TABLE_NAME));
    RETURN NEW;
END $$;
-- Makes a trigger of each kind on each table, all of which fire in one of the roles, and does what writes them.
CREATE FUNCTION try(enabled text, timing text) RETURNS TABLE (role text, did text, fired text) LANGUAGE plpgsql AS $try$
DECLARE
    of_table text;
BEGIN
    FOREACH of_table IN ARRAY ARRAY['customers', 'comments', 'customer_history', 'customer_locks'] LOOP
        EXECUTE format('CREATE TRIGGER a_note %s INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION note()', timing, of_table);
        EXECUTE format('ALTER TABLE %s %s TRIGGER a_note', of_table, enabled);
    END LOOP;
    FOREACH role IN ARRAY ARRAY['replica', 'origin'] LOOP
        PERFORM set_config('session_replication_role', role, true);
        FOREACH did IN ARRAY ARRAY[
            $$SELECT outcome FROM crm_update_customer(1, regress.current(1), clock_timestamp()::text, clock_timestamp()::text, 'ana')$$,
            $$SELECT outcome FROM crm_update_customer(1, regress.current(1), clock_timestamp()::text, NULL, 'ana')$$,
            $$SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'lost', clock_timestamp()::text, 'ben')$$,
            $$SELECT crm_add_comment(1, clock_timestamp()::text, 'ana')$$,
            $$INSERT INTO comments (customer_id, author, body, expected_ts) SELECT 1, 'ana', clock_timestamp()::text, regress.current(1)$$,
            $$UPDATE customers SET phone = clock_timestamp()::text$$,
            $$SELECT crm_lock_customer(1, 'ana')$$]
        LOOP
            DELETE FROM replica_triggers.fired;
            EXECUTE did;
            fired := (SELECT string_agg(what, ', ' ORDER BY n) FROM replica_triggers.fired);
            did := left(did, 60);
            RETURN NEXT;
        END LOOP;
    END LOOP;
    SET LOCAL session_replication_role = origin;
    FOREACH of_table IN ARRAY ARRAY['customers', 'comments', 'customer_history', 'customer_locks'] LOOP
        EXECUTE format('DROP TRIGGER a_note ON %s', of_table);
    END LOOP;
END $try$;
SELECT * FROM try('ENABLE REPLICA', 'AFTER');
SELECT * FROM try('ENABLE REPLICA', 'BEFORE');
SELECT * FROM try('ENABLE ALWAYS', 'AFTER');
SELECT * FROM try('ENABLE', 'AFTER');
SELECT * FROM try('DISABLE', 'AFTER');
-- one that changes what is written there
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.phone := 'by the replica'; RETURN NEW; END $$;
CREATE TRIGGER change BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION change();
ALTER TABLE customers ENABLE REPLICA TRIGGER change;
SET session_replication_role = replica;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', NULL, 'ana');
RESET session_replication_role;
SELECT phone FROM customers;
SELECT fields->'phone'->'to' AS to FROM customer_history ORDER BY version DESC LIMIT 1;
SELECT * FROM regress.violations();
DROP SCHEMA replica_triggers CASCADE;
