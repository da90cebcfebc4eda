-- Eighteen columns of 16 million characters, more than one jsonb value holds: every write goes on, and what the history and the calls
-- leave out they say.
SET client_min_messages = warning;
-- the quicker compression, where the server has it
SELECT set_config('default_toast_compression', CASE WHEN 'lz4' = ANY (enumvals) THEN 'lz4' ELSE setting END, false) AS compression FROM pg_settings WHERE name = 'default_toast_compression' \gset
CREATE SCHEMA large_values;
SET search_path = large_values, public;
SELECT crm_create_tables();
SELECT 'ALTER TABLE customers ' || string_agg(format('ADD f%s text', i), ', ') AS add_columns FROM generate_series(1, 18) i \gset
:add_columns;
CREATE FUNCTION large(c text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT repeat(c, 16000000) $$;
SELECT 'UPDATE customers SET ' || string_agg(format('f%s = large(%L)', i, chr(96 + i)), ', ') AS fill_first, 'UPDATE customers SET ' || string_agg(format('f%s = large(%L)', i, chr(64 + i)), ', ') AS fill_again FROM generate_series(1, 18) i \gset
-- What the history has of a change: how many columns, how many of them with values left out, whether it is small enough to be worked with.
CREATE FUNCTION recorded(customer bigint, number bigint, OUT columns bigint, OUT some_left_out boolean, OUT fits boolean) LANGUAGE sql AS $$
    SELECT count(*), bool_or(length(value->>'to') IS DISTINCT FROM 16000000), max(pg_column_size(fields)) < 256 * 1024 * 1024
    FROM (SELECT fields, row_number() OVER (ORDER BY version) AS n FROM customer_history WHERE customer_id = customer) h, jsonb_each(fields) f
    WHERE n = number AND key LIKE 'f%' $$;
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-05 10:00Z'), (2, 'Acme', '2026-01-05 10:00Z');
\set base '\'2026-01-05 10:00Z\''
:fill_first WHERE id = 1;
SELECT * FROM recorded(1, 2);
:fill_again WHERE id = 1;
SELECT * FROM recorded(1, 3);
SELECT count(*) AS as_written FROM customers WHERE id = 1 AND f1 = large('A') AND f18 = large('R');
-- read, now and then
SELECT (SELECT count(*) FROM jsonb_object_keys(crm_get_customer(1)->'customer')) AS columns, crm_get_customer(1)->'customer'->'name' AS name;
SELECT (SELECT count(*) FROM jsonb_object_keys(crm_get_customer(1, regress.version(1, 2))->'customer')) AS columns, crm_get_customer(1, regress.version(1, 1))->'customer'->'name' AS name;
SELECT operation, status_to FROM crm_timeline(1) ORDER BY version;
-- refused, merged, and saved
SELECT outcome, (SELECT count(*) FROM jsonb_object_keys(detail->'current')) AS columns, jsonb_array_length(detail->'changes') AS changes, detail->'conflicts' AS conflicts
FROM crm_update_customer(1, :base, 'lost', 'Refused', 'ben', fields => '{"name": "mine"}');
SELECT outcome FROM crm_update_customer(1, :base, 'won', NULL, 'ana', true);
SELECT outcome, (SELECT string_agg(concat_ws(' ', c->>'field', c->>'mine'), ', ') FROM jsonb_array_elements(detail->'conflicts') c) AS conflicts FROM crm_update_customer(1, :base, NULL, NULL, 'ana', true, fields => '{"f1": "mine"}');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', 'Signed', 'ana', fields => '{"f1": "small"}');
SELECT outcome FROM crm_update_customers(jsonb_build_array(jsonb_build_object('id', 1, 'expected_ts', regress.current(1), 'status', 'paid', 'author', 'ana')));
-- a save whose trigger fills them
SELECT format('CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN %s RETURN NEW; END $f$', string_agg(format('NEW.f%s := large(%L);', i, chr(96 + i)), ' ')) AS make_trigger FROM generate_series(1, 18) i \gset
:make_trigger;
CREATE TRIGGER fill BEFORE UPDATE ON customers FOR EACH ROW WHEN (NEW.status = 'fill') EXECUTE FUNCTION fill();
SELECT outcome FROM crm_update_customer(2, :base, 'fill', 'Words', 'ana');
SELECT * FROM recorded(2, 2);
SELECT outcome, status FROM crm_update_customer(2, :base, 'fill', 'Words', 'ana');
SELECT outcome, (SELECT count(*) FROM jsonb_object_keys(detail->'current')) AS columns FROM crm_update_customer(2, :base, 'lost', NULL, 'ben');
DROP TRIGGER fill ON customers;
SELECT count(*) FROM crm_verify();
SELECT * FROM regress.violations();
DROP SCHEMA large_values CASCADE;
