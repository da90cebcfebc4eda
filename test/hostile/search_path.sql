-- Attacks by the search_path: somebody who may CREATE in public and make temporary objects makes a look-alike of every
-- function, operator and type of pg_catalog that can be imitated, of the extension's functions, of its tables and of those
-- of the catalogue, and casts. With a search_path that puts them first, a superuser calls every function and writes plainly:
-- no look-alike runs, and the answers are those of a path without them.
SELECT no_plan();

INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-05 10:00:00+00'), (2, 'Bolt', '2026-01-05 10:00:00+00'), (3, 'Coil', '2026-01-05 10:00:00+00');
ALTER TABLE customers ADD tags text[], ADD size numeric, ADD seen interval, ADD notes text;
UPDATE customers SET notes = '[12/15/2024, 3:45:23 PM] ana: Of the past', updated_at = '2026-01-05 10:00:00.5+00';
SELECT crm_attach('customers', comments_column => 'notes') \g /dev/null

-- The look-alikes ------------------------------------------------------------------------------------------------------

SET ROLE crm_hostile_user;
SET check_function_bodies = off;
CREATE FUNCTION public.alarm(text) RETURNS boolean LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'the attack succeeded: %', $1 USING ERRCODE = 'ATTCK'; END $$;
-- Tables, before a domain takes the place of a type.
CREATE TEMP TABLE customers (id bigint PRIMARY KEY, status text, updated_at timestamptz);
CREATE TEMP TABLE comments (customer_id bigint, id bigint, author text, body text);
CREATE TEMP TABLE customer_history (LIKE crm.customer_history);
CREATE TEMP TABLE customer_locks (LIKE crm.customer_locks);
CREATE TEMP TABLE crm_attached_tables (LIKE ext.crm_attached_tables);
CREATE TABLE public.customers (LIKE customers);
CREATE TABLE public.comments (LIKE comments);
CREATE TABLE public.customer_history (LIKE customer_history);
CREATE TABLE public.crm_attached_tables (LIKE crm_attached_tables);
CREATE TRIGGER alarm BEFORE INSERT OR UPDATE OR DELETE ON public.customers FOR EACH ROW EXECUTE FUNCTION public.alarm_trigger();
