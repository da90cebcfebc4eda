-- crm_attach: keys, statuses and versions of every type that can be attached.
SET client_min_messages = warning;
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
    DROP TABLE "The Customers", "The Customers_comments", "The Customers_history", "The Customers_locks";
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
DROP TABLE customers, customers_comments, customers_history, customers_locks;
CREATE TABLE customers (id int PRIMARY KEY, status varchar(3));
SELECT crm_attach('customers');
INSERT INTO customers VALUES (1, 'new');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, (SELECT updated_at FROM customers), 'gone', 'Lost?', 'ana')$$);
SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'won  ', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'won', NULL, 'ana');
-- its type can be changed between crm_detach and crm_attach
ALTER TABLE customers ALTER status TYPE varchar(10);
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
