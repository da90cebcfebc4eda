-- Values that are left out of the history and of answers for their size, what looks like them, and rows of many large ones.

-- A value that looks like what stands for an omitted one, {"omitted_bytes": n}, is a value like any other.
SET client_min_messages = warning;
CREATE SCHEMA omitted_values;
SET search_path = omitted_values, public;
SELECT crm_create_tables();
ALTER TABLE customers ADD doc jsonb, ADD text text, ADD old json;
\set five '{"omitted_bytes": 5}'
\set six '{"omitted_bytes": 6}'
INSERT INTO customers (id, doc, text, old, updated_at) SELECT i, :'five', :'five', :'five', '2026-01-05 10:00Z' FROM generate_series(1, 9) i;
\set base '\'2026-01-05 10:00Z\''
CREATE FUNCTION save(customer bigint, base timestamptz, asked jsonb, merge boolean DEFAULT false, who text DEFAULT 'ben', OUT outcome text, OUT conflicts jsonb, OUT changed jsonb) LANGUAGE plpgsql AS $$
BEGIN
    SELECT u.outcome, detail->'conflicts', jsonb_path_query_array(detail, '$.changes[*].fields') INTO outcome, conflicts, changed
    FROM crm_update_customer(customer, base, NULL, NULL, who, merge, fields => asked) u;
END $$;

-- nothing differs from what is there
SELECT outcome FROM save(1, :base, jsonb_build_object('doc', :'five'::jsonb));
SELECT outcome FROM save(1, :base, jsonb_build_object('doc', :'five'::jsonb, 'text', :'five', 'old', :'five'::jsonb));
-- ana changes it; what the others ask is compared with that
SELECT count(outcome) FROM generate_series(1, 8) i, save(i, :base, jsonb_build_object('doc', :'six'::jsonb), false, 'ana') WHERE outcome = 'updated';
SELECT * FROM save(1, :base, '{"doc": {"omitted_bytes": 7}}');
SELECT * FROM save(1, :base, '{"doc": {"omitted_bytes": 7}}', true);
SELECT * FROM save(2, :base, '{"phone": "1"}', true);
SELECT * FROM save(3, :base, jsonb_build_object('doc', :'six'::jsonb, 'phone', '1'), true);
SELECT * FROM save(4, :base, jsonb_build_object('doc', :'six'::jsonb), true);
SELECT * FROM save(5, :base, jsonb_build_object('doc', :'five'::jsonb, 'phone', '1'), true);
SELECT * FROM save(6, :base, '{"doc": null}', true);
SELECT * FROM save(7, :base, '{"text": "{\"omitted_bytes\": 7}"}', true);
SELECT id, doc, text, phone FROM customers WHERE phone IS NOT NULL OR text <> :'five' ORDER BY id;
-- ben's change of it collides with ana's to another form, and with a value that was never there
SELECT outcome FROM save(8, (SELECT updated_at FROM customers WHERE id = 8), '{"doc": "plain"}', false, 'ana');
SELECT * FROM save(8, :base, jsonb_build_object('doc', :'six'::jsonb));
SELECT * FROM save(8, :base, '{"doc": {"omitted_bytes": 5, "more": 1}}', true);
-- from a base of which the history does not know, too
SELECT outcome, conflicts FROM save(9, '2001-01-01', '{"doc": {"omitted_bytes": 7}}');
SELECT outcome, conflicts FROM save(9, '2001-01-01', '{"doc": null}');

-- then and now, in the history and in timelines
SELECT crm_get_customer(1)->'customer'->'doc' AS now, crm_get_customer(1, regress.version(1, 1))->'customer'->'doc' AS then, crm_get_customer(8, regress.version(8, 2))->'customer'->'doc' AS between;
SELECT n, fields->'doc' AS doc FROM regress.history(8);
SELECT operation, fields->'doc' AS doc FROM crm_timeline(8) ORDER BY version;
-- asked again
SELECT outcome FROM save(2, :base, '{"phone": "1"}', true);
SELECT outcome FROM save(8, regress.version(8, 2), '{"doc": "plain"}', false, 'ana');
SELECT count(*) FROM crm_verify();
DROP SCHEMA omitted_values CASCADE;

-- What is left out for its size: where the limits are, and how the history marks it.
-- the quicker compression, where the server has it
SELECT set_config('default_toast_compression', CASE WHEN 'lz4' = ANY (enumvals) THEN 'lz4' ELSE setting END, false) AS compression FROM pg_settings WHERE name = 'default_toast_compression' \gset
CREATE SCHEMA omitted_sizes;
SET search_path = omitted_sizes, public;
SELECT crm_create_tables();
\set base '\'2026-01-05 10:00Z\''
CREATE FUNCTION short(value jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN octet_length(t) < 50 THEN t ELSE left(t, 3) || '... of ' || octet_length(t) END FROM (SELECT value::text AS t OFFSET 0) v $$;
CREATE FUNCTION recorded(customer bigint, change bigint) RETURNS TABLE (field text, was text, becomes text, omitted jsonb) LANGUAGE sql AS $$
    SELECT key, short(value->'from'), short(value->'to'), value->'omitted'
    FROM (SELECT fields, row_number() OVER (ORDER BY version) AS n FROM customer_history WHERE customer_id = customer) h, jsonb_each(fields) WHERE n = change ORDER BY key $$;
CREATE FUNCTION save(customer bigint, base timestamptz, asked jsonb, merge boolean DEFAULT false) RETURNS TABLE (outcome text, field text, was text, mine text, theirs text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT u.outcome, c->>'field', short(c->'was'), short(c->'mine'), short(c->'theirs')
                 FROM crm_update_customer(customer, base, NULL, NULL, 'ben', merge, fields => asked) u LEFT JOIN jsonb_array_elements(u.detail->'conflicts') c ON true;
END $$;
CREATE FUNCTION seen(customer bigint) RETURNS TABLE (field text, value text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT c.key, short(c.value) FROM crm_update_customer(customer, '2001-01-01', NULL, NULL, 'ben') u, jsonb_each(u.detail->'current') c
                 WHERE c.key <> 'updated_at' AND c.value <> 'null' ORDER BY c.key;
END $$;

-- a value of 16 MiB, four bytes of its length included, is kept; of others the history and the answers have the size, of every type
CREATE DOMAIN words AS text CHECK (VALUE <> '');
CREATE DOMAIN numbers AS smallint[];
CREATE TYPE pair AS (one text, two integer);
ALTER TABLE customers ADD a text, ADD b varchar, ADD c words, ADD d bpchar, ADD e bytea, ADD f jsonb, ADD g smallint[], ADD h numbers, ADD i pair, ADD j bytea, ADD k jsonb, ADD l text;
INSERT INTO customers (id, updated_at) SELECT i, :base FROM generate_series(1, 6) i;
UPDATE customers SET a = repeat('a', 16777212), b = repeat('b', 16777213), c = repeat('c', 16777213), d = repeat('d', 16777213), e = decode(repeat('ee', 16777213), 'hex'),
    f = to_jsonb(repeat('f', 16777205)), g = array_fill(1::smallint, ARRAY[8388600]), h = array_fill(1::smallint, ARRAY[8388600]), i = (repeat('i', 16777213), 1),
    j = decode(repeat('ee', 13000000), 'hex'), k = to_jsonb(repeat('k', 16777204)), l = 'l' WHERE id = 1;
SELECT * FROM recorded(1, 2);
SELECT * FROM seen(1);

-- 40 MiB of a row, in the order of its columns; numbers and times of eight bytes take none of them
ALTER TABLE customers ADD m text, ADD n text, ADD o text, ADD p integer, ADD q bigint, ADD r boolean, ADD s timestamptz, ADD t text, ADD u text, ADD v numeric, ADD w jsonb, ADD x text;
UPDATE customers SET m = repeat('m', 16777212), n = repeat('n', 16777212), o = repeat('o', 8388609), p = 1, q = 2, r = true, s = :base, t = '', u = 'u', v = 3.5, w = '{}', x = 'x' WHERE id = 2;
SELECT * FROM recorded(2, 2);
SELECT * FROM seen(2);
UPDATE customers SET m = upper(m), n = 'n', o = NULL, p = 2, q = 3, x = '' WHERE id = 2;
DELETE FROM customers WHERE id = 2;
SELECT change, r.* FROM generate_series(3, 4) change, recorded(2, change) r ORDER BY change, field;
-- and of what a save asks
UPDATE customers SET m = 'm', o = 'o', p = 1 WHERE id = 3;
SELECT * FROM save(3, :base, jsonb_build_object('m', repeat('m', 16777212), 'n', repeat('n', 16777212), 'o', repeat('o', 8388613), 'p', 2));

-- a large status is told whole; who may read some columns is shown those
CREATE ROLE regress_crm_sizes;
GRANT USAGE ON SCHEMA omitted_sizes TO regress_crm_sizes;
GRANT SELECT (id, status, updated_at, a, u), UPDATE (status, u) ON customers TO regress_crm_sizes;
UPDATE customers SET status = repeat('s', 17000000), a = repeat('a', 17000000), u = 'u' WHERE id = 4;
SELECT length(status) AS status, short(c->'was') AS was, short(c->'mine') AS mine, short(c->'theirs') AS theirs
FROM crm_update_customer(4, :base, 'paid', NULL, 'ben'), jsonb_array_elements(detail->'conflicts') c;
SET ROLE regress_crm_sizes;
SELECT * FROM seen(4);
SELECT * FROM save(4, :base, '{"u": "mine"}', true);
RESET ROLE;
REVOKE ALL ON customers FROM regress_crm_sizes;
REVOKE ALL ON SCHEMA omitted_sizes FROM regress_crm_sizes;
DROP ROLE regress_crm_sizes;

-- what is too large is the same as nothing else, then and now; what looks like its size is what it is
SELECT outcome FROM save(5, :base, jsonb_build_object('a', repeat('a', 17000000), 'f', '{"omitted_bytes": 17000004}'::jsonb));
SELECT * FROM save(5, :base, '{"a": "{\"omitted_bytes\": 17000004}", "f": {"omitted_bytes": 17000004}}');
SELECT * FROM save(5, :base, jsonb_build_object('a', repeat('b', 17000000), 'f', '{"omitted_bytes": 17000005}'::jsonb), true);
SELECT * FROM save(5, :base, '{"a": null}', true);
SELECT outcome FROM save(5, regress.current(5), jsonb_build_object('a', repeat('a', 17000000)));
SELECT outcome FROM save(5, regress.current(5), '{"a": "small"}');
SELECT * FROM save(5, regress.version(5, 2), '{"a": "other"}', true);
SELECT * FROM save(5, regress.version(5, 2), '{"a": "small", "f": {"omitted_bytes": 17000004}}', true);
SELECT * FROM save(5, regress.version(5, 2), '{"phone": "1"}', true);
SELECT change, r.* FROM generate_series(2, 5) change, recorded(5, change) r ORDER BY change, field;
-- what was is not known: null neither leaves what others made of it, nor is what others made null
SELECT outcome FROM save(6, :base, jsonb_build_object('a', repeat('a', 17000000)));
UPDATE customers SET a = 'theirs' WHERE id = 6;
SELECT * FROM save(6, regress.version(6, 2), '{"a": null}', true);
UPDATE customers SET a = NULL WHERE id = 6;
SELECT * FROM save(6, regress.version(6, 2), '{"a": "mine"}', true);
SELECT a FROM customers WHERE id = 6;
SELECT * FROM regress.violations();
DROP SCHEMA omitted_sizes CASCADE;

-- Eighteen columns of 16 million characters, more than one jsonb value holds: every write goes on, and what the history and the calls
-- leave out they say.
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
