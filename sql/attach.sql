-- Attaching: tables as they are, those that have triggers of their own, keys, statuses and versions of every type.

-- crm_attach and crm_detach: an existing customers table is guarded as it is, and let go of.
SET client_min_messages = warning;
CREATE SCHEMA attach;
SET search_path = attach, public;
CREATE TABLE customers (id int PRIMARY KEY, name text, status text, notes text, updated_at timestamptz(3) NOT NULL DEFAULT now());
INSERT INTO customers (id, name, status, updated_at) SELECT i, 'Acme ' || i, 'new', '2026-01-05 10:00:00.123+00' FROM generate_series(1, 3) i;
SELECT pg_relation_filenode('customers') AS filenode \gset

SELECT crm_attach('customers', comments_column => 'notes');
SELECT customers, comments, history, locks, comments_column, plain_updates FROM crm_attached_tables WHERE customers = 'customers'::regclass;
\d customers
\d customers_comments
-- catalogue work only: no rewrite, no history of what was before; the history begins with the first change
SELECT pg_relation_filenode('customers') = :filenode AS not_rewritten, (SELECT count(*) FROM customers_history) AS history;
SELECT outcome, status FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', 'Signed', 'ana');
SELECT h.previous = '2026-01-05 10:00:00.123+00' AS from_before, h.status_from, h.status_to FROM customers_history h;
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'lost', NULL, 'ben');
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2026-01-01 10:00:00+00', 'lost', NULL, 'ben');
SELECT * FROM crm_verify();

-- again: nothing changes; what is missing is made again; other columns and tables are an error
SELECT crm_attach('customers', comments_column => 'notes');
SELECT count(*) FROM crm_attached_tables WHERE customers = 'customers'::regclass;
DROP TRIGGER crm_history ON customers;
DROP TRIGGER zz_crm_guard ON customers_comments;
SELECT crm_attach('customers');
SELECT comments_column IS NULL AS as_asked FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1), 'healed', 'x', 'ana');
SELECT * FROM regress.error($$SELECT crm_attach('customers', 'name')$$);
SELECT state, message FROM regress.error($$SELECT crm_attach('customers', version_column => 'row_version')$$);
SELECT * FROM regress.error($$SELECT crm_attach('customers', comments => 'other_comments')$$);
SELECT count(*) AS unchanged FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'row_version';

-- plain_updates => 'refuse': the function alone changes the status
SELECT crm_attach('customers', plain_updates => 'refuse');
SELECT * FROM regress.error($$UPDATE customers SET status = 'plain' WHERE id = 2$$);
UPDATE customers SET name = 'plain', status = 'new' WHERE id = 2;
INSERT INTO customers (id, status) VALUES (4, 'inserted');
SELECT outcome FROM crm_update_customer(2, (SELECT updated_at FROM customers WHERE id = 2), 'saved', NULL, 'ana');
SELECT crm_attach('customers');
UPDATE customers SET status = 'plain again' WHERE id = 2;

-- the columns and tables follow renames; others come and go
ALTER TABLE customers RENAME TO "Clients";
ALTER TABLE customers_comments RENAME TO "Notes";
ALTER TABLE "Clients" RENAME status TO "State";
ALTER TABLE "Clients" ADD COLUMN city text DEFAULT 'Rome', DROP COLUMN notes;
ALTER SCHEMA attach RENAME TO "Attach ""2""";
SET search_path = "Attach ""2""", public;
SELECT outcome, status FROM crm_update_customer(3, '2026-01-05 10:00:00.123+00', 'renamed', 'x', 'ana', fields => '{"city": "Oslo"}');
SELECT crm_attach('"Clients"', 'State');

-- let go of: triggers and registration go, everything else stays and can be written; and back again
SELECT crm_detach('"Clients"');
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid IN ('"Clients"'::regclass, '"Notes"'::regclass, 'customers_history'::regclass) AND NOT tgisinternal;
SELECT count(*) AS registered FROM crm_attached_tables WHERE customers = '"Clients"'::regclass;
UPDATE "Clients" SET "State" = 'free' WHERE id = 3;
UPDATE "Notes" SET body = 'changed' WHERE customer_id = 3;
SELECT (SELECT count(*) FROM "Clients") AS customers, (SELECT count(*) FROM "Notes") AS comments, (SELECT count(*) FROM customers_history) AS history;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(3, now(), NULL, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_detach('"Clients"')$$);
SELECT crm_attach('"Clients"', 'State', comments => 'Notes', history => 'customers_history', locks => 'customers_locks');
SELECT outcome FROM crm_update_customer(3, (SELECT updated_at FROM "Clients" WHERE id = 3), 'guarded', 'y', 'ana');
SELECT (SELECT count(*) FROM "Clients") AS customers, (SELECT count(*) FROM "Notes") AS comments, (SELECT count(*) FROM customers_history) AS history;
-- what was changed meanwhile shows as a gap in the chain, and nothing else does
SELECT DISTINCT customer, invariant FROM crm_verify();

-- the tables of crm_create_tables() are found again by themselves
CREATE SCHEMA attach_standard;
SET search_path = attach_standard, public;
SELECT crm_create_tables();
SELECT crm_detach('customers');
SELECT crm_attach('customers');
SELECT comments, history, locks FROM crm_attached_tables WHERE customers = 'customers'::regclass;

-- a version column that is not there is added, without rewriting the table
CREATE SCHEMA attach_version;
SET search_path = attach_version, public;
CREATE TABLE leads (id int PRIMARY KEY, stage_id int, write_date timestamp);
INSERT INTO leads SELECT i, 1, now() FROM generate_series(1, 1000) i;
SELECT pg_relation_filenode('leads') AS filenode \gset
SELECT crm_attach('leads', 'stage_id', 'row_version');
SELECT pg_relation_filenode('leads') = :filenode AS not_rewritten, count(*), count(DISTINCT row_version) AS versions FROM leads;
SELECT format_type(atttypid, atttypmod), attnotnull, atthasdef FROM pg_attribute WHERE attrelid = 'leads'::regclass AND attname = 'row_version';
SELECT outcome, status FROM crm_update_customer(7, (SELECT row_version FROM leads WHERE id = 7), '2', NULL, 'ana');
INSERT INTO leads (id) VALUES (2000) RETURNING row_version IS NOT NULL AS has_version;
SELECT * FROM crm_verify();

-- plain INSERTs go on, in whatever way the table is let go of
CREATE SCHEMA attach_insert;
SET search_path = attach_insert, public;
SELECT crm_create_tables();
CREATE FUNCTION insert_all(OUT customers bigint, OUT comments bigint, OUT leads bigint) LANGUAGE plpgsql SET search_path = attach_insert, attach_version AS $$
BEGIN
    INSERT INTO customers (name) VALUES ('Acme');
    INSERT INTO comments (customer_id, author, body) SELECT max(id), 'ana', 'words' FROM customers;
    INSERT INTO leads (id) SELECT max(id) + 1 FROM leads;
    INSERT INTO leads_comments (customer_id, author, body) SELECT max(id), 'ana', 'words' FROM leads;
    SELECT count(*) INTO customers FROM customers WHERE updated_at BETWEEN now() - interval '1 ms' AND clock_timestamp();
    SELECT count(*) INTO comments FROM comments WHERE created_at BETWEEN now() AND clock_timestamp();
    SELECT count(*) INTO leads FROM leads JOIN leads_comments ON customer_id = leads.id
    WHERE row_version BETWEEN now() - interval '1 ms' AND clock_timestamp() AND created_at BETWEEN now() AND clock_timestamp();
END $$;
SELECT * FROM insert_all();
BEGIN;
DROP EXTENSION crm_concurrency CASCADE;
SELECT * FROM insert_all();
ROLLBACK;
BEGIN;
SELECT crm_detach('customers'), crm_detach('attach_version.leads');
SELECT * FROM insert_all();
ROLLBACK;
-- as a dump of these tables alone leaves it
BEGIN;
DELETE FROM crm_attached_tables;
SELECT * FROM insert_all();
SELECT state, hint FROM regress.error('UPDATE customers SET name = name');
SELECT crm_attach('customers');
SELECT crm_attach('attach_version.leads', 'stage_id', 'row_version');
SELECT * FROM insert_all();
ROLLBACK;
-- what an older version attached has no defaults: the doctor tells, and letting go gives them
ALTER TABLE customers ALTER updated_at DROP DEFAULT;
ALTER TABLE comments ALTER created_at DROP DEFAULT;
SELECT finding, hint FROM crm_doctor() WHERE check_name = 'defaults';
BEGIN;
SELECT crm_detach('customers');
SELECT * FROM insert_all();
ROLLBACK;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT hint FROM crm_doctor() WHERE check_name = 'defaults' LOOP EXECUTE d.hint; END LOOP; END $$;
SELECT status, finding FROM crm_doctor() WHERE check_name = 'defaults';
-- a column that was there keeps what it had
CREATE TABLE theirs (id int PRIMARY KEY, status text, updated_at timestamptz NOT NULL);
DROP TABLE customers CASCADE;
SELECT crm_attach('theirs');
SELECT atthasdef FROM pg_attribute WHERE attrelid = 'theirs'::regclass AND attname = 'updated_at';
DROP SCHEMA attach_insert CASCADE;

-- a CRM that has a table named comments of its own, and long names
CREATE SCHEMA attach_names;
SET search_path = attach_names, public;
CREATE TABLE comments (id int, text text);
CREATE TABLE customers (id int PRIMARY KEY, status text);
SELECT crm_attach('customers');
SELECT comments, history, locks FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT crm_detach('customers');
SELECT * FROM regress.error($$SELECT crm_attach('customers', comments => 'comments')$$);
DO $$ BEGIN EXECUTE format('CREATE TABLE attach_names.%I (id int PRIMARY KEY, status text)', repeat('é', 31)); EXECUTE format('ALTER TABLE attach_names.%I SET SCHEMA attach_version', repeat('é', 31)); END $$;
CREATE SCHEMA attach_long;
DO $$ BEGIN EXECUTE format('ALTER TABLE attach_version.%I SET SCHEMA attach_long', repeat('é', 31)); PERFORM crm_attach(format('attach_long.%I', repeat('é', 31))::regclass); END $$;
SELECT relname FROM pg_class WHERE relnamespace = 'attach_long'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C";
DROP SCHEMA "Attach ""2""", attach_standard, attach_version, attach_names, attach_long CASCADE;

-- A CRM's own triggers keep every guarantee: those that set updated_at, write an audit, or touch the customer when a
-- comment comes.
CREATE SCHEMA attach_triggers;
SET search_path = attach_triggers, public;
CREATE TABLE accounts (id uuid PRIMARY KEY, stage text NOT NULL, comment_count int NOT NULL DEFAULT 0, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE audit (account uuid, old_stage text, new_stage text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE FUNCTION touch_by_clock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
CREATE FUNCTION write_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO attach_triggers.audit VALUES (NEW.id, OLD.stage, NEW.stage); RETURN NULL; END $$;
CREATE FUNCTION count_comment() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE attach_triggers.accounts SET comment_count = comment_count + 1 WHERE id = NEW.customer_id; RETURN NULL; END $$;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER audit AFTER UPDATE OF stage ON accounts FOR EACH ROW EXECUTE FUNCTION write_audit();
INSERT INTO accounts (id, stage, updated_at) VALUES ('00000000-0000-0000-0000-000000000001', 'new', '2026-01-05 10:00:00.123456+00');
SELECT crm_attach('accounts', 'stage');
CREATE TRIGGER counter AFTER INSERT ON accounts_comments FOR EACH ROW EXECUTE FUNCTION count_comment();
SELECT '00000000-0000-0000-0000-000000000001' AS id \gset

-- a version of microseconds, as the CRM wrote it, sent back as a JavaScript Date keeps it
SELECT outcome, status FROM crm_update_customer_by_key(:'id', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana');
SELECT outcome, status FROM crm_update_customer_by_key(:'id', (SELECT updated_at FROM accounts), 'paid', 'Counted', 'ana');
SELECT stage, comment_count FROM accounts;
SELECT old_stage, new_stage FROM audit;
-- the counter touched the customer within the save: two versions, one chain, and the answer has the last
SELECT operation, author, status_from, status_to, fields FROM accounts_history ORDER BY version;
SELECT * FROM crm_verify();
SELECT outcome FROM crm_update_customer_by_key(:'id', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana');
SELECT outcome FROM crm_update_customer_by_key(:'id', '2026-01-05 10:00:00.123+00', 'x', 'Refused, and counted', 'ben');
SELECT crm_add_comment_by_key(:'id', 'Bare, and counted', 'ben') > 0 AS added;
SELECT outcome FROM crm_update_customer_by_key(:'id', (SELECT updated_at FROM accounts), 'next', 'And on', 'ana');
SELECT comment_count, (SELECT count(*) FROM accounts_comments) AS comments FROM accounts;
SELECT * FROM crm_verify();

-- an ORM that writes its own updated_at: kept where it is a legal successor, overruled where not
DROP TRIGGER set_updated_at ON accounts;
SELECT clock_timestamp() + interval '0.5 s' AS given \gset
UPDATE accounts SET updated_at = :'given', stage = 'by the ORM' RETURNING updated_at = :'given' AS kept;
UPDATE accounts SET updated_at = '2020-01-01 00:00:00+00' RETURNING updated_at > :'given' AS overruled;
SELECT * FROM crm_verify();
-- ahead of the clock, so that none of these triggers gives a later one
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE accounts_history h SET version = '2999-01-01 00:00:00+00' FROM accounts a WHERE h.customer_id = a.id AND h.version = a.updated_at;
UPDATE accounts SET updated_at = '2999-01-01 00:00:00+00';
COMMIT;
-- every such trigger at once, and many plain writes
CREATE TRIGGER a_touch BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch_by_clock();
CREATE TRIGGER zz_a_touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO accounts (id, stage) SELECT ('00000000-0000-0000-0001-' || lpad(i::text, 12, '0'))::uuid, 'new' FROM generate_series(1, 100) i;
UPDATE accounts SET stage = 'bulk';
DO $$ BEGIN FOR i IN 1..20 LOOP UPDATE attach_triggers.accounts SET comment_count = i WHERE stage = 'bulk'; END LOOP; END $$;
DELETE FROM accounts WHERE comment_count < 10;
SELECT count(*) AS accounts, (SELECT count(*) FROM accounts_history) AS history FROM accounts;
SELECT * FROM crm_verify();
-- one that fires after ours, created later: what it does to the version is an error, and crm_doctor names it
CREATE TRIGGER zzz_touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();
SELECT * FROM regress.error($$UPDATE accounts SET stage = 'x'$$);
SELECT state, message FROM regress.error(format($$SELECT crm_update_customer_by_key(%L, (SELECT updated_at FROM accounts WHERE id = %L), 'x', 'y', 'ana')$$, :'id', :'id'));
SELECT check_name, status, finding FROM crm_doctor() WHERE check_name = 'other_triggers' AND finding LIKE '%attach_triggers%';
DROP TRIGGER zzz_touch ON accounts;
-- one that suppresses writes is told
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a_suppress BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT state, message FROM regress.error(format($$SELECT crm_update_customer_by_key(%L, (SELECT updated_at FROM accounts WHERE id = %L), 'x', 'y', 'ana')$$, :'id', :'id'));
SELECT * FROM crm_verify();
DROP SCHEMA attach_triggers CASCADE;

-- crm_attach: keys, statuses and versions of every type that can be attached.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA attach_types;
SET search_path = attach_types, public;
CREATE DOMAIN key_number AS int CHECK (VALUE > 0);
CREATE DOMAIN key_uuid AS uuid;
CREATE DOMAIN state AS text CHECK (VALUE IN ('new', 'won', 'lost'));
CREATE DOMAIN moment AS timestamptz(3);
CREATE TYPE stage AS ENUM ('new', 'won', 'lost');

-- Attaches a table of these types, writes to it in every way and tells what became of it.
CREATE FUNCTION try(key_type text, key text, status_type text DEFAULT 'text', version_type text DEFAULT 'timestamptz(3)', OUT outcomes text, OUT history text, OUT companions text)
LANGUAGE plpgsql AS $$
DECLARE
    base timestamptz;
    other text := CASE WHEN key_type ~ 'uuid' THEN '00000000-0000-0000-0000-0000000000ff' ELSE '77' END;
BEGIN
    EXECUTE format('CREATE TABLE "The Customers" ("Key" %s PRIMARY KEY, "State" %s, "Changed At" %s NOT NULL, name text)', key_type, status_type, version_type);
    PERFORM crm_attach('"The Customers"', 'State', 'Changed At');
    EXECUTE format('INSERT INTO "The Customers" VALUES (%L, %L, ''2026-01-05 10:00:00.123+00'', ''Acme'')', key, CASE WHEN status_type ~ 'int' THEN '1' ELSE 'new' END);
    base := '2026-01-05 10:00:00.123+00';
    outcomes := (SELECT r.outcome || ' ' || r.status FROM crm_update_customer_by_key(key, base, CASE WHEN status_type ~ 'int' THEN ' 2' ELSE 'won' END, 'Signed', 'ana') r);
    outcomes := outcomes || ', ' || (SELECT r.outcome FROM crm_update_customer_by_key(key, base, CASE WHEN status_type ~ 'int' THEN '2' ELSE 'won' END, 'Signed', 'ana') r);
    outcomes := outcomes || ', ' || (SELECT r.outcome || ' ' || (r.detail->'conflicts') FROM crm_update_customer_by_key(key, base, CASE WHEN status_type ~ 'int' THEN '3' ELSE 'lost' END, 'Too late', 'ben') r);
    outcomes := outcomes || ', ' || (SELECT r.outcome FROM crm_update_customer_by_key(other, base, NULL, NULL, 'ben') r);
    EXECUTE 'UPDATE "The Customers" SET name = ''Bolt''';
    EXECUTE format('INSERT INTO "The Customers_comments" (customer_id, author, body, expected_ts) VALUES (%L, ''cem'', ''versioned'', (SELECT "Changed At" FROM "The Customers"))', key);
    EXECUTE 'UPDATE "The Customers" SET "State" = NULL WHERE false';
    outcomes := outcomes || ', ' || (SELECT r.outcome FROM crm_lock_customer_by_key(key, 'ana') r);
    outcomes := outcomes || ', ' || crm_add_comment_by_key(key, 'bare', 'ana');
    outcomes := outcomes || ', ' || (SELECT count(*) FROM crm_verify_by_key(key));
    EXECUTE 'DELETE FROM "The Customers"';
    outcomes := outcomes || ', ' || (SELECT r.outcome FROM crm_update_customer_by_key(key, base, NULL, NULL, 'ben') r) || ', ' || (SELECT count(*) FROM crm_verify());
    EXECUTE 'SELECT string_agg(customer_id || '' '' || operation || coalesce('' '' || status_from, '''') || coalesce('' > '' || status_to, ''''), '', '' ORDER BY version) FROM "The Customers_history"' INTO history;
    companions := (SELECT string_agg(a.attrelid::regclass || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY 1) FROM pg_attribute a
                   WHERE a.attname = 'customer_id' AND a.attrelid IN ('"The Customers_comments"'::regclass, '"The Customers_history"'::regclass));
    DROP TABLE "The Customers", "The Customers_comments", "The Customers_history", "The Customers_locks",
        "The Customers_deletions", "The Customers_comment_edits", "The Customers_refused_saves";
END $$;
SELECT key_type, t.* FROM (VALUES ('smallint', '7'), ('integer', '7'), ('bigint', '7'), ('key_number', '7'), ('uuid', '00000000-0000-0000-0000-00000000000a'), ('key_uuid', '00000000-0000-0000-0000-00000000000a'),
    ('text', E'a ''"\\ {key}%s \u00e9'), ('varchar(20)', 'v'), ('text COLLATE "C"', 'c')) k (key_type, key), try(key_type, key) t;
SELECT status_type, t.* FROM (VALUES ('varchar(10)'), ('citext'), ('state'), ('stage'), ('smallint'), ('integer'), ('bigint'), ('text COLLATE "C"')) k (status_type), try('int', '7', status_type) t;
SELECT version_type, t.outcomes FROM (VALUES ('timestamptz'), ('timestamptz(6)'), ('timestamptz(4)'), ('moment')) k (version_type), try('int', '7', 'text', version_type) t;

-- a status that is none of its type is PostgreSQL's error, and nothing is saved; one that is null can be
CREATE TABLE customers (id smallint PRIMARY KEY, status stage, updated_at timestamptz(3) NOT NULL);
SELECT crm_attach('customers');
INSERT INTO customers VALUES (1, NULL, '2026-01-05 10:00:00.123+00');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'sold', 'Lost?', 'ana')$$);
SELECT outcome, status, detail->'conflicts' AS conflicts FROM crm_update_customer(1, '2026-01-01', 'won', NULL, 'ana');
SELECT outcome, status FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', NULL, NULL, 'ana');
SELECT outcome, status FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', 'From null', 'ana');
ALTER TYPE stage ADD VALUE 'paid';
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'paid', NULL, 'ana');
UPDATE customers SET status = NULL;
SELECT status_from, status_to FROM customers_history ORDER BY version;
SELECT count(*) AS comments FROM customers_comments;
-- numbers beyond the key's type are no customers
SELECT outcome FROM crm_update_customer(40000, now(), NULL, NULL, 'ana');
SELECT outcome FROM crm_update_customer(-9223372036854775808, now(), NULL, NULL, 'ana');
SELECT regress.state($$SELECT crm_update_customer_by_key('9223372036854775808', now(), NULL, NULL, 'ana')$$), regress.state($$SELECT crm_update_customer_by_key('x', now(), NULL, NULL, 'ana')$$);
DROP TABLE customers, customers_comments, customers_history, customers_locks, customers_deletions, customers_comment_edits, customers_refused_saves;
CREATE TABLE customers (id int PRIMARY KEY, status varchar(3));
SELECT crm_attach('customers');
INSERT INTO customers VALUES (1, 'new');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, (SELECT updated_at FROM customers), 'gone', 'Lost?', 'ana')$$);
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'won  ', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'won', NULL, 'ana');
-- its type can be changed between crm_detach and crm_attach
SELECT crm_detach('customers');
ALTER TABLE customers ALTER status TYPE varchar(10), ALTER id TYPE bigint;
SELECT crm_attach('customers');
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'gone', NULL, 'ana');
SELECT * FROM crm_verify();
-- a key that is null, also where the constraint against it is gone, or where another trigger sets it
CREATE FUNCTION no_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := NULL; RETURN NEW; END $$;
CREATE FUNCTION try_null(key_type text, key text, OUT updated text, OUT inserted text, OUT by_trigger text, OUT unconstrained text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA nulls CREATE TABLE customers (id %s PRIMARY KEY, status text)', key_type);
    PERFORM crm_attach('nulls.customers');
    EXECUTE format('INSERT INTO nulls.customers VALUES (%L, %L)', key, 'new');
    updated := regress.state('UPDATE nulls.customers SET id = NULL');
    inserted := regress.state('INSERT INTO nulls.customers VALUES (NULL, 1)');
    CREATE TRIGGER a BEFORE UPDATE ON nulls.customers FOR EACH ROW EXECUTE FUNCTION no_key();
    by_trigger := regress.state('UPDATE nulls.customers SET status = 1');
    DROP TRIGGER a ON nulls.customers;
    ALTER TABLE nulls.customers DROP CONSTRAINT customers_pkey CASCADE, ALTER id DROP NOT NULL;
    unconstrained := regress.state('UPDATE nulls.customers SET id = NULL') || ' ' || regress.state('INSERT INTO nulls.customers VALUES (NULL, 1)');
    DROP SCHEMA nulls CASCADE;
END $$;
SELECT key_type, t.* FROM (VALUES ('int', '7'), ('uuid', '00000000-0000-0000-0000-00000000000a'), ('text', 'a')) k (key_type, key), try_null(key_type, key) t;
SELECT * FROM regress.error($$UPDATE customers SET id = NULL$$);
DROP SCHEMA attach_types CASCADE;
-- a key that would become null, of a type that has no value for it
CREATE SCHEMA attach_types_null;
SET search_path = attach_types_null, public;
CREATE TABLE customers (id uuid PRIMARY KEY, status text);
SELECT crm_attach('customers');
INSERT INTO customers VALUES ('00000000-0000-0000-0000-00000000000a', 'new');
SELECT * FROM regress.error('UPDATE customers SET id = NULL');
SELECT regress.state('INSERT INTO customers VALUES (NULL)'), regress.state($$INSERT INTO customers_comments (customer_id, author, body) VALUES (NULL, 'a', 'b')$$);
DROP SCHEMA attach_types_null CASCADE;
