-- crm_create_tables and the registry: which tables belong together, and which of them a save means.
SET client_min_messages = warning;
CREATE SCHEMA create_tables;
SET search_path = create_tables, public;

SELECT crm_create_tables();
SELECT customers, comments, history, locks, comments_column, plain_updates
FROM crm_attached_tables WHERE customers = 'create_tables.customers'::regclass;
\d customers
\d comments
\d customer_history
\d customer_locks
SELECT relname, reloptions FROM pg_class
WHERE relnamespace = 'create_tables'::regnamespace AND relkind = 'r' ORDER BY relname;

-- data is never a member of the extension
SELECT count(*) FROM pg_depend
WHERE deptype = 'e' AND classid = 'pg_class'::regclass
  AND objid IN ('customers'::regclass, 'comments'::regclass, 'customer_history'::regclass,
                'customer_locks'::regclass);

-- a table that exists
SELECT * FROM regress.error('SELECT crm_create_tables()');
SELECT * FROM regress.error($$SELECT crm_create_tables('create_tables')$$);
CREATE SCHEMA create_tables_taken;
CREATE TABLE create_tables_taken.customer_history (x int);
SELECT * FROM regress.error($$SELECT crm_create_tables('create_tables_taken')$$);
CREATE SCHEMA create_tables_taken2;
CREATE VIEW create_tables_taken2.comments AS SELECT 1 AS x;
SELECT * FROM regress.error($$SELECT crm_create_tables('create_tables_taken2')$$);
SELECT relname FROM pg_class
WHERE relnamespace IN ('create_tables_taken'::regnamespace, 'create_tables_taken2'::regnamespace) AND relkind <> 'i'
ORDER BY relname;

-- schemas that cannot be used
SELECT state, message FROM regress.error($$SELECT crm_create_tables('no such schema')$$);
SET search_path = create_tables_nowhere;
SELECT * FROM regress.error('SELECT public.crm_create_tables()');
SET search_path = pg_temp, public;
CREATE TEMP TABLE any_temporary_table (x int);
SELECT * FROM regress.error('SELECT crm_create_tables()');
DROP TABLE any_temporary_table;
SET search_path = create_tables, public;
SELECT regress.state($$SELECT crm_create_tables('')$$);

-- a schema argument; names that need quotes
CREATE SCHEMA "create ""Tables"" 100%s";
SELECT crm_create_tables('create "Tables" 100%s');
INSERT INTO "create ""Tables"" 100%s".customers (name) VALUES ('quoted') RETURNING id, status, updated_at IS NOT NULL;
SELECT version AS base FROM "create ""Tables"" 100%s".customer_history \gset
SET search_path = "create ""Tables"" 100%s", public;
SELECT outcome, status, comment_id FROM crm_update_customer(1, :'base', 'won', 'It''s "quoted" 100%s', 'o''hara');
SELECT author, body FROM comments;
SELECT * FROM regress.violations();

-- one schema for each tenant: the search_path chooses, and is read anew for every call
CREATE SCHEMA create_tables_b;
SELECT crm_create_tables('create_tables_b');
INSERT INTO create_tables.customers (id, name) VALUES (1, 'of a');
INSERT INTO create_tables_b.customers (id, name) VALUES (1, 'of b');
SELECT updated_at AS base_a FROM create_tables.customers \gset
SELECT updated_at AS base_b FROM create_tables_b.customers \gset
SET search_path = create_tables, create_tables_b, public;
SELECT outcome FROM crm_update_customer(1, :'base_a', 'a', NULL, 'ana');
SET search_path = create_tables_b, create_tables, public;
SELECT outcome FROM crm_update_customer(1, :'base_b', 'b', NULL, 'ana');
SET search_path = public, create_tables_b;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM create_tables_b.customers), 'c', NULL, 'ana');
SELECT status FROM create_tables.customers UNION ALL SELECT status FROM create_tables_b.customers;
-- an unattached table in front is not taken for an attached one
CREATE SCHEMA create_tables_front;
CREATE TABLE create_tables_front.customers (id bigint, status text, updated_at timestamptz);
SET search_path = create_tables_front, create_tables_b, public;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM create_tables_b.customers), 'd', NULL, 'ana');
-- nor a temporary one
CREATE TEMP TABLE customers (id bigint, status text, updated_at timestamptz);
CREATE TEMP TABLE comments (customer_id bigint);
CREATE TEMP TABLE customer_history (customer_id bigint);
SET search_path = pg_temp, create_tables_b, public;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM create_tables_b.customers), 'e', 'x', 'ana');
DROP TABLE pg_temp.customers, pg_temp.comments, pg_temp.customer_history;
-- none at all
SET search_path = create_tables_front, public;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SET search_path = pg_catalog;
SELECT regress.state($$SELECT public.crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
-- a function finds the tables of the search_path that it sets
CREATE FUNCTION create_tables.save_in_b(base timestamptz) RETURNS text
LANGUAGE sql SET search_path = create_tables_b
AS $$ SELECT outcome FROM public.crm_update_customer(1, base, 'f', NULL, 'ana') $$;
SELECT create_tables.save_in_b(updated_at) FROM create_tables_b.customers;

-- renamed tables and schemas stay attached
SET search_path = create_tables_b, public;
ALTER TABLE customers RENAME TO clients;
ALTER TABLE comments RENAME TO notes;
ALTER TABLE customer_history RENAME TO past;
ALTER TABLE customer_locks RENAME TO being_edited;
ALTER TABLE customer_deletions RENAME TO gone;
ALTER TABLE comment_edits RENAME TO corrections;
ALTER TABLE customer_refused_saves RENAME TO not_saved;
SELECT outcome, status, comment_id FROM crm_update_customer(1, (SELECT updated_at FROM clients), 'renamed', 'x2', 'ana');
ALTER SCHEMA create_tables_b RENAME TO create_tables_c;
SET search_path = create_tables_c, public;
SELECT outcome, status, comment_id FROM crm_update_customer(1, (SELECT updated_at FROM clients), 'moved', 'x3', 'ana');
SELECT status, (SELECT count(*) FROM notes) AS notes, (SELECT count(*) FROM past) AS past FROM clients;
SELECT customers FROM crm_attached_tables WHERE customers = 'clients'::regclass;
-- the tables moved one by one
CREATE SCHEMA create_tables_d;
ALTER TABLE clients SET SCHEMA create_tables_d;
SELECT regress.state($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SET search_path = create_tables_d, public;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM clients), 'moved again', 'x4', 'ana');
-- a new CRM takes the place of the renamed one
SET search_path = create_tables_c, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (7);
SELECT outcome FROM crm_update_customer(7, (SELECT updated_at FROM customers), 'own', NULL, 'ana');

-- columns of the customers are renamed
SET search_path = create_tables, public;
ALTER TABLE customers RENAME COLUMN status TO "State of it";
ALTER TABLE customers RENAME COLUMN updated_at TO changed_at;
ALTER TABLE customers RENAME COLUMN id TO customer;
SELECT outcome, status FROM crm_update_customer(1, (SELECT changed_at FROM customers), 'renamed', NULL, 'ana');
UPDATE customers SET name = 'plain';
SELECT outcome, detail->'current'->>'State of it' AS state FROM crm_update_customer(1, :'base_a', 'x', NULL, 'ana');
SELECT * FROM regress.error($$UPDATE customers SET customer = 2$$);
ALTER TABLE customers RENAME COLUMN "State of it" TO status;
ALTER TABLE customers RENAME COLUMN changed_at TO updated_at;
ALTER TABLE customers RENAME COLUMN customer TO id;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'back', NULL, 'ana');
-- those of the extension keep their names, which says so
ALTER TABLE comments RENAME COLUMN author TO who;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ALTER TABLE comments RENAME COLUMN who TO author;
-- every column that the extension uses is named when it is missing
ALTER TABLE comments RENAME COLUMN reply_to TO answers;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ALTER TABLE comments RENAME COLUMN answers TO reply_to;
ALTER TABLE customer_history RENAME COLUMN request TO digest;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ALTER TABLE customer_history RENAME COLUMN digest TO request;
-- others come and go
ALTER TABLE customers DROP COLUMN email;
ALTER TABLE customers ADD COLUMN city text DEFAULT 'Rome', ADD COLUMN "odd ""name" int;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'wider', NULL, 'ana');
UPDATE customers SET city = 'Milan', "odd ""name" = 3 WHERE id = 1;
SELECT fields FROM regress.history(1) ORDER BY n DESC LIMIT 1;
SELECT (detail->'current') - 'updated_at' AS current FROM crm_update_customer(1, :'base_a', 'x', NULL, 'ana');
-- the types of status and version may change; a column that is dropped takes the object along that names it, and is not mistaken
BEGIN;
ALTER TABLE customers ALTER COLUMN status TYPE varchar(20), ALTER COLUMN updated_at TYPE timestamptz(3);
ALTER TABLE customers RENAME COLUMN status TO stage;
SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = 'customers'::regclass;
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'typed', NULL, 'ana');
SELECT * FROM regress.violations();
ROLLBACK;
BEGIN;
ALTER TABLE customers DROP COLUMN status;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SELECT state, message FROM regress.error($$UPDATE customers SET name = 'x'$$);
SELECT finding, hint FROM crm_doctor() WHERE check_name = 'triggers';
SELECT crm_attach('customers', status_column => NULL);
UPDATE customers SET name = 'without a status' RETURNING name;
SELECT * FROM regress.violations();
ROLLBACK;
BEGIN;
ALTER TABLE customers ADD COLUMN stage text;
UPDATE customers SET stage = status;
ALTER TABLE customers DROP COLUMN status;
SELECT crm_attach('customers', 'stage');
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'staged', NULL, 'ana');
ROLLBACK;
BEGIN;
DO $$ BEGIN EXECUTE (SELECT 'DROP STATISTICS ' || stxname FROM pg_statistic_ext WHERE stxrelid = 'customers'::regclass); END $$;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_attach('customers', 'nonesuch')$$);
SELECT crm_attach('customers');
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'named', NULL, 'ana');
ROLLBACK;
-- the hint is the way back from types that do not do
CREATE PROCEDURE pg_temp.retype(col name, alteration text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE customers ALTER COLUMN %I DROP DEFAULT, ALTER COLUMN %1$I TYPE %s', col, alteration);
END $$;
BEGIN;
CALL pg_temp.retype('updated_at', 'timestamptz(2)');
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SELECT state, message FROM regress.error($$UPDATE customers SET name = 'x'$$);
DO $$ BEGIN EXECUTE (SELECT hint FROM regress.error('SELECT crm_update_customer(1, now(), ''x'', NULL, ''ana'')')); END $$;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'typed', NULL, 'ana');
CALL pg_temp.retype('updated_at', 'date');
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
CALL pg_temp.retype('updated_at', 'text');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ROLLBACK;
BEGIN;
CALL pg_temp.retype('status', 'date USING now()::date');
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
CALL pg_temp.retype('status', 'timestamptz USING now()');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ROLLBACK;
BEGIN;
DROP TRIGGER crm_key ON customers;
ALTER TABLE customers ALTER COLUMN id DROP IDENTITY;
CALL pg_temp.retype('id', 'numeric');
CREATE TRIGGER crm_key BEFORE UPDATE OF id ON customers FOR EACH ROW EXECUTE FUNCTION crm_customers_key();
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ROLLBACK;
BEGIN;
ALTER TABLE comments ALTER COLUMN created_at TYPE timestamp;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ROLLBACK;
-- the trigger as version 1.0 made it, which names the columns; attaching again replaces it
BEGIN;
DO $$ BEGIN EXECUTE (SELECT 'DROP STATISTICS ' || stxname FROM pg_statistic_ext WHERE stxrelid = 'customers'::regclass); END $$;
DROP TRIGGER crm_key ON customers;
CREATE TRIGGER crm_key BEFORE UPDATE OF id, status, updated_at ON customers FOR EACH ROW EXECUTE FUNCTION crm_customers_key();
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'older', NULL, 'ana');
SELECT * FROM regress.error($$SELECT crm_attach('customers', status_column => NULL)$$);
SELECT crm_attach('customers');
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'customers'::regclass AND tgname = 'crm_key';
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'newer', NULL, 'ana');
ROLLBACK;
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'again', NULL, 'ana');
SELECT * FROM regress.violations();

-- triggers that are missing or disabled
ALTER TABLE customers DISABLE TRIGGER zz_crm_version;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ALTER TABLE customers ENABLE TRIGGER zz_crm_version;
ALTER TABLE comments DISABLE TRIGGER zz_crm_guard;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ALTER TABLE comments ENABLE TRIGGER zz_crm_guard;
BEGIN;
DROP TRIGGER crm_history ON customers;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ROLLBACK;
BEGIN;
DROP TRIGGER zz_crm_version ON customers;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SELECT state, message FROM regress.error($$UPDATE customers SET name = 'x'$$);
ROLLBACK;
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'guarded', 'x', 'ana');

-- dropped tables
BEGIN;
DROP TABLE comments;
SELECT state, message, hint FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SELECT state FROM regress.error($$UPDATE customers SET name = 'x'$$);
ROLLBACK;
BEGIN;
DROP TABLE customer_history;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ROLLBACK;
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'there', NULL, 'ana');
DROP TABLE customers, comments, customer_history, customer_locks, customer_deletions, comment_edits, customer_refused_saves;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'new', 'hello', 'ana');

-- a creation that is rolled back leaves nothing
CREATE SCHEMA create_tables_undone;
SET search_path = create_tables_undone, public;
BEGIN;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'undone', NULL, 'ana');
ROLLBACK;
SELECT regress.state($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
BEGIN READ ONLY;
SELECT state, message FROM regress.error('SELECT crm_create_tables()');
ROLLBACK;

-- triggers of the extension on tables that are not attached, or where they do not belong
SET search_path = create_tables, public;
CREATE TABLE stranger (id bigint, status text, updated_at timestamptz);
-- the owner may insert, as a restore does before it comes to the registry
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON stranger FOR EACH ROW EXECUTE FUNCTION crm_customers_version();
INSERT INTO stranger VALUES (1);
SELECT * FROM regress.error('UPDATE stranger SET id = 2');
DROP TRIGGER t ON stranger;
CREATE TRIGGER t BEFORE INSERT OR UPDATE ON stranger FOR EACH ROW EXECUTE FUNCTION crm_comments_guard();
INSERT INTO stranger VALUES (2);
SELECT * FROM regress.error('UPDATE stranger SET id = 2');
CREATE ROLE regress_crm_stranger;
GRANT USAGE ON SCHEMA create_tables TO regress_crm_stranger;
GRANT INSERT ON stranger TO regress_crm_stranger;
SET ROLE regress_crm_stranger;
SELECT * FROM regress.error('INSERT INTO create_tables.stranger VALUES (3)');
RESET ROLE;
REVOKE ALL ON SCHEMA create_tables FROM regress_crm_stranger;
REVOKE ALL ON stranger FROM regress_crm_stranger;
DROP ROLE regress_crm_stranger;
DROP TRIGGER t ON stranger;
CREATE TRIGGER t AFTER INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION crm_customers_version();
SELECT * FROM regress.error('INSERT INTO stranger VALUES (1)');
DROP TRIGGER t ON stranger;
CREATE TRIGGER t BEFORE INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION crm_customers_history();
SELECT * FROM regress.error('INSERT INTO stranger VALUES (1)');
DROP TRIGGER t ON stranger;
CREATE TRIGGER t BEFORE INSERT ON stranger FOR EACH STATEMENT EXECUTE FUNCTION crm_comments_guard();
SELECT * FROM regress.error('INSERT INTO stranger VALUES (1)');
DROP TRIGGER t ON stranger;
CREATE TRIGGER t BEFORE INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION crm_refuse_truncate();
SELECT * FROM regress.error('INSERT INTO stranger VALUES (1)');
DROP TRIGGER t ON stranger;
-- each function as every trigger that it is not, and as what it is: in that case the table is not attached
SELECT f AS function, e.state, count(*) AS triggers, string_agg(definition, '; ' ORDER BY definition) FILTER (WHERE e.state <> '39P01') AS definitions
FROM unnest(ARRAY['crm_customers_key', 'crm_customers_version', 'crm_customers_history', 'crm_comments_guard', 'crm_comments_version', 'crm_refuse_truncate', 'crm_history_restore']) f,
     unnest(ARRAY['BEFORE', 'AFTER']) fires, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) event, unnest(ARRAY['ROW', 'STATEMENT']) level,
     format('%s %s FOR EACH %s', fires, event, level) definition,
     regress.error(format('CREATE TRIGGER t %s %s ON stranger FOR EACH %s EXECUTE FUNCTION %s(); INSERT INTO stranger VALUES (1); UPDATE stranger SET id = 2; DELETE FROM stranger; TRUNCATE stranger; DROP TRIGGER t ON stranger', fires, event, level, f)) e
WHERE event <> 'TRUNCATE' OR level = 'STATEMENT' GROUP BY 1, 2 ORDER BY 1, 2;
CREATE VIEW stranger_view AS SELECT * FROM stranger;
SELECT f AS function, e.state, e.message FROM unnest(ARRAY['crm_customers_version', 'crm_customers_history', 'crm_comments_guard', 'crm_comments_version', 'crm_history_restore']) f,
     regress.error(format('CREATE TRIGGER t INSTEAD OF INSERT ON stranger_view FOR EACH ROW EXECUTE FUNCTION %s(); INSERT INTO stranger_view VALUES (1)', f)) e ORDER BY 1;
-- and as no trigger at all
SELECT f AS function, e.* FROM unnest(ARRAY['crm_customers_key', 'crm_customers_version', 'crm_customers_history', 'crm_comments_guard', 'crm_comments_version', 'crm_refuse_truncate', 'crm_history_restore', 'crm_registry_changed']) f,
     regress.error(format('SELECT %s()', f)) e ORDER BY 1;
DROP TABLE stranger CASCADE;

-- dropping the extension never drops customers
BEGIN;
SELECT regress.state('DROP EXTENSION crm_concurrency');
DROP EXTENSION crm_concurrency CASCADE;
SELECT id, status FROM customers;
SELECT body FROM comments;
SELECT operation FROM regress.history(1);
UPDATE customers SET status = 'free';
ROLLBACK;
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'guarded again', NULL, 'ana');
BEGIN;
DROP EXTENSION crm_concurrency CASCADE;
CREATE EXTENSION crm_concurrency SCHEMA public;
SELECT state FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
CREATE SCHEMA create_tables_second;
SELECT crm_create_tables('create_tables_second');
ROLLBACK;
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'guarded once more', NULL, 'ana');

-- a call finds its table by schema: one of each
RESET search_path;
CREATE SCHEMA one; CREATE SCHEMA two;
SELECT crm_create_tables('one'), crm_create_tables('two');
ALTER TABLE one.customers RENAME TO customers_old;
ALTER TABLE one.comments RENAME TO comments_old;
ALTER TABLE one.customer_history RENAME TO customer_history_old;
ALTER TABLE one.customer_locks RENAME TO customer_locks_old;
ALTER TABLE one.customer_deletions RENAME TO customer_deletions_old;
ALTER TABLE one.comment_edits RENAME TO comment_edits_old;
ALTER TABLE one.customer_refused_saves RENAME TO customer_refused_saves_old;
ALTER INDEX one.customers_pkey RENAME TO customers_old_pkey;
ALTER SEQUENCE one.customers_id_seq RENAME TO customers_old_id_seq;
SELECT * FROM regress.error($$SELECT crm_create_tables('one')$$);
ALTER TABLE one.customers_old SET SCHEMA two;
SET search_path = two, public;
SELECT * FROM regress.error($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
ALTER TABLE two.customers_old SET SCHEMA one;
SELECT outcome FROM crm_update_customer(1, now(), 'x', NULL, 'ana');
SET client_min_messages = warning;
DROP SCHEMA one, two CASCADE;
RESET client_min_messages;

-- a registry that changes while triggers are off is noticed
CREATE SCHEMA quiet;
SET search_path = quiet, public;
SELECT crm_create_tables();
CREATE TEMP TABLE registered AS SELECT * FROM crm_attached_tables WHERE customers = 'quiet.customers'::regclass;
DELETE FROM crm_attached_tables WHERE customers = 'quiet.customers'::regclass;
SELECT regress.state($$SELECT crm_update_customer(1, now(), 'x', NULL, 'ana')$$);
SET session_replication_role = replica;
INSERT INTO crm_attached_tables SELECT * FROM registered;
RESET session_replication_role;
INSERT INTO customers (id) VALUES (1);
SELECT count(*) FROM customer_history;
SET client_min_messages = warning;
DROP SCHEMA quiet CASCADE;
