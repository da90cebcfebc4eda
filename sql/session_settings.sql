-- What is stored, compared and told does not depend on how a session shows times and numbers, in every combination.
SET client_min_messages = warning;
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
    regexp_replace(regexp_replace(what, '"(recorded_at|timestamp|version|previous|updated_at)": "[^"]*"', '"\1": "time"', 'g'),
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
