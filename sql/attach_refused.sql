-- crm_attach: what cannot be attached is told so, with the way out, and nothing is changed.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA attach_refused;
SET search_path = attach_refused, public;
CREATE TABLE good (id int PRIMARY KEY, status text, updated_at timestamptz(3) NOT NULL DEFAULT now(), extra text);
-- what is no ordinary table
CREATE VIEW a_view AS SELECT * FROM good;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM good;
CREATE SEQUENCE a_sequence;
CREATE INDEX an_index ON good (extra);
CREATE TABLE partitioned (id int PRIMARY KEY, status text) PARTITION BY RANGE (id);
CREATE TABLE a_partition PARTITION OF partitioned FOR VALUES FROM (1) TO (10);
CREATE TABLE parent (id int PRIMARY KEY, status text);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
CREATE TEMP TABLE temporary (id int PRIMARY KEY, status text);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, status text);
CREATE TABLE with_rules (id int PRIMARY KEY, status text);
CREATE RULE a_rule AS ON UPDATE TO with_rules DO ALSO NOTHING;
CREATE FOREIGN DATA WRAPPER regress_crm_wrapper;
CREATE SERVER regress_crm_server FOREIGN DATA WRAPPER regress_crm_wrapper;
CREATE FOREIGN TABLE a_foreign_table (id int, status text) SERVER regress_crm_server;
CREATE TYPE a_type AS (id int, status text);
SELECT t, e.state, e.message FROM unnest(ARRAY['a_view', 'a_matview', 'a_sequence', 'an_index', 'a_type', 'a_foreign_table', 'partitioned', 'a_partition', 'parent', 'child', 'temporary', 'unlogged', 'with_rules', 'pg_class', 'information_schema.sql_features']) t,
    regress.error(format('SELECT crm_attach(%L)', t)) e;
SELECT * FROM regress.error($$SELECT crm_attach('a_view')$$);
SELECT state, message FROM regress.error($$SELECT crm_attach('nothing_at_all')$$);
SELECT * FROM regress.error($$SELECT crm_attach(0)$$);
SELECT state, message FROM regress.error($$SELECT crm_detach('a_view')$$);
-- keys
CREATE TABLE no_key (id int, status text);
CREATE TABLE composite (a int, b int, status text, PRIMARY KEY (a, b));
CREATE TABLE key_deferrable (id int PRIMARY KEY DEFERRABLE, status text);
CREATE TABLE key_numeric (id numeric PRIMARY KEY, status text);
CREATE TABLE key_char (id char(5) PRIMARY KEY, status text);
CREATE TABLE key_citext (id citext PRIMARY KEY, status text);
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE key_no_case (id text COLLATE no_case PRIMARY KEY, status text);
CREATE DOMAIN no_case_name AS varchar(20) COLLATE no_case;
CREATE TABLE key_domain (id no_case_name PRIMARY KEY, status text);
SELECT t, e.state, e.message FROM unnest(ARRAY['no_key', 'composite', 'key_deferrable', 'key_numeric', 'key_char', 'key_citext', 'key_no_case', 'key_domain']) t, regress.error(format('SELECT crm_attach(%L)', t)) e;
SELECT * FROM regress.error($$SELECT crm_attach('composite')$$);
SELECT * FROM regress.error($$SELECT crm_attach('key_numeric')$$);
SELECT * FROM regress.error($$SELECT crm_attach('key_no_case')$$);
-- statuses
CREATE TABLE statuses (id int PRIMARY KEY, "char" char(5), doc json, flag boolean, num numeric, many text[], made text GENERATED ALWAYS AS ('x') STORED, updated_at timestamptz(3) NOT NULL);
SELECT c, e.state, e.message FROM unnest(ARRAY['char', 'doc', 'flag', 'num', 'many', 'made', 'id', 'updated_at', 'ctid', 'Status']) c, regress.error(format('SELECT crm_attach(''statuses'', %L)', c)) e;
SELECT * FROM regress.error($$SELECT crm_attach('statuses')$$);
SELECT * FROM regress.error($$SELECT crm_attach('statuses', 'flag')$$);
-- versions
CREATE TABLE versions (id int PRIMARY KEY, status text, no_zone timestamp NOT NULL, no_zone_ms timestamp(3) NOT NULL, seconds timestamptz(0) NOT NULL, "hundredths of" timestamptz(2) NOT NULL,
    day date NOT NULL, number bigint NOT NULL, nullable timestamptz(3), infinite timestamptz NOT NULL, ancient timestamptz NOT NULL, late timestamptz NOT NULL);
INSERT INTO versions VALUES (1, 'new', now(), now(), now(), now(), now(), 1, now(), 'infinity', '4000-01-01 BC', '9999-06-01');
SELECT c, e.state, e.message FROM unnest(ARRAY['no_zone', 'no_zone_ms', 'seconds', 'hundredths of', 'day', 'number', 'nullable', 'infinite', 'ancient', 'late', 'status']) c, regress.error(format('SELECT crm_attach(''versions'', version_column => %L)', c)) e;
SELECT * FROM regress.error($$SELECT crm_attach('versions', version_column => 'hundredths of')$$);
SELECT * FROM regress.error($$SELECT crm_attach('versions', version_column => 'nullable')$$);
SELECT * FROM regress.error($$SELECT crm_attach('versions', version_column => 'infinite')$$);
-- both ways out of a time without a zone
SELECT crm_attach('versions', version_column => 'row_version') IS NOT NULL AS new_column;
SELECT crm_detach('versions');
ALTER TABLE versions ALTER COLUMN no_zone TYPE timestamptz(3) USING no_zone AT TIME ZONE 'UTC';
SELECT crm_attach('versions', version_column => 'no_zone') IS NOT NULL AS changed_column;
DROP TABLE versions CASCADE;
-- the hint for each type, pasted: the moments stay what they were, wherever the session is
CREATE DOMAIN moment AS timestamp;
CREATE DOMAIN rough AS timestamptz(0);
CREATE DOMAIN epoch AS bigint;
CREATE TABLE hints (id int PRIMARY KEY, status text, "no zone" timestamp(3) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'), no_zone_domain moment NOT NULL,
    seconds timestamptz(0) NOT NULL DEFAULT now(), hundredths timestamptz(2) NOT NULL, rough rough NOT NULL, day date NOT NULL DEFAULT current_date,
    int_seconds int NOT NULL DEFAULT 0, big_seconds bigint NOT NULL DEFAULT extract(epoch FROM now()), big_ms bigint NOT NULL, ms_domain epoch NOT NULL,
    float_seconds float8 NOT NULL, numeric_ms numeric NOT NULL, words text NOT NULL DEFAULT now()::text, short varchar(40) NOT NULL,
    nullable timestamptz, flag boolean NOT NULL DEFAULT true, row_version int);
INSERT INTO hints VALUES (1, 'new', '2026-07-05 10:00:00.123', '2026-07-05 10:00:00', '2026-07-05 10:00:00+00', '2026-07-05 10:00:00.12+00', '2026-07-05 10:00:00+00',
    '2026-07-05', 1783245600, 1783245600, 1783245600123, 1783245600123, 1783245600.123, 1783245600123.4, '2026-07-05 10:00:00.123+00', '2026-07-05 12:00:00.123+02', NULL);
CREATE FUNCTION paste(col name, OUT hint text, OUT version text) LANGUAGE plpgsql SET TimeZone = 'America/New_York' AS $$
DECLARE
    told text;
    statement text;
BEGIN
    told := (SELECT e.hint FROM regress.error(format('SELECT crm_attach(''hints'', version_column => %L)', col)) e);
    hint := told;
    FOR statement IN SELECT m[1] FROM regexp_matches(told, '((?:ALTER|UPDATE) [^;]*;)', 'g') m LOOP
        EXECUTE statement;
    END LOOP;
    PERFORM crm_attach('hints', version_column => col);
    EXECUTE format('SELECT (%I AT TIME ZONE ''UTC'')::text FROM hints WHERE id = 1', col) INTO version;
    RAISE EXCEPTION 'undone' USING ERRCODE = 'UNDON';
EXCEPTION WHEN SQLSTATE 'UNDON' THEN
    NULL;
END $$;
SELECT c.attname, p.version, p.hint FROM pg_attribute c, paste(c.attname) p
WHERE c.attrelid = 'hints'::regclass AND c.attnum > 2 AND c.attname NOT IN ('nullable', 'flag', 'row_version') ORDER BY c.attnum;
SELECT version IS NOT NULL AS filled_in, hint FROM paste('nullable');
SELECT state, message, hint FROM regress.error($$SELECT crm_attach('hints', version_column => 'flag')$$);
DROP TABLE hints;
-- older comments
SELECT c, e.state, e.message FROM unnest(ARRAY['none', 'id', 'status', 'updated_at']) c, regress.error(format('SELECT crm_attach(''good'', comments_column => %L)', c)) e;
-- arguments
SELECT state, message FROM regress.error('SELECT crm_attach(NULL)');
SELECT state, message FROM regress.error($$SELECT crm_attach('good', version_column => NULL)$$);
SELECT state, message FROM regress.error($$SELECT crm_attach('good', plain_updates => NULL)$$);
SELECT * FROM regress.error($$SELECT crm_attach('good', plain_updates => 'forbid')$$);
SELECT state, message FROM regress.error('SELECT crm_detach(NULL)');
SELECT state, message FROM regress.error($$SELECT crm_detach('good')$$);
BEGIN READ ONLY;
SELECT regress.state($$SELECT crm_attach('good')$$), regress.state($$SELECT crm_detach('good')$$);
ROLLBACK;
-- names that are taken by something else
CREATE VIEW good_history AS SELECT 1 AS customer_id;
SELECT * FROM regress.error($$SELECT crm_attach('good')$$);
DROP VIEW good_history;
CREATE TABLE good_comments (customer_id bigint, id bigint, author text, body text, created_at timestamptz, reply_to bigint, based_on timestamptz, save_refused boolean, refused_request uuid, adopted_version timestamptz, expected_ts timestamptz);
SELECT state, message FROM regress.error($$SELECT crm_attach('good')$$);
DROP TABLE good_comments;
-- one customers table per schema
CREATE TABLE other (id int PRIMARY KEY, status text);
SELECT crm_attach('other');
SELECT * FROM regress.error($$SELECT crm_create_tables('attach_refused')$$);
SELECT crm_detach('other');
-- triggers that would fire after ours
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER zzz_audit BEFORE UPDATE ON good FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT * FROM regress.error($$SELECT crm_attach('good')$$);
ALTER TRIGGER zzz_audit ON good RENAME TO audit;
-- somebody else's table
CREATE ROLE regress_crm_attach;
CREATE ROLE regress_crm_owner;
GRANT USAGE, CREATE ON SCHEMA attach_refused TO regress_crm_attach, regress_crm_owner;
GRANT ALL ON good TO regress_crm_attach;
SET ROLE regress_crm_attach;
SELECT state, message FROM regress.error($$SELECT crm_attach('good')$$);
SELECT state, message FROM regress.error($$SELECT crm_detach('good')$$);
RESET ROLE;
-- nothing was changed by all of this
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'good'::regclass AND NOT tgisinternal;
SELECT relname FROM pg_class WHERE relnamespace = 'attach_refused'::regnamespace AND relname LIKE 'good%' AND relkind = 'r';
-- a member of the owning role may, and what is made belongs to the owner of the customers
ALTER TABLE good OWNER TO regress_crm_owner;
GRANT regress_crm_owner TO regress_crm_attach;
SET ROLE regress_crm_attach;
SELECT crm_attach('good');
INSERT INTO good (id, status) VALUES (1, 'new');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM good), 'won', 'Signed', 'ana');
SELECT crm_lock_customer(1, 'ana') IS NOT NULL AS locked;
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'attach_refused'::regnamespace AND relname LIKE 'good%' AND relkind = 'r' ORDER BY 1;
SELECT crm_attach('good'), crm_detach('good');
DROP SCHEMA attach_refused CASCADE;
DROP FOREIGN DATA WRAPPER regress_crm_wrapper CASCADE;
DROP TABLE temporary;
DROP ROLE regress_crm_attach, regress_crm_owner;
