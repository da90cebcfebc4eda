-- The jsonb that the library makes has the bytes that PostgreSQL gives the same value: what is stored and told is jsonb as any.
SET client_min_messages = warning;
CREATE SCHEMA jsonb;
SET search_path = jsonb, public;
SELECT crm_create_tables();
CREATE TYPE held AS (value jsonb);
CREATE FUNCTION is_as_parsed(value jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT ROW(value)::held *= ROW(value::text::jsonb)::held $$;
-- the operator sees more than equality
SELECT '1.0'::jsonb = '1.00'::jsonb AS is_equal, ROW('1.0')::held *= ROW('1.00')::held AS is_same;

-- more keys than one offset stands for, and values of every kind, at every alignment
DO $$
BEGIN
    EXECUTE (SELECT 'ALTER TABLE customers ' || string_agg(format('ADD %I %s', repeat('k', i) || '_' || i,
                        (ARRAY['text', 'jsonb', 'numeric', 'boolean', 'bigint', 'json', 'timestamptz', 'integer[]'])[1 + i % 8]), ', ')
             FROM generate_series(1, 48) i);
END $$;
INSERT INTO customers (id, name, phone, email, status) VALUES (1, 'Müller & Söhne', '', NULL, 'new');
UPDATE customers SET k_1 = '{"a": [], "b": {}, "c": [1, 2.50, -1e-7, null, true, "x", [[]], {"d": {"e": "f"}}]}', kk_2 = 12345678901234567890.50, kkk_3 = true, kkkk_4 = 7,
    kkkkk_5 = '{"b": 1, "a": 2}', kkkkkk_6 = '2026-01-05 10:00Z', kkkkkkk_7 = ARRAY[1, NULL, 3], kkkkkkkk_8 = 'ü';
SELECT updated_at AS base FROM customers WHERE id = 1 \gset
DO $$
BEGIN
    FOR i IN 1 .. 60 LOOP
        UPDATE customers SET kkkkkkkkk_9 = (SELECT jsonb_agg(x) FROM generate_series(1, i * 7 % 40) x), status = repeat('s', i);
    END LOOP;
END $$;
SELECT outcome, is_as_parsed(detail), jsonb_array_length(detail->'changes') AS changes, detail->'changes_total' AS total
FROM crm_update_customer(1, :'base', 'lost', 'Mine', 'ben', fields => '{"k_1": [[], "x"], "kk_2": null, "kkkkkkkkk_9": {"a": {}}, "kkk_3": false, "name": "x"}');
SELECT outcome, is_as_parsed(detail), detail->'conflicts' AS conflicts
FROM crm_update_customer(1, :'base', NULL, NULL, 'ben', fields => '{"kkkkkkkkk_9": {"a": [1.50, {}]}}');
SELECT outcome, is_as_parsed(detail), jsonb_array_length(detail->'changes') AS changes
FROM crm_update_customer(1, :'base', NULL, 'Merged', 'ana', merge => true, fields => '{"kk_2": 3.10, "email": ""}');
-- whatever is asked for in it is found
SELECT count(*) FILTER (WHERE detail->'current'->key IS DISTINCT FROM value) AS missed, count(*) > 48 AS "all"
FROM crm_update_customer(1, :'base', 'lost', NULL, 'ben') save, jsonb_each(detail::text::jsonb->'current');
SELECT count(*) FILTER (WHERE detail->'changes'->(n::integer - 1) IS DISTINCT FROM change) AS missed, count(*)
FROM crm_update_customer(1, :'base', 'lost', NULL, 'ben') save, jsonb_array_elements(detail::text::jsonb->'changes') WITH ORDINALITY AS c(change, n);
-- the same of what is stored and read
SELECT count(*) FILTER (WHERE NOT is_as_parsed(fields)) AS other, count(*) FILTER (WHERE fields ? 'kkkkkkkkk_9') AS stored FROM customer_history;
SELECT is_as_parsed(crm_get_customer(1)), is_as_parsed(crm_get_customer(1, :'base')), bool_and(is_as_parsed(entry)) AS timeline
FROM (SELECT to_jsonb(t) AS entry FROM crm_timeline(1, 100) t) t;
SELECT outcome, is_as_parsed(detail) FROM crm_update_customer(1, :'base', 'lost', NULL, 'ben', fields => '{}');
DROP SCHEMA jsonb CASCADE;
