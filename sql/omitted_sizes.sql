-- What is left out for its size: where the limits are, and how the history marks it.
SET client_min_messages = warning;
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
