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
