-- The settings of crm_concurrency, what needs it to be preloaded, and settings of PostgreSQL that must not matter.

-- The settings of crm_concurrency.
SET client_min_messages = warning;
CREATE SCHEMA settings;
SET search_path = settings, public;
SELECT current_user AS superuser \gset
LOAD 'crm_concurrency';
SELECT name, unit, context, vartype, min_val, max_val, enumvals, boot_val, short_desc, extra_desc
FROM pg_settings WHERE name LIKE 'crm_concurrency.%' ORDER BY name \gx
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
SELECT regress.version(1, 1) AS v1 \gset
UPDATE customers SET status = 'two' WHERE id = 1;

-- values that are not allowed, and names that do not exist
SELECT regress.state($$SET crm_concurrency.on_conflict = 'shrug'$$);
SELECT regress.state($$SET crm_concurrency.refused_comment_window = '-1'$$);
SELECT regress.state($$SET crm_concurrency.refused_comment_window = 'an hour'$$);
SELECT regress.state($$SET crm_concurrency.max_comment_length = 0$$);
SELECT regress.state($$SET crm_concurrency.allow_truncate = 'perhaps'$$);
SET crm_concurrency.refused_comment_window = '90min';
SHOW crm_concurrency.refused_comment_window;
SET crm_concurrency.refused_comment_window = '2147483647 s';
SELECT outcome FROM crm_update_customer(1, :'v1', 'x', 'A long wait', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'x', 'A long wait', 'ana');
SELECT count(*) FROM comments;
RESET crm_concurrency.refused_comment_window;

-- on_conflict = raise: an error, and nothing is kept
SET crm_concurrency.on_conflict = raise;
SELECT state, message, detail::jsonb->'conflicts' AS conflicts, detail::jsonb->>'changes_total' AS changes, hint
FROM regress.error(format($$SELECT crm_update_customer(1, %L, 'mine', 'not kept', 'ben')$$, :'v1'));
SELECT count(*) FROM comments;
-- other outcomes are no errors
SELECT outcome FROM crm_update_customer(99, :'v1', 'x', NULL, 'ben');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'x', NULL, 'ben');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'y', NULL, 'ben');
SELECT outcome FROM crm_update_customer(1, regress.version(1, 3), 'y', NULL, 'ben');
DELETE FROM customers WHERE id = 1;
SELECT outcome FROM crm_update_customer(1, :'v1', 'x', NULL, 'ben');
INSERT INTO customers (id) VALUES (1);
RESET crm_concurrency.on_conflict;
-- for one transaction, one function, one role
BEGIN;
SET LOCAL crm_concurrency.on_conflict = raise;
SELECT regress.state(format($$SELECT crm_update_customer(1, %L, 'mine', NULL, 'ben')$$, :'v1'));
COMMIT;
SELECT outcome FROM crm_update_customer(1, :'v1', 'mine', NULL, 'ben');
CREATE FUNCTION save_or_raise(base timestamptz) RETURNS text LANGUAGE sql SET crm_concurrency.on_conflict = raise
AS $$ SELECT outcome FROM crm_update_customer(1, base, 'mine', NULL, 'ben') $$;
SELECT regress.state(format('SELECT save_or_raise(%L)', :'v1'));
SELECT outcome FROM crm_update_customer(1, :'v1', 'mine', NULL, 'ben');
-- the detail of a raised conflict is cut by no limit of its own
UPDATE customers SET name = repeat('x', 100000) WHERE id = 1;
SET crm_concurrency.on_conflict = raise;
SELECT length(detail::jsonb->'current'->>'name')
FROM regress.error(format($$SELECT crm_update_customer(1, %L, 'mine', NULL, 'ben')$$, :'v1'));
RESET crm_concurrency.on_conflict;

-- max_comment_length is the administrator's, the others are anybody's
CREATE ROLE regress_crm_settings;
SET ROLE regress_crm_settings;
SELECT regress.state($$SET crm_concurrency.max_comment_length = 5$$);
SET crm_concurrency.on_conflict = raise;
SET crm_concurrency.refused_comment_window = 5;
SET crm_concurrency.allow_truncate = on;
RESET ALL;
RESET ROLE;
SET client_min_messages = warning;
SET search_path = settings, public;
ALTER ROLE regress_crm_settings SET crm_concurrency.max_comment_length = 100;
ALTER ROLE regress_crm_settings SET crm_concurrency.on_conflict = raise;
DROP ROLE regress_crm_settings;

-- a connection's own value does not take the place of the administrator's before the library is loaded
CREATE ROLE regress_crm_login LOGIN;
GRANT USAGE ON SCHEMA settings TO regress_crm_login;
GRANT SELECT, UPDATE ON customers TO regress_crm_login;
\c -reuse-previous=on "user=regress_crm_login options='-c crm_concurrency.Author_Setting= -c search_path=settings,public'"
SELECT state, message, detail, hint FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', NULL, 'forged')$$);
SELECT state, message FROM regress.error($$UPDATE customers SET status = 'x'$$);
\c -reuse-previous=on "options='-c crm_concurrency.events=off -c search_path=settings,public'"
SELECT state, message FROM regress.error($$UPDATE customers SET status = 'x'$$);
\c -reuse-previous=on "options='-c crm_concurrency.merge=on -c search_path=settings,public'"
UPDATE customers SET status = 'x';
SHOW crm_concurrency.merge;
\c - :superuser
\c -reuse-previous=on "options='-c crm_concurrency.max_comment_length=5'"
LOAD 'crm_concurrency';
SHOW crm_concurrency.max_comment_length;
\c -reuse-previous=on "options=''"
SET client_min_messages = warning;
SET search_path = settings, public;
DROP OWNED BY regress_crm_login;
DROP ROLE regress_crm_login;

-- TRUNCATE: the owner, and only with the setting
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'x');
SELECT regress.state('TRUNCATE comments');
SET crm_concurrency.allow_truncate = on;
TRUNCATE comments;
SELECT count(*) FROM comments;
SELECT regress.current(1) AS before \gset
TRUNCATE customers CASCADE;
RESET crm_concurrency.allow_truncate;
SELECT regress.state('TRUNCATE customers CASCADE');
-- the chain goes on
INSERT INTO customers (id) VALUES (1) RETURNING updated_at > :'before' AS later;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'after', 'x', 'ana');
SELECT * FROM regress.violations();

-- Counting needs shared memory; what is counted is tested on a server that preloads the library.
SELECT * FROM regress.error($$SELECT * FROM crm_stat$$);
SELECT * FROM regress.error($$SELECT crm_stat_reset()$$);

-- What is stored, compared and told does not depend on how a session shows times and numbers, in every combination.
CREATE SCHEMA session_settings;
SET search_path = session_settings, public;
SELECT crm_create_tables();
ALTER TABLE customers ADD due timestamptz, ADD born date, ADD spent interval, ADD score float8, ADD photo bytea, ADD fee money;

CREATE TABLE settings AS
SELECT row_number() OVER () AS id, zone, style, span, digits, octets
FROM (VALUES ('UTC', 1, 'hex'), ('Europe/Berlin', -4, 'escape'), ('America/St_Johns', 3, 'hex'), ('Australia/Lord_Howe', 0, 'escape'),
             ('Asia/Kathmandu', 1, 'escape'), ('<+1439>-14:39', 1, 'hex')) AS z (zone, digits, octets),
     unnest(ARRAY['ISO, YMD', 'ISO, DMY', 'SQL, MDY', 'SQL, DMY', 'Postgres, MDY', 'Postgres, DMY', 'German, YMD', 'German, DMY']) AS style,
     unnest(ARRAY['postgres', 'postgres_verbose', 'sql_standard', 'iso_8601']) AS span;
SELECT count(*) AS settings FROM settings;

CREATE PROCEDURE apply(id bigint) LANGUAGE plpgsql AS $$
DECLARE
    s settings;
BEGIN
    SELECT * INTO s FROM settings WHERE settings.id = (apply.id - 1) % (SELECT count(*) FROM settings) + 1;
    PERFORM set_config('TimeZone', s.zone, false), set_config('DateStyle', s.style, false),
            set_config('IntervalStyle', s.span, false), set_config('extra_float_digits', s.digits::text, false),
            set_config('bytea_output', s.octets, false);
END $$;

-- What is told, without numbers of rows and the times of the clock.
CREATE FUNCTION told(what text) RETURNS text LANGUAGE sql RETURN
    regexp_replace(regexp_replace(what, '"(recorded_at|timestamp|version|previous|updated_at|key)": "[^"]*"', '"\1": "time"', 'g'),
                   '"(id|comment_id)": [0-9]+', '"\1": 0', 'g');
CREATE FUNCTION fields(since text) RETURNS jsonb LANGUAGE sql RETURN
    jsonb_build_object('due', since, 'born', '1980-02-29', 'spent', 'P1Y2M3DT4H5M6.7S', 'score', 0.30000000000000004,
                       'photo', '\xdeadbeef', 'fee', '1234.5');

CREATE TABLE results (id bigint, said text);
DO $$
DECLARE
    n bigint;
    first timestamptz;
    answers text[];
BEGIN
    FOR n IN SELECT s.id FROM settings s ORDER BY s.id LOOP
        CALL apply(n);
        INSERT INTO customers (id, updated_at) VALUES (n, '2026-03-29 01:30:00.123Z');
        SELECT array_agg(a) INTO answers FROM (
            SELECT outcome || ' ' || message FROM crm_update_customer(n, '2026-03-29T01:30:00.123Z', 'a', 'first', 'ana',
                fields => fields('2026-10-25T00:30:00Z'))
        ) AS t (a);
        -- the same request, as the session with the next settings asks it
        CALL apply(n + 1);
        answers := answers || (SELECT outcome || ' ' || message FROM crm_update_customer(n, '2026-03-29T01:30:00.123Z', 'a', 'first',
                                   'ana', fields => fields('2026-10-25T00:30:00Z')));
        CALL apply(n);
        answers := answers || (SELECT told(outcome || ' ' || detail) FROM crm_update_customer(n, '2026-03-29T01:30:00.123Z', 'b',
                                   'second', 'ben', fields => fields('2026-10-25T01:30:00Z')));
        answers := answers || (SELECT told(outcome || ' ' || detail) FROM crm_update_customer(n, '2026-03-29T03:30:00.123Z', 'b',
                                   NULL, 'ben'));
        answers := answers || told(crm_get_customer(n)::text) || told(crm_get_customer(n, clock_timestamp())::text);
        answers := answers || (SELECT string_agg(told(jsonb_build_object('kind', kind, 'text', body, 'fields', fields)::text), ' ')
                               FROM crm_timeline(n));
        answers := answers || (SELECT told(string_agg(fields::text, ' ' ORDER BY version)) FROM customer_history WHERE customer_id = n);
        answers := answers || crm_import_comments(n, '[3/29/2026, 1:30:00 AM] dan: imported')::text;
        answers := answers || (SELECT told(min(extract(epoch FROM created_at))::text) FROM comments WHERE customer_id = n);
        INSERT INTO results VALUES (n, replace(array_to_string(answers, E'\n'), 'ustomer ' || n, 'ustomer N'));
    END LOOP;
END $$;
RESET TimeZone; RESET DateStyle; RESET IntervalStyle; RESET extra_float_digits; RESET bytea_output;

SELECT count(*) AS results, count(DISTINCT said) AS kinds FROM results;
\pset format unaligned
\pset tuples_only on
SELECT said FROM results WHERE id = 1;
SELECT * FROM regress.violations();
SELECT * FROM crm_verify();
