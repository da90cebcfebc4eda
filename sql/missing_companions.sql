-- A table of comments, history or edit locks that is gone, has another name, is something else by now, or misses a column.
SET client_min_messages = warning;
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
