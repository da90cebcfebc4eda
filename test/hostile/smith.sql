-- The database that calls.py and sqlsmith work on: standard tables, and an attached one whose key is a uuid and whose status
-- an enum. The roles have all rights on the tables; one is a superuser.
CREATE SCHEMA ext;
CREATE SCHEMA crm;
CREATE SCHEMA own;
CREATE EXTENSION crm_concurrency SCHEMA ext;
CREATE ROLE crm_hostile_user LOGIN;
CREATE ROLE crm_hostile_super LOGIN SUPERUSER;
SET search_path = crm, ext;
ALTER DATABASE crm_hostile SET search_path = crm, ext;
ALTER DATABASE crm_hostile SET track_functions = 'all';
SELECT crm_create_tables('crm');
ALTER TABLE customers ADD amount numeric(12,2), ADD tags text[], ADD born date, ADD data jsonb, ADD seen timestamptz, ADD score float8, ADD notes text;
SELECT crm_attach('customers', comments_column => 'notes');
INSERT INTO customers (id, name, notes, updated_at)
SELECT i, 'Customer ' || i, '[12/15/2024, 3:45:23 PM] ana: Of the past', '2026-01-05 10:00:00+00' FROM generate_series(1, 20) i;
SELECT count(crm_update_customer(id, updated_at, 'called', 'Called', 'ana')) FROM customers WHERE id <= 10;
SELECT count(crm_update_customer(id, '2026-01-05 10:00:00+00', 'lost', 'Refused', 'ben')) FROM customers WHERE id <= 5;

CREATE TYPE own.stage AS ENUM ('new', 'open', 'won''t do');
CREATE TABLE own.accounts (key uuid PRIMARY KEY, stage own.stage NOT NULL DEFAULT 'new', label varchar(20) UNIQUE);
SELECT crm_attach('own.accounts', status_column => 'stage', version_column => 'row_version');
INSERT INTO own.accounts (key, label) SELECT ('00000000-0000-0000-0000-0000000000' || lpad(i::text, 2, '0'))::uuid, 'label ' || i FROM generate_series(1, 10) i;

GRANT USAGE, CREATE ON SCHEMA crm, own TO PUBLIC;
GRANT USAGE ON SCHEMA ext TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA crm, own TO crm_hostile_user;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA crm, own TO crm_hostile_user;
-- what is written by hand into these would be found as forged
REVOKE INSERT, UPDATE, DELETE ON crm.customer_history, own.accounts_history FROM crm_hostile_user;
REVOKE ALL ON crm.customer_locks, own.accounts_locks FROM crm_hostile_user;

-- sqlsmith reads pg_proc by its bare name: it finds the extension's functions, those that return sets as well, and a few that
-- make arguments for them.
CREATE SCHEMA smith;
GRANT USAGE ON SCHEMA smith TO PUBLIC;
CREATE FUNCTION smith.key() RETURNS bigint LANGUAGE sql AS 'SELECT (random() * 20)::bigint';
CREATE FUNCTION smith.account() RETURNS text LANGUAGE sql AS 'SELECT key::text FROM own.accounts LIMIT 1';
CREATE FUNCTION smith.version() RETURNS timestamptz LANGUAGE sql AS $$ SELECT updated_at FROM crm.customers WHERE id = smith.key() UNION ALL SELECT '2026-01-05 10:00:00+00' LIMIT 1 $$;
CREATE FUNCTION smith.words() RETURNS text LANGUAGE sql AS $$ SELECT (ARRAY['ana', 'ben', 'called', 'Refused', 'UTC', 'all of it'])[1 + (random() * 5)::int] $$;
CREATE FUNCTION smith.saves() RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_array(jsonb_build_object('id', smith.key(), 'expected_ts', smith.version(), 'author', 'ana', 'comment', smith.words())) $$;
CREATE FUNCTION smith.fields() RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('phone', smith.words(), 'tags', '["a"]'::jsonb) $$;
CREATE FUNCTION smith.customers() RETURNS regclass LANGUAGE sql AS $$ SELECT 'crm.customers'::regclass $$;
CREATE FUNCTION smith.name() RETURNS name LANGUAGE sql AS $$ SELECT 'status'::name $$;
CREATE FUNCTION smith.span() RETURNS interval LANGUAGE sql AS $$ SELECT interval '1 minute' * smith.key() $$;
CREATE FUNCTION smith.small() RETURNS int LANGUAGE sql AS 'SELECT (random() * 100)::int';
CREATE FUNCTION smith.id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
CREATE FUNCTION smith.yes() RETURNS boolean LANGUAGE sql AS 'SELECT random() < 0.5';
CREATE VIEW smith.pg_proc AS
SELECT oid, proname, pronamespace, prorettype, false AS proretset, prokind, proargtypes, provariadic FROM pg_catalog.pg_proc
WHERE prokind = 'f' AND pronamespace IN ('ext'::regnamespace, 'smith'::regnamespace);
GRANT SELECT ON smith.pg_proc TO PUBLIC;
