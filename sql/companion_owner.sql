-- Whose tables they are: a customers table takes no history, comments or edit locks of somebody else, and none that is moved into a
-- schema takes the place of what was attached there first.
SET client_min_messages = warning;
CREATE ROLE regress_crm_mallory;
CREATE ROLE regress_crm_bob;
CREATE SCHEMA companion_owner;
GRANT ALL ON SCHEMA companion_owner TO regress_crm_mallory, regress_crm_bob;
SET search_path = companion_owner, public;
CREATE TABLE kunden (id int PRIMARY KEY, status text, updated_at timestamptz(3) NOT NULL DEFAULT now());
CREATE TABLE made_by_us (LIKE kunden INCLUDING ALL);
SELECT crm_attach('made_by_us');
SELECT crm_detach('made_by_us');

-- All that crm_attach() could have changed.
CREATE VIEW state AS
    SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (
        SELECT (oid, relname, relowner, relacl, reltriggers)::text FROM (SELECT *, relhastriggers AS reltriggers FROM pg_class WHERE relnamespace = 'companion_owner'::regnamespace) c
        UNION ALL SELECT (tgrelid, tgname, tgenabled)::text FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'companion_owner'::regnamespace)
        UNION ALL SELECT r::text FROM crm_attached_tables r) s (x);
-- Attaches kunden where one of its tables, of the right form, is another role's, or its columns' types are.
CREATE FUNCTION attach_with(stranger_owns text, caller name DEFAULT 'postgres', owner name DEFAULT 'regress_crm_mallory') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    suffix text;
    result text;
    before text;
BEGIN
    FOREACH suffix IN ARRAY string_to_array(stranger_owns, ' ') LOOP
        EXECUTE format('CREATE TABLE kunden_%s (LIKE made_by_us_%1$s INCLUDING ALL)', suffix);
        IF suffix <> 'history' THEN
            EXECUTE format('ALTER TABLE kunden_%s ADD FOREIGN KEY (customer_id) REFERENCES kunden ON DELETE CASCADE', suffix);
        END IF;
        EXECUTE format('ALTER TABLE kunden_%s OWNER TO %I', suffix, owner);
    END LOOP;
    before := (SELECT md5 FROM state);
    IF caller <> 'postgres' THEN
        EXECUTE format('SET LOCAL ROLE %I', caller);
    END IF;
    result := regress.state('SELECT crm_attach(''companion_owner.kunden'')');
    RESET ROLE;
    IF result <> '00000' AND (SELECT md5 FROM state) <> before THEN
        result := result || ', and something was changed';
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'UND00', MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'UND00' THEN
    RETURN SQLERRM;
END $$;
-- a stranger's, for a superuser, who attaches a table of the superuser's
SELECT of_mallory, attach_with(of_mallory) FROM unnest(ARRAY['history', 'comments', 'locks', 'comments locks', 'comments history locks']) of_mallory;
-- her own are taken, as long as the customers are hers too
ALTER TABLE kunden OWNER TO regress_crm_bob;
SELECT own, attach_with(own, 'postgres', 'regress_crm_bob') AS by_superuser, attach_with(own, 'regress_crm_bob', 'regress_crm_bob') AS by_bob, attach_with(own, 'postgres', 'postgres') AS of_superuser,
       attach_with(own) AS of_mallory, attach_with(own, 'regress_crm_bob') AS of_mallory_by_bob
FROM unnest(ARRAY['history', 'comments', 'locks', 'comments history locks']) own;
-- a member of both roles is not the owner of one table
GRANT regress_crm_bob TO regress_crm_mallory;
SELECT own, attach_with(own, 'regress_crm_mallory') AS by_mallory, attach_with(own, 'regress_crm_mallory', 'regress_crm_bob') AS of_bob FROM unnest(ARRAY['history', 'comments', 'locks']) own;
REVOKE regress_crm_bob FROM regress_crm_mallory;
-- the message names it
BEGIN;
CREATE TABLE kunden_history (LIKE made_by_us_history INCLUDING ALL);
ALTER TABLE kunden_history OWNER TO regress_crm_mallory;
SELECT state, message LIKE '%"kunden_history"%' AS names_it, detail IS NOT NULL AS has_detail, hint IS NOT NULL AS has_hint FROM regress.error($$SELECT crm_attach('kunden')$$);
ALTER TABLE kunden_history RENAME TO hers;
SELECT regress.state($$SELECT crm_attach('kunden', history => 'hers')$$), (SELECT count(*) FROM crm_attached_tables WHERE customers = 'kunden'::regclass) AS registered;
ROLLBACK;
-- given away after it was attached: called again, crm_attach() says so too; given back, all is well
SELECT crm_attach('kunden');
ALTER TABLE kunden_history OWNER TO regress_crm_mallory;
SELECT regress.state($$SELECT crm_attach('kunden')$$);
ALTER TABLE kunden_history OWNER TO regress_crm_bob;
SELECT crm_attach('kunden');
SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'companion_owner'::regnamespace AND relname LIKE 'kunden%' AND relkind = 'r' ORDER BY 1;
DROP SCHEMA companion_owner CASCADE;

-- a shared schema, where one table is attached, and another that is moved into it
CREATE SCHEMA shared;
CREATE SCHEMA mallory AUTHORIZATION regress_crm_mallory;
GRANT ALL ON SCHEMA shared TO regress_crm_mallory, regress_crm_bob;
GRANT ALL ON SCHEMA mallory TO regress_crm_bob;
SET search_path = shared, public;
SET ROLE regress_crm_bob;
SELECT crm_create_tables('shared');
INSERT INTO customers (id, name) VALUES (1, 'of bob');
CREATE FUNCTION save_there(OUT outcome text, OUT name text, OUT comments bigint, OUT locked text, OUT history bigint) LANGUAGE plpgsql AS $$
BEGIN
    outcome := (SELECT u.outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1), NULL, clock_timestamp()::text, 'ana') u);
    name := crm_get_customer(1)->'customer'->>'name';
    comments := (SELECT count(*) FROM crm_timeline(1) WHERE kind = 'comment');
    locked := (SELECT l.outcome FROM crm_lock_customer(1, 'ana') l);
    history := (SELECT count(*) FROM customer_history);
END $$;
GRANT EXECUTE ON FUNCTION save_there() TO PUBLIC;
SELECT * FROM save_there();
-- one that was attached later
SET ROLE regress_crm_mallory;
CREATE TABLE mallory.clients (id bigint PRIMARY KEY, name text, status text, updated_at timestamptz(3) NOT NULL);
SELECT crm_attach('mallory.clients');
INSERT INTO mallory.clients (id, name) VALUES (1, 'of mallory'), (2, 'of mallory');
ALTER TABLE mallory.clients SET SCHEMA shared;
SET ROLE regress_crm_bob;
SELECT * FROM save_there();
SELECT outcome FROM crm_update_customer(2, now(), 'x', NULL, 'ana');
SELECT crm_add_comment(1, 'Hello', 'ana') > 0 AS added, (SELECT count(*) FROM crm_verify()) AS violations, (SELECT count(*) FROM crm_doctor() WHERE status = 'error' AND check_name <> 'settings') AS errors;
-- those of hers are moved as well, and back
SET ROLE regress_crm_mallory;
ALTER TABLE mallory.clients_comments SET SCHEMA shared;
ALTER TABLE mallory.clients_history SET SCHEMA shared;
ALTER TABLE mallory.clients_locks SET SCHEMA shared;
SET ROLE regress_crm_bob;
SELECT * FROM save_there();
SET ROLE regress_crm_mallory;
-- a plain write of it is still guarded; and where it is alone, it is found
UPDATE clients SET status = 'plain' WHERE id = 2;
SELECT operation, status_to FROM clients_history WHERE customer_id = 2 ORDER BY version;
ALTER TABLE clients SET SCHEMA mallory;
SET search_path = mallory, shared, public;
SELECT outcome FROM crm_update_customer(2, (SELECT updated_at FROM clients WHERE id = 2), 'x', NULL, 'ana');
-- one that was attached before the other, in a schema of its own, also when its attachment is renewed there
RESET ROLE;
SET search_path = shared, public;
UPDATE crm_attached_tables SET attached_at = attached_at - interval '1 year' WHERE customers = 'mallory.clients'::regclass;
SET ROLE regress_crm_mallory;
ALTER TABLE mallory.clients SET SCHEMA shared;
SET ROLE regress_crm_bob;
SELECT * FROM save_there();
SET ROLE regress_crm_mallory;
SELECT regress.state($$SELECT crm_attach('shared.clients')$$) IS NOT NULL AS answered;
SET ROLE regress_crm_bob;
SELECT * FROM save_there();
-- also under another name
SET ROLE regress_crm_mallory;
ALTER TABLE shared.clients RENAME TO aaa;
SET ROLE regress_crm_bob;
SELECT * FROM save_there();
-- in a new session
\c -
SET client_min_messages = warning;
SET search_path = shared, public;
SET ROLE regress_crm_bob;
SELECT * FROM save_there();
-- when what was there first is detached, or goes, the other is found
SELECT crm_detach('customers');
SET ROLE regress_crm_mallory;
SELECT outcome FROM crm_update_customer(2, (SELECT updated_at FROM aaa WHERE id = 2), 'found', NULL, 'ana');
RESET ROLE;
DROP SCHEMA shared, mallory CASCADE;
DROP ROLE regress_crm_mallory, regress_crm_bob;
