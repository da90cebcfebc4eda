-- tools that compare and alter schemas: what is added stays out of their way, and is not dropped unnoticed
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA schema_tools;
CREATE SCHEMA crm_parts;
SET search_path = schema_tools, public;
RESET client_min_messages;
\set VERBOSITY default

CREATE TABLE customers (id bigint PRIMARY KEY, name text, status text NOT NULL DEFAULT 'new', updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE deals (id bigint PRIMARY KEY, stage text, updated_at timestamptz NOT NULL DEFAULT now());
CREATE VIEW relations AS SELECT relname, relkind FROM pg_class WHERE relnamespace = 'schema_tools'::regnamespace AND relkind IN ('r', 'S', 'i');
CREATE TABLE before AS TABLE relations;
SELECT crm_attach('customers', companions_schema => 'crm_parts'), crm_attach('deals', 'stage', companions_schema => 'crm_parts');

-- the schema of the application has nothing more than it had
SELECT relname FROM (TABLE relations EXCEPT TABLE before) r WHERE relname <> 'before';
SELECT count(*) AS statistics FROM pg_statistic_ext WHERE stxnamespace = 'schema_tools'::regnamespace;
SELECT relname FROM pg_class WHERE relnamespace = 'crm_parts'::regnamespace AND relkind = 'r' ORDER BY 1;
SELECT stxname, obj_description(oid) FROM pg_statistic_ext WHERE stxnamespace = 'crm_parts'::regnamespace ORDER BY 1;

-- and all works from there
INSERT INTO customers (id, name) VALUES (1, 'Acme');
INSERT INTO deals (id, stage) VALUES (1, 'open');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'called', 'rang', 'ana');
SELECT outcome FROM crm_update_record('deals', '1', (SELECT updated_at FROM deals), 'won', 'signed', 'ana');
SELECT outcome FROM crm_update_customer(1, now() - interval '1 day', 'stale', 'kept', 'ben');
SELECT body, save_refused FROM crm_parts.customers_comments ORDER BY id;
DELETE FROM customers;
SELECT outcome FROM crm_restore_customer(1, 'ana');
SELECT * FROM crm_verify();
SELECT * FROM crm_verify_record('deals', NULL);

-- attaching again finds them, and makes what is missing where they are
SELECT crm_attach('customers');
DROP TABLE crm_parts.customers_deletions;
SELECT crm_attach('customers');
SELECT 'crm_parts.customers_deletions'::regclass;
SELECT * FROM regress.error($$SELECT crm_attach('customers', companions_schema => 'schema_tools')$$);
SELECT * FROM regress.error($$SELECT crm_attach('customers', companions_schema => 'nonesuch')$$);
CREATE TABLE others (id bigint PRIMARY KEY, name text);
CREATE TEMPORARY TABLE temporary ();
SELECT * FROM regress.error(format('SELECT crm_attach(''others'', ''name'', companions_schema => %L)', pg_my_temp_schema()::regnamespace));
-- also after their registration was lost, which names them no longer
SELECT crm_detach('customers');
SELECT crm_attach('customers', companions_schema => 'crm_parts');
SELECT count(*) AS comments FROM crm_parts.customers_comments;
-- each may move, and is followed
CREATE SCHEMA crm_others;
ALTER TABLE crm_parts.customers_comments SET SCHEMA crm_others;
DO $$ BEGIN EXECUTE (SELECT 'ALTER STATISTICS crm_parts.' || stxname || ' SET SCHEMA crm_others' FROM pg_statistic_ext WHERE stxrelid = 'customers'::regclass); END $$;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'moved', 'moved', 'ana');

-- types change as tools change them, also to what they were
ALTER TABLE customers ALTER COLUMN status TYPE varchar(40), ALTER COLUMN updated_at TYPE timestamptz;
ALTER TABLE customers ALTER COLUMN status TYPE text;
CREATE TYPE stage AS ENUM ('open', 'won', 'lost');
ALTER TABLE deals ALTER COLUMN stage TYPE stage USING stage::stage;
SELECT outcome, status FROM crm_update_record('deals', '1', (SELECT updated_at FROM deals), 'lost', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'retyped', NULL, 'ana');
-- after which PostgreSQL would compute what is not to be computed
SELECT crm_attach('customers'), crm_attach('deals', 'stage');
SELECT stxname, stxstattarget FROM pg_statistic_ext WHERE stxrelid IN ('customers'::regclass, 'deals'::regclass) ORDER BY 1;
-- names change
ALTER TABLE customers RENAME COLUMN status TO "Phase";
ALTER TABLE customers RENAME COLUMN updated_at TO row_version;
ALTER TABLE customers RENAME TO clients;
SELECT outcome, status FROM crm_update_customer(1, (SELECT row_version FROM clients), 'renamed', NULL, 'ana');
-- and the place of a table is taken by another
CREATE TABLE customers (id bigint PRIMARY KEY, status text, updated_at timestamptz NOT NULL DEFAULT now());
SELECT crm_attach('customers', comments => 'others_comments', history => 'others_history', locks => 'others_locks', deletions => 'others_deletions',
    comment_edits => 'others_edits', refused_saves => 'others_refused', companions_schema => 'crm_others');
SELECT stxrelid::regclass, stxname FROM pg_statistic_ext WHERE stxnamespace = 'crm_others'::regnamespace ORDER BY 1;
SELECT * FROM crm_verify_record('clients', NULL);
SELECT crm_detach('customers');
SELECT stxrelid::regclass, stxname FROM pg_statistic_ext WHERE stxnamespace = 'crm_others'::regnamespace ORDER BY 1;
DROP TABLE customers, crm_others.others_comments, crm_others.others_locks;
ALTER TABLE clients RENAME TO customers;

-- a table that gets another owner is attached again, and detached, by that one
CREATE ROLE regress_schema_tools_1;
CREATE ROLE regress_schema_tools_2;
CREATE SCHEMA owned AUTHORIZATION regress_schema_tools_1;
GRANT ALL ON SCHEMA owned TO regress_schema_tools_2;
SET ROLE regress_schema_tools_1;
CREATE TABLE owned.tickets (id int PRIMARY KEY, status text);
SELECT crm_attach('owned.tickets');
RESET ROLE;
DO $$
DECLARE
    moved regclass;
BEGIN
    FOR moved IN SELECT oid FROM pg_class WHERE relnamespace = 'owned'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO regress_schema_tools_2', moved);
    END LOOP;
END $$;
REVOKE ALL ON SCHEMA owned FROM regress_schema_tools_1;
ALTER SCHEMA owned OWNER TO regress_schema_tools_2;
SET ROLE regress_schema_tools_2;
INSERT INTO owned.tickets VALUES (1, 'new');
SELECT outcome FROM crm_update_record('owned.tickets', '1', (SELECT updated_at FROM owned.tickets), 'done', NULL, 'ana');
SELECT crm_detach('owned.tickets');
SELECT crm_attach('owned.tickets');
RESET ROLE;
DO $$ BEGIN EXECUTE (SELECT format('ALTER STATISTICS owned.%I OWNER TO regress_schema_tools_1', stxname) FROM pg_statistic_ext WHERE stxrelid = 'owned.tickets'::regclass); END $$;
SET ROLE regress_schema_tools_2;
SELECT crm_attach('owned.tickets');
SELECT stxname, stxowner::regrole, stxstattarget FROM pg_statistic_ext WHERE stxrelid = 'owned.tickets'::regclass;
SELECT crm_detach('owned.tickets');
SELECT count(*) AS statistics FROM pg_statistic_ext WHERE stxrelid = 'owned.tickets'::regclass;
SELECT crm_attach('owned.tickets');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA owned CASCADE;
DROP ROLE regress_schema_tools_1, regress_schema_tools_2;
RESET client_min_messages;

-- an event trigger refuses to drop what belongs to an attached table that stays
SELECT * FROM regress.error('SELECT crm_refuse_drop()');
BEGIN;
CREATE EVENT TRIGGER misplaced ON ddl_command_end EXECUTE FUNCTION crm_refuse_drop();
SELECT * FROM regress.error('CREATE TABLE anything ()');
ROLLBACK;
CREATE EVENT TRIGGER crm_refuse_drop ON sql_drop EXECUTE FUNCTION crm_refuse_drop();
SELECT * FROM regress.error('DROP TABLE crm_others.customers_comments');
SELECT state, message, hint FROM regress.error('DROP TABLE crm_parts.customers_history');
SELECT state, message FROM pg_class, regress.error('DROP TABLE crm_parts.' || relname)
WHERE relnamespace = 'crm_parts'::regnamespace AND relname ~ '^customers.*(deletions|edits|locks|saves)$' AND relkind = 'r' ORDER BY relname;
SET client_min_messages = warning;
SELECT state FROM regress.error('DROP SCHEMA crm_parts CASCADE');
RESET client_min_messages;
SELECT state, message FROM pg_trigger, regress.error(format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass))
WHERE tgfoid::regproc::text LIKE '%crm\_%' AND NOT tgisinternal AND tgrelid IN ('customers'::regclass, 'crm_others.customers_comments'::regclass, 'crm_parts.customers_history'::regclass)
ORDER BY message;
SELECT state, message FROM regress.error('DROP STATISTICS crm_others.customers_crm_columns');
SELECT state, message FROM regress.error('ALTER TABLE customers DROP COLUMN row_version');
SELECT * FROM crm_verify();
SELECT check_name, status, finding FROM crm_doctor() WHERE check_name IN ('triggers', 'attached_tables') AND finding ~ 'customers';
-- but nothing else
CREATE TABLE mine (id int, name text);
CREATE TRIGGER crm_key BEFORE UPDATE ON mine FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE STATISTICS mine_crm_columns ON id, name FROM mine;
CREATE STATISTICS of_names ON id, name FROM customers;
DROP STATISTICS mine_crm_columns, of_names;
DROP TRIGGER crm_key ON mine;
DROP TABLE mine, others, before;
DROP VIEW relations;
ALTER TABLE customers DROP COLUMN name;
-- detaching and attaching are no drops, and a table goes with what belongs to it
SELECT crm_detach('customers'), crm_attach('customers', 'Phase', 'row_version', companions_schema => 'crm_parts', comments => 'customers_comments');
SELECT outcome FROM crm_update_customer(1, (SELECT row_version FROM customers), 'attached', NULL, 'ana');
SET client_min_messages = warning;
DROP SCHEMA crm_parts, crm_others, schema_tools CASCADE;
DROP EVENT TRIGGER crm_refuse_drop;
