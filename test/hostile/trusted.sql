-- The extension is trusted: the owner of a database, who is no superuser, creates it, in a schema of the owner's own that is full of
-- look-alikes before its script runs with a superuser's rights. None runs, neither then nor when a superuser uses it.
SET client_min_messages = error;
DROP EXTENSION crm_concurrency CASCADE;
SET client_min_messages = warning;
DROP SCHEMA ext;
CREATE ROLE crm_hostile_owner;
SELECT format('ALTER DATABASE %I OWNER TO crm_hostile_owner', current_database()) \gexec
GRANT USAGE ON SCHEMA crm, hostile TO crm_hostile_owner;
ALTER TABLE customers DROP COLUMN updated_at;
DROP TABLE comments, customer_history, customer_locks;

SET ROLE crm_hostile_owner;
CREATE SCHEMA ext;
CALL hostile.make_look_alikes('ext');
-- What the scripts name, with more arguments than they give.
SET search_path = ext, pg_catalog;
CREATE FUNCTION ext.crm_live_locks(VARIADIC a text[]) RETURNS TABLE (customers regclass, key text, author text, locked_at timestamptz, expires_at timestamptz)
LANGUAGE plpgsql AS $$ BEGIN PERFORM ext.alarm('crm_live_locks'); END $$;
CREATE FUNCTION ext.crm_stat_databases(VARIADIC a text[]) RETURNS SETOF pg_stat_database
LANGUAGE plpgsql AS $$ BEGIN PERFORM ext.alarm('crm_stat_databases'); END $$;
CREATE EXTENSION crm_concurrency SCHEMA ext VERSION '1.0';
ALTER EXTENSION crm_concurrency UPDATE;
RESET ROLE;
RESET search_path;
DISCARD TEMP;

DO $$
BEGIN
    ASSERT (SELECT extowner = 'crm_hostile_owner'::regrole AND NOT rolsuper
            FROM pg_extension JOIN pg_roles r ON r.oid = extowner WHERE extname = 'crm_concurrency'), 'its owner is no superuser';
END $$;
GRANT USAGE ON SCHEMA ext TO PUBLIC;
SELECT ext.crm_attach('crm.customers', comments => 'comments', history => 'customer_history', locks => 'customer_locks') \g /dev/null
\ir search_path.sql
