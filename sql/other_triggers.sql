-- Triggers, rules and constraints of others, in ordinary sessions and in replicas.

-- Other people's triggers, rules and constraints on the same tables.
SET client_min_messages = warning;
CREATE SCHEMA other_triggers;
SET search_path = other_triggers, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'n' || i FROM generate_series(1, 20) i;

-- suppressing the update of a customer
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER suppress BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
DROP TRIGGER suppress ON customers;
CREATE TRIGGER zzz_suppress BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
UPDATE customers SET name = 'suppressed' WHERE id = 1;
DROP TRIGGER zzz_suppress ON customers;
-- suppressing the comment, of a save and of a refused one
CREATE TRIGGER suppress BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', 'x', 'words', 'ana')$$);
DROP TRIGGER suppress ON comments;
CREATE TRIGGER zzz_suppress BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', 'words', 'ana')$$);
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', 'x', 'words', 'ana')$$);
DROP TRIGGER zzz_suppress ON comments;
-- by a rule
CREATE RULE nothing AS ON UPDATE TO customers DO INSTEAD NOTHING;
SELECT regress.state($$SELECT crm_update_customer(1, regress.current(1), 'x', NULL, 'ana')$$);
DROP RULE nothing ON customers;
-- nothing half written
SELECT count(*) FROM comments;
SELECT n, operation FROM regress.history(1);

-- rewriting the status: the answer and the history tell what was stored
CREATE FUNCTION upper_status() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.status := upper(NEW.status); NEW.phone := 'set'; RETURN NEW; END $$;
CREATE TRIGGER upper_status BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION upper_status();
SELECT outcome, status, updated_at = regress.current(2) AS is_current FROM crm_update_customer(2, regress.current(2), 'won', NULL, 'ana');
SELECT n, author, status_to, fields FROM regress.history(2);
SELECT outcome, status FROM crm_update_customer(2, regress.version(2, 1), 'won', NULL, 'ana');
DROP TRIGGER upper_status ON customers;
CREATE TRIGGER zzz_upper_status BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION upper_status();
SELECT outcome, status FROM crm_update_customer(2, regress.current(2), 'lost', NULL, 'ana');
SELECT n, status_to FROM regress.history(2) ORDER BY n DESC LIMIT 1;
DROP TRIGGER zzz_upper_status ON customers;

-- rewriting the text of a comment: kept once and adopted all the same
CREATE FUNCTION rewrite_body() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := NEW.body || '!'; RETURN NEW; END $$;
CREATE TRIGGER rewrite_body BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION rewrite_body();
SELECT outcome, comment_id AS kept FROM crm_update_customer(3, '2001-01-01', 'x', 'Say it once', 'ana') \gset
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(3, '2001-01-01', 'x', 'Say it once', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(3, regress.current(3), 'x', 'Say it once', 'ana');
SELECT body, save_refused FROM comments WHERE customer_id = 3;
DROP TRIGGER rewrite_body ON comments;
-- giving the comment another id: the answer and the history name the one that was stored
CREATE FUNCTION other_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := NEW.id + 1000; RETURN NEW; END $$;
CREATE TRIGGER zzz_other_id BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION other_id();
SELECT outcome, comment_id AS stored FROM crm_update_customer(4, regress.current(4), 'x', 'By another id', 'ana') \gset
SELECT body FROM comments WHERE customer_id = 4 AND id = :stored;
SELECT outcome, comment_id AS kept FROM crm_update_customer(4, '2001-01-01', 'x', 'Kept by another id', 'ana') \gset
SELECT body FROM comments WHERE customer_id = 4 AND id = :kept;
DROP TRIGGER zzz_other_id ON comments;
-- giving it to another customer is an error
CREATE FUNCTION other_customer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.customer_id := 5; RETURN NEW; END $$;
CREATE TRIGGER other_customer BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION other_customer();
SELECT state, message FROM regress.error($$SELECT crm_update_customer(4, regress.current(4), 'y', 'To another', 'ana')$$);
DROP TRIGGER other_customer ON comments;

-- touching the row again after the save: two versions, and the answer is the last
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE other_triggers.customers SET name = 'touched' WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER touch AFTER UPDATE ON customers FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION touch();
SELECT outcome, status, updated_at = regress.current(6) AS is_current FROM crm_update_customer(6, regress.current(6), 'x', 'words', 'ana');
SELECT n, previous, based_on, author, fields, comment_id IS NOT NULL AS has_comment FROM regress.history(6);
SELECT outcome, (detail->>'current')::boolean AS current FROM crm_update_customer(6, regress.version(6, 1), 'x', 'words', 'ana');
UPDATE customers SET phone = '1' WHERE id = 6;
SELECT n, previous, fields FROM regress.history(6) ORDER BY n DESC LIMIT 2;
DROP TRIGGER touch ON customers;
-- ... whatever its name: before ours in the alphabet
CREATE TRIGGER a_touch AFTER INSERT OR UPDATE ON customers FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION touch();
SELECT outcome, status, updated_at = regress.current(7) AS is_current FROM crm_update_customer(7, regress.current(7), 'x', 'words', 'ana');
SELECT n, previous, author, fields FROM regress.history(7);
INSERT INTO customers (id) VALUES (30);
SELECT n, previous, operation, status_to, fields FROM regress.history(30);
SELECT * FROM regress.violations() WHERE customer IN (7, 30);
DROP TRIGGER a_touch ON customers;
-- an AFTER INSERT trigger that saves the new customer
CREATE FUNCTION save_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM public.crm_update_customer(NEW.id, NEW.updated_at, 'greeted', 'Welcome', 'robot'); RETURN NULL; END $$;
CREATE TRIGGER save_new AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION save_new();
INSERT INTO customers (id) VALUES (31);
SELECT n, previous, operation, author, status_to FROM regress.history(31);
DROP TRIGGER save_new ON customers;
CREATE TRIGGER a_save_new AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION save_new();
INSERT INTO customers (id) VALUES (32);
SELECT n, previous, operation, author, status_to FROM regress.history(32);
DROP TRIGGER a_save_new ON customers;

-- a counter on comments that updates their customer: a version more
ALTER TABLE customers ADD comment_count int NOT NULL DEFAULT 0;
CREATE FUNCTION count_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE other_triggers.customers SET comment_count = comment_count + 1 WHERE id = NEW.customer_id; RETURN NULL; END $$;
CREATE TRIGGER count_comment AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION count_comment();
SELECT outcome, status, updated_at = regress.current(8) AS is_current FROM crm_update_customer(8, regress.current(8), 'x', 'words', 'ana');
SELECT n, previous, based_on, author, status_to, fields FROM regress.history(8);
SELECT outcome, comment_id IS NOT NULL AS has_comment FROM crm_update_customer(8, regress.version(8, 1), 'x', 'words', 'ana');
SELECT outcome, updated_at = regress.current(8) AS is_current, detail->'current'->>'comment_count' AS comments
FROM crm_update_customer(8, regress.version(8, 1), 'y', 'refused words', 'ana');
SELECT outcome, updated_at = regress.current(8) AS is_current FROM crm_update_customer(8, regress.current(8), 'y', 'refused words', 'ana');
INSERT INTO comments (customer_id, author, body) VALUES (8, 'ana', 'bare');
INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (8, 'ana', 'versioned', regress.current(8));
SELECT comment_count, (SELECT count(*) FROM comments WHERE customer_id = 8) AS comments FROM customers WHERE id = 8;
SELECT * FROM regress.violations() WHERE customer = 8;
DROP TRIGGER count_comment ON comments;

-- setting updated_at: named before ours it is overruled or a legal successor
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := '2001-01-01'; RETURN NEW; END $$;
CREATE TRIGGER set_updated_at BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION set_updated_at();
SELECT outcome, updated_at > '2001-01-01' AS overruled, updated_at = regress.current(9) AS is_current
FROM crm_update_customer(9, regress.current(9), 'x', NULL, 'ana');
UPDATE customers SET name = 'plain' WHERE id = 9 RETURNING updated_at > '2001-01-01' AS overruled;
DROP TRIGGER set_updated_at ON customers;
-- named after ours it is an error, not a broken chain
CREATE TRIGGER zzz_set_updated_at BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION set_updated_at();
SELECT * FROM regress.error($$SELECT crm_update_customer(9, regress.current(9), 'y', 'words', 'ana')$$);
SELECT state, message FROM regress.error($$UPDATE customers SET name = 'plain' WHERE id = 9$$);
DROP TRIGGER zzz_set_updated_at ON customers;
-- after ours, with a legal successor: the history has what was stored
CREATE FUNCTION advance() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := NEW.updated_at + interval '1 hour'; RETURN NEW; END $$;
CREATE TRIGGER zzz_advance BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION advance();
SELECT outcome, updated_at = regress.current(9) AS is_current, updated_at = regress.version(9, 4) AS in_history
FROM crm_update_customer(9, regress.current(9), 'y', 'adopted later?', 'ana');
SELECT outcome FROM crm_update_customer(9, regress.current(9), 'z', NULL, 'ana');
DROP TRIGGER zzz_advance ON customers;
-- NULL
CREATE FUNCTION no_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := NULL; RETURN NEW; END $$;
CREATE TRIGGER no_updated_at BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION no_updated_at();
SELECT outcome FROM crm_update_customer(9, regress.current(9), 'zz', NULL, 'ana');
DROP TRIGGER no_updated_at ON customers;

-- errors of others pass with their SQLSTATE, and leave nothing
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = 'XX123', DETAIL = 'd', HINT = 'h'; END $$;
CREATE TRIGGER fail AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION fail();
SELECT * FROM regress.error($$SELECT crm_update_customer(10, regress.current(10), 'x', 'words', 'ana')$$);
DROP TRIGGER fail ON customers;
CREATE CONSTRAINT TRIGGER fail_later AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();
BEGIN;
SELECT outcome FROM crm_update_customer(10, regress.current(10), 'x', 'words', 'ana');
SELECT regress.state('SET CONSTRAINTS ALL IMMEDIATE');
ROLLBACK;
DROP TRIGGER fail_later ON customers;
ALTER TABLE customers ADD CONSTRAINT known_status CHECK (status <> 'unknown');
SELECT regress.state($$SELECT crm_update_customer(10, regress.current(10), 'unknown', 'words', 'ana')$$);
ALTER TABLE customers DROP CONSTRAINT known_status;
SELECT outcome FROM crm_update_customer(10, regress.current(10), 'x', 'words', 'ana');
SELECT n, author, status_to FROM regress.history(10);
-- an error that is caught inside leaves a working save
CREATE FUNCTION fail_inside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM public.crm_update_customer(NEW.id, NULL, 'x', NULL, 'robot');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    BEGIN
        PERFORM public.crm_update_customer(11, other_triggers.base_of(11), 'inside', 'from inside', 'robot');
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    PERFORM public.crm_update_customer(11, other_triggers.base_of(11), 'inside', 'from inside', 'robot');
    RETURN NEW;
END $$;
CREATE FUNCTION base_of(customer bigint) RETURNS timestamptz LANGUAGE sql AS $$ SELECT updated_at FROM other_triggers.customers WHERE id = customer $$;
CREATE TRIGGER fail_inside BEFORE UPDATE ON customers FOR EACH ROW WHEN (NEW.id = 12) EXECUTE FUNCTION fail_inside();
SELECT outcome, status FROM crm_update_customer(12, regress.current(12), 'outside', 'from outside', 'ana');
DROP TRIGGER fail_inside ON customers;
SELECT n, author, status_to, comment_id = (SELECT id FROM comments WHERE body = 'from inside') AS own_comment FROM regress.history(11);
SELECT n, author, status_to, comment_id = (SELECT id FROM comments WHERE body = 'from outside') AS own_comment FROM regress.history(12);
-- deleting the customer in the middle of its save
CREATE FUNCTION delete_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM other_triggers.customers WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER delete_it AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION delete_it();
SELECT outcome, status, updated_at IS NULL AS gone FROM crm_update_customer(13, regress.current(13), 'x', NULL, 'ana');
-- with a comment that an earlier refusal kept
SELECT outcome FROM crm_update_customer(16, '2001-01-01', 'x', 'Kept', 'ana');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(16, regress.current(16), 'x', 'Kept', 'ana')$$);
DROP TRIGGER delete_it ON customers;
SELECT n, operation, author FROM regress.history(13);
-- UPDATE OF triggers fire for the status only when it is set
CREATE TABLE fired (customer bigint, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO other_triggers.fired VALUES (NEW.id, TG_NAME); RETURN NULL; END $$;
CREATE FUNCTION note_statement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO other_triggers.fired SELECT id, TG_NAME FROM changed; RETURN NULL; END $$;
CREATE TRIGGER of_status AFTER UPDATE OF status ON customers FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER of_phone AFTER UPDATE OF phone ON customers FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER by_statement AFTER UPDATE ON customers REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_statement();
SELECT outcome FROM crm_update_customer(14, regress.current(14), 'x', NULL, 'ana');
SELECT * FROM fired ORDER BY what;
DROP TRIGGER of_status ON customers; DROP TRIGGER of_phone ON customers; DROP TRIGGER by_statement ON customers;

-- session_replication_role = replica switches the triggers off: no save goes unrecorded
SET session_replication_role = replica;
SELECT * FROM regress.error($$SELECT crm_update_customer(15, regress.current(15), 'x', NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(15, regress.current(15), 'x', 'words', 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(15, '2001-01-01', 'x', 'words', 'ana')$$);
RESET session_replication_role;
-- triggers that fire in replicas only count as disabled; those that fire always do not
ALTER TABLE customers ENABLE REPLICA TRIGGER zz_crm_version;
SELECT state FROM regress.error($$SELECT crm_update_customer(15, regress.current(15), 'x', NULL, 'ana')$$);
ALTER TABLE customers ENABLE ALWAYS TRIGGER zz_crm_version;
SELECT outcome FROM crm_update_customer(15, regress.current(15), 'x', 'words', 'ana');
ALTER TABLE customers ENABLE TRIGGER zz_crm_version;
SELECT * FROM regress.violations();

-- a versioned comment that is not stored changes nothing
RESET SESSION AUTHORIZATION;
SET search_path = other_triggers, public;
INSERT INTO customers (id, updated_at) VALUES (90, '2026-01-05 10:00:00.123+00');
INSERT INTO comments (customer_id, id, author, body) VALUES (90, 900, 'ana', 'First');
INSERT INTO comments (customer_id, id, author, body, expected_ts) VALUES (90, 900, 'ben', 'Second', '2026-01-05 10:00:00.123+00')
ON CONFLICT DO NOTHING;
CREATE FUNCTION suppress_comment() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER zzz_suppress BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION suppress_comment();
INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (90, 'ben', 'Third', '2026-01-05 10:00:00.123+00');
DROP TRIGGER zzz_suppress ON comments;
SELECT updated_at = '2026-01-05 10:00:00.123+00' AS same, (SELECT count(*) FROM customer_history WHERE customer_id = 90) AS changes,
       (SELECT count(*) FROM comments WHERE customer_id = 90) AS comments
FROM customers WHERE id = 90;
-- of two in one statement, one can be right; a savepoint gives its base back
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts)
    VALUES (90, 'ben', 'Fourth', '2026-01-05 10:00:00.123+00'), (90, 'ben', 'Fifth', '2026-01-05 10:00:00.123+00')$$);
BEGIN;
SAVEPOINT s;
INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (90, 'ben', 'Sixth', '2026-01-05 10:00:00.123+00');
ROLLBACK TO s;
INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (90, 'ben', 'Seventh', '2026-01-05 10:00:00.123+00');
COMMIT;
SELECT n, author, operation, comment_id IS NOT NULL AS has_comment FROM regress.history(90);
-- a trigger that touches the customer when a comment comes does not make its own comment stale
CREATE FUNCTION touch_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE customers SET phone = 'touched' WHERE id = NEW.customer_id; RETURN NULL; END $$;
CREATE TRIGGER a_touch AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION touch_customer();
SELECT regress.current(90) AS v \gset
INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (90, 'ben', 'Eighth', :'v');
DROP TRIGGER a_touch ON comments;
SELECT n, author, operation, comment_id IS NOT NULL AS has_comment FROM regress.history(90);
SELECT * FROM regress.violations();

-- a trigger of the comments that saves from the same version
CREATE FUNCTION save_too() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.author = 'ana' THEN
        PERFORM crm_update_customer(NEW.customer_id, (SELECT updated_at FROM customers WHERE id = NEW.customer_id), 'theirs', NULL, 'robot');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER save_too AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION save_too();
SELECT * FROM regress.error($$SELECT crm_update_customer(90, regress.current(90), 'mine', 'Ninth', 'ana')$$);
DROP TRIGGER save_too ON comments;
SELECT status, (SELECT count(*) FROM customer_history WHERE customer_id = 90) AS changes FROM customers WHERE id = 90;
-- triggers that blank a comment, or change one that is adopted
CREATE FUNCTION blank_body() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.body = 'Blank me' THEN NEW.body := ' '; END IF; RETURN NEW; END $$;
CREATE FUNCTION note_adoption() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.author := format('%s, at depth %s', NEW.author, pg_trigger_depth()); RETURN NEW; END $$;
CREATE TRIGGER blank_body BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION blank_body();
CREATE TRIGGER note_adoption BEFORE UPDATE ON comments FOR EACH ROW EXECUTE FUNCTION note_adoption();
SELECT * FROM regress.error($$SELECT crm_update_customer(90, regress.current(90), NULL, 'Blank me', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_add_comment(90, 'Blank me', 'ana')$$);
SELECT outcome FROM crm_update_customer(90, '2026-01-05 10:00:00.123+00', NULL, 'Tenth', 'ana');
SELECT outcome FROM crm_update_customer(90, regress.current(90), NULL, 'Tenth', 'ana');
SELECT author, save_refused FROM comments WHERE customer_id = 90 AND body = 'Tenth';
DROP TRIGGER blank_body ON comments;
DROP TRIGGER note_adoption ON comments;

-- a version column without a version
ALTER TABLE customers ALTER updated_at DROP NOT NULL;
ALTER TABLE customers DISABLE TRIGGER zz_crm_version, DISABLE TRIGGER crm_history;
UPDATE customers SET updated_at = NULL WHERE id = 90;
ALTER TABLE customers ENABLE TRIGGER zz_crm_version, ENABLE TRIGGER crm_history;
SELECT * FROM regress.error($$SELECT crm_update_customer(90, now(), 'mine', NULL, 'ana')$$);
UPDATE customers SET phone = 'x' WHERE id = 90;
ALTER TABLE customers ALTER updated_at SET NOT NULL;
SELECT outcome FROM crm_update_customer(90, regress.current(90), 'mine', NULL, 'ana');

-- Triggers of others that fire in replicas, always, or never, where those of the extension always fire: as in a plain statement.
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
