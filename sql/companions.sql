-- The tables of comments, history and edit locks of an attached one: whose they are, and what becomes of them.

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
SELECT regress.state($$SELECT crm_attach('shared.clients')$$), regress.state($$SELECT crm_attach('shared.clients', as_customers => true)$$) AS in_its_place;
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
-- when what was there first is detached, or goes, the other is found once its owner asks for that
SELECT crm_detach('customers');
SET ROLE regress_crm_mallory;
SELECT regress.state($$SELECT crm_update_customer(2, now(), 'found', NULL, 'ana')$$);
SELECT crm_attach('aaa');
SELECT outcome FROM crm_update_customer(2, (SELECT updated_at FROM aaa WHERE id = 2), 'found', NULL, 'ana');
RESET ROLE;
DROP SCHEMA shared, mallory CASCADE;
DROP ROLE regress_crm_mallory, regress_crm_bob;

-- A table of comments, history or edit locks that is gone, has another name, is something else by now, or misses a column.
CREATE SCHEMA missing;
CREATE SCHEMA missing_whole;
SET search_path = missing, public;

-- What a table has: its columns, constraints, indexes and triggers.
CREATE FUNCTION shape(of_table regclass) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array((SELECT jsonb_agg(jsonb_build_array(attname, format_type(atttypid, atttypmod), attnotnull, attidentity, atthasdef) ORDER BY attnum) FROM pg_attribute WHERE attrelid = of_table AND attnum > 0),
        (SELECT jsonb_agg(jsonb_build_array(contype, conkey) ORDER BY contype, conkey) FROM pg_constraint WHERE conrelid = of_table),
        (SELECT jsonb_agg(indkey::text ORDER BY indkey::text) FROM pg_index WHERE indrelid = of_table),
        (SELECT jsonb_agg(tgname ORDER BY tgname) FROM pg_trigger WHERE tgrelid = of_table AND NOT tgisinternal)) $$;
-- How the registered tables of a customers table differ in that from those of one that misses nothing.
CREATE FUNCTION differences(of_table regclass) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT concat_ws(', ', CASE WHEN missing.shape(a.comments) <> missing.shape(w.comments) THEN 'comments' END, CASE WHEN missing.shape(a.history) <> missing.shape(w.history) THEN 'history' END, CASE WHEN missing.shape(a.locks) <> missing.shape(w.locks) THEN 'locks' END)
    FROM crm_attached_tables a, crm_attached_tables w WHERE a.customers = of_table AND w.customers = 'missing_whole.clients'::regclass);
END $$;
-- What saves, comments and edit locks of customer 1 come to.
CREATE FUNCTION works(OUT save text, OUT refusal text, OUT merge text, OUT adds boolean, OUT lock text, OUT timeline boolean, OUT violations bigint, OUT errors text) LANGUAGE plpgsql AS $$
BEGIN
    save := (SELECT outcome FROM crm_update_customer(1, (crm_get_customer(1)->'customer'->>'updated_at')::timestamptz, NULL, clock_timestamp()::text, 'ana'));
    refusal := (SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'lost', clock_timestamp()::text, 'ben') WHERE comment_id > 0);
    merge := (SELECT outcome FROM crm_update_customer(1, (crm_get_customer(1)->'customer'->>'updated_at')::timestamptz, NULL, NULL, 'ana', true, fields => jsonb_build_object('city', clock_timestamp())));
    adds := crm_add_comment(1, clock_timestamp()::text, 'ana') > 0;
    lock := (SELECT outcome FROM crm_lock_customer(1, 'ana'));
    timeline := (SELECT count(*) > 4 FROM crm_timeline(1));
    violations := (SELECT count(*) FROM crm_verify());
    errors := (SELECT string_agg(check_name || ': ' || finding, ', ') FROM crm_doctor() WHERE status = 'error' AND check_name <> 'settings');
END $$;
CREATE TABLE clients (id int PRIMARY KEY, city text, status text NOT NULL DEFAULT 'new', updated_at timestamptz(3) NOT NULL);
CREATE TABLE missing_whole.clients (LIKE clients INCLUDING ALL);
SELECT crm_attach('clients'), crm_attach('missing_whole.clients') AS whole;
INSERT INTO clients (id) VALUES (1);
SELECT * FROM works();

-- dropped: called again, crm_attach() makes it
DROP TABLE clients_history CASCADE;
SELECT crm_attach('clients');
SELECT history, differences('clients') FROM crm_attached_tables WHERE customers = 'clients'::regclass;
SELECT * FROM works();
DROP TABLE clients_locks CASCADE;
SELECT crm_attach('clients');
SELECT locks, differences('clients') FROM crm_attached_tables WHERE customers = 'clients'::regclass;
SELECT * FROM works();
DROP TABLE clients_comments CASCADE;
SELECT crm_attach('clients');
SELECT comments, differences('clients') FROM crm_attached_tables WHERE customers = 'clients'::regclass;
SELECT * FROM works();
DROP TABLE clients_comments, clients_history, clients_locks CASCADE;
SELECT crm_attach('clients');
SELECT comments, history, locks, differences('clients') FROM crm_attached_tables WHERE customers = 'clients'::regclass;
SELECT * FROM works();
-- under the name that is asked for
DROP TABLE clients_history CASCADE;
SELECT crm_attach('clients', history => 'older clients');
SELECT history, differences('clients') FROM crm_attached_tables WHERE customers = 'clients'::regclass;
SELECT * FROM works();
SELECT count(*) FROM crm_attached_tables WHERE customers = 'clients'::regclass;
-- those of crm_create_tables()
CREATE SCHEMA missing_standard;
SET search_path = missing_standard, public;
SELECT crm_create_tables();
DROP TABLE customer_history CASCADE;
SELECT crm_attach('customers');
DROP TABLE customer_locks CASCADE;
SELECT crm_attach('customers');
SELECT comments, history, locks, missing.differences('customers') FROM crm_attached_tables WHERE customers = 'customers'::regclass;
DROP TABLE customer_history, customer_locks CASCADE;
SELECT crm_attach('customers');
SELECT comments, history, locks FROM crm_attached_tables WHERE customers = 'customers'::regclass;
INSERT INTO customers (id) VALUES (1);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', 'Signed', 'ana');
DROP SCHEMA missing_standard CASCADE;
SET search_path = missing, public;

-- while it is missing, calls say so; nobody else's are hindered
CREATE FUNCTION states() RETURNS TABLE (call text, states text) LANGUAGE plpgsql AS $$
DECLARE
    of_member text;
BEGIN
    FOREACH call IN ARRAY ARRAY[$c$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$c$, $c$SELECT crm_get_customer(1)$c$, $c$SELECT crm_timeline(1)$c$, $c$SELECT crm_add_comment(1, 'x', 'ana')$c$,
            $c$SELECT crm_export_comments(1)$c$, $c$SELECT crm_import_comments(1, 'x')$c$, $c$SELECT crm_lock_customer(1, 'ana')$c$, $c$SELECT crm_unlock_customer(1, gen_random_uuid())$c$, $c$SELECT crm_verify()$c$,
            $c$SELECT crm_prune_history('1 year')$c$, $c$SELECT crm_erase_customer(1)$c$, $c$UPDATE clients SET city = 'Rome'$c$, $c$DELETE FROM clients$c$, $c$SELECT * FROM crm_locks$c$, $c$SELECT * FROM crm_doctor()$c$,
            $c$SELECT crm_detach('clients')$c$, $c$SELECT crm_attach('missing_whole.clients')$c$, $c$SELECT crm_detach('missing_whole.clients')$c$]
    LOOP
        states := '';
        FOREACH of_member IN ARRAY ARRAY['clients_comments', '"older clients"', 'clients_locks'] LOOP
            BEGIN
                EXECUTE format('DROP TABLE %s CASCADE', of_member);
                states := states || ' ' || regress.state(call);
                RAISE EXCEPTION USING ERRCODE = 'UND00';
            EXCEPTION WHEN SQLSTATE 'UND00' THEN
            END;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM states();

-- renamed and moved: found all the same
ALTER TABLE clients_comments RENAME TO notes;
ALTER TABLE "older clients" RENAME TO past;
ALTER TABLE clients_locks RENAME TO edited;
ALTER TABLE past SET SCHEMA missing_whole;
CREATE TABLE clients_history (x int);
SELECT crm_attach('clients');
SELECT comments, history, locks, differences('clients') FROM crm_attached_tables WHERE customers = 'clients'::regclass;
SELECT * FROM works();
ALTER TABLE missing_whole.past SET SCHEMA missing;
DROP TABLE clients_history;
ALTER TABLE notes RENAME TO clients_comments;
ALTER TABLE past RENAME TO clients_history;
ALTER TABLE edited RENAME TO clients_locks;
SELECT crm_attach('clients');

-- something else of the same name stands in its place: a clear error, and nothing is changed
CREATE FOREIGN DATA WRAPPER regress_missing_wrapper;
CREATE SERVER regress_missing_server FOREIGN DATA WRAPPER regress_missing_wrapper;
CREATE TABLE parent (customer_id int);
CREATE TABLE whole (LIKE clients_history);
CREATE FUNCTION replaced() RETURNS TABLE (kind text, states text) LANGUAGE plpgsql AS $$
DECLARE
    member text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['CREATE VIEW %s AS SELECT 1 AS customer_id', 'CREATE MATERIALIZED VIEW %s AS SELECT 1 AS customer_id', 'CREATE SEQUENCE %s', 'CREATE INDEX %s ON parent (customer_id)',
            'CREATE TYPE %s AS (customer_id int)', 'CREATE FOREIGN TABLE %s (customer_id int) SERVER regress_missing_server', 'CREATE TABLE %s (customer_id int)', 'CREATE TABLE %s ()',
            'CREATE TABLE %s (LIKE clients_comments) PARTITION BY RANGE (customer_id)', 'CREATE TABLE %s (LIKE whole) PARTITION BY RANGE (customer_id)', 'CREATE TABLE %s (LIKE clients_locks) PARTITION BY RANGE (customer_id)',
            'CREATE TABLE %s (LIKE whole, extra int) PARTITION BY HASH (customer_id)']
    LOOP
        states := '';
        FOREACH member IN ARRAY ARRAY['clients_comments', 'clients_history', 'clients_locks'] LOOP
            BEGIN
                EXECUTE format('ALTER TABLE %s RENAME TO gone', member);
                EXECUTE format(replace(kind, member, 'gone'), member);
                DROP TABLE gone CASCADE;
                states := states || ' ' || regress.state('SELECT crm_attach(''clients'')');
                RAISE EXCEPTION USING ERRCODE = 'UND00';
            EXCEPTION WHEN SQLSTATE 'UND00' THEN
            END;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM replaced();
BEGIN;
DROP TABLE clients_history CASCADE;
CREATE VIEW clients_history AS SELECT 1 AS customer_id;
SELECT state, detail IS NOT NULL AS has_detail, hint IS NOT NULL AS has_hint FROM regress.error($$SELECT crm_attach('clients')$$);
ROLLBACK;
DROP FOREIGN DATA WRAPPER regress_missing_wrapper CASCADE;
SELECT comments, history, locks, differences('clients') FROM crm_attached_tables WHERE customers = 'clients'::regclass;
SELECT * FROM works();

-- tables of a detached one are taken up again, but for one that misses a column, or has it of another type: the error names it
SELECT crm_detach('clients');
BEGIN;
ALTER TABLE clients_history DROP COLUMN earlier_pruned;
SELECT state, detail LIKE '%"earlier_pruned"%' AS names_it FROM regress.error($$SELECT crm_attach('clients')$$);
ROLLBACK;
CREATE FUNCTION without_column() RETURNS TABLE (member regclass, name name, dropped text, retyped text) LANGUAGE plpgsql AS $$
DECLARE
    error record;
    change text;
    result text;
BEGIN
    FOR member, name IN SELECT attrelid, attname FROM pg_attribute WHERE attrelid IN ('clients_comments'::regclass, 'clients_history'::regclass, 'clients_locks'::regclass) AND attnum > 0 AND NOT attisdropped
                        ORDER BY attrelid::regclass::text, attnum
    LOOP
        FOREACH change IN ARRAY ARRAY['ALTER TABLE %s DROP COLUMN %I CASCADE', 'ALTER TABLE %1$s DROP COLUMN %2$I CASCADE, ADD COLUMN %2$I money'] LOOP
            BEGIN
                EXECUTE format(change, member, name);
                SELECT * INTO error FROM regress.error('SELECT crm_attach(''clients'')');
                RAISE EXCEPTION USING ERRCODE = 'UND00';
            EXCEPTION WHEN SQLSTATE 'UND00' THEN
                result := format('%s, %s', error.state, CASE WHEN error.detail LIKE '%"' || name || '"%' THEN 'names it' ELSE coalesce(error.detail, error.message) END);
            END;
            IF change LIKE '%ADD%' THEN retyped := result; ELSE dropped := result; END IF;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM without_column();
SELECT crm_attach('clients');
SELECT differences('clients');
SELECT * FROM works();
DROP SCHEMA missing, missing_whole CASCADE;
