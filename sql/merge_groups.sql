-- Merge groups: columns that belong together merge as one field, so that nothing is put together that nobody entered.
SET client_min_messages = warning;
CREATE SCHEMA merge_groups;
SET search_path = merge_groups, public;
CREATE TABLE customers (id bigint PRIMARY KEY, name text, city text, country text, amount numeric(10, 2), currency text, status text, closed_by text, note json,
                        total numeric GENERATED ALWAYS AS (amount * 2) STORED, updated_at timestamptz(3) NOT NULL DEFAULT '2026-01-05 10:00+00');
SELECT crm_attach('customers', merge_groups => '[["city","country"],["amount","currency"],["status","closed_by"]]');
SELECT merge_groups FROM crm_attached_tables WHERE customers = 'customers'::regclass;
INSERT INTO customers SELECT i, 'Acme', 'Berlin', 'DE', 10, 'EUR', 'open', NULL, '{"a": 1}' FROM generate_series(1, 30) i;
-- One save by ana from the base that she saw, after a change of others, and what is there then.
CREATE FUNCTION merged(id bigint, others text, fields jsonb, status text DEFAULT NULL, merge boolean DEFAULT true,
                       OUT outcome text, OUT conflicts jsonb, OUT stored text) LANGUAGE plpgsql AS $$
DECLARE
    seen CONSTANT timestamptz := (SELECT c.updated_at FROM customers c WHERE c.id = merged.id);
BEGIN
    EXECUTE format('UPDATE customers SET %s WHERE id = %s', others, id);
    SELECT r.outcome, r.detail->'conflicts' INTO outcome, conflicts
    FROM crm_update_customer(id, seen, status, NULL, 'ana', merge => merge, fields => fields) r;
    SELECT concat_ws(' ', r->>'city', r->>'country', r->>'land', r->>'amount', r->>'currency', r->>'status', r->>'closed_by') INTO stored
    FROM (SELECT to_jsonb(c) AS r FROM customers c WHERE c.id = merged.id) row;
END $$;

-- each changes another column of a group: a conflict, which names the group; no column of the save is written
\x on
SELECT * FROM merged(1, $$city = 'Oslo'$$, '{"country": "AT", "name": "Acme 2"}');
SELECT name FROM customers WHERE id = 1;
SELECT * FROM merged(2, $$city = 'Oslo', country = 'NO'$$, '{"city": "Wien"}');
SELECT * FROM merged(3, $$currency = 'USD'$$, '{"amount": 20}');
-- the same, and another one collides by itself
SELECT * FROM merged(4, $$country = 'AT', name = 'Bolt'$$, '{"city": "Wien", "name": "Cord"}');
-- a caller who asks for both, of which others changed one
SELECT * FROM merged(5, $$city = 'Oslo'$$, '{"city": "Wien", "country": "AT"}');
-- also without a merge: what would collide
SELECT * FROM merged(6, $$city = 'Oslo'$$, '{"country": "AT"}', merge => false);
-- the status is a column like others, by its name
SELECT * FROM merged(7, $$status = 'won'$$, '{"closed_by": "ana"}');
SELECT * FROM merged(8, $$closed_by = 'ben'$$, NULL, 'lost');
SELECT * FROM merged(9, $$closed_by = 'ben'$$, '{"closed_by": "ana"}', 'lost');
\x off

-- what merges: others changed another group, or none; all that is asked is there; the caller changes nothing of it; others put it back
SELECT * FROM merged(10, $$amount = 11, currency = 'USD', name = 'Bolt'$$, '{"city": "Wien", "country": "AT"}');
SELECT * FROM merged(11, $$city = 'Wien', country = 'AT'$$, '{"city": "Wien", "country": "AT"}');
SELECT * FROM merged(12, $$city = 'Wien'$$, '{"city": "Wien", "country": "AT"}');
SELECT * FROM merged(13, $$city = 'Oslo', country = 'NO'$$, '{"city": "Berlin", "country": "DE", "name": "Cord"}');
SELECT * FROM merged(14, $$name = 'Bolt'$$, '{"city": "Wien"}', 'won');
SELECT * FROM merged(15, $$amount = 10.00$$, '{"currency": "CHF"}');
UPDATE customers SET city = 'Oslo' WHERE id = 16;
SELECT * FROM merged(16, $$name = 'Bolt'$$, '{"country": "NO"}');
SELECT regress.current(17) AS seen \gset
UPDATE customers SET city = 'Oslo' WHERE id = 17;
UPDATE customers SET city = 'Berlin' WHERE id = 17;
SELECT outcome FROM crm_update_customer(17, :'seen', NULL, NULL, 'ana', merge => true, fields => '{"country": "AT"}');
SELECT city, country FROM customers WHERE id = 17;
-- the same status from two sides, and what others changed beside it
SELECT outcome, stored FROM merged(18, $$status = 'won', closed_by = 'ben'$$, NULL, 'won');
SELECT outcome, stored FROM merged(19, $$status = 'won'$$, NULL, 'won');

-- a request that was applied is replayed, whatever others did to its group since
SELECT regress.current(20) AS seen \gset
UPDATE customers SET name = 'Bolt' WHERE id = 20;
SELECT outcome FROM crm_update_customer(20, :'seen', NULL, NULL, 'ana', merge => true, fields => '{"city": "Wien"}');
UPDATE customers SET country = 'AT' WHERE id = 20;
SELECT outcome FROM crm_update_customer(20, :'seen', NULL, NULL, 'ana', merge => true, fields => '{"city": "Wien"}');
-- by the table's name, and many at once
SELECT regress.current(21) AS seen \gset
UPDATE customers SET city = 'Oslo' WHERE id IN (21, 22);
SELECT outcome, detail->'conflicts'->0->'group' AS group_of_first FROM crm_update_record('customers', '21', :'seen', NULL, NULL, 'ana', merge => true, fields => '{"country": "AT"}');
SELECT outcome FROM crm_update_customers(jsonb_build_array(jsonb_build_object('id', 22, 'expected_ts', :'seen', 'author', 'ana', 'merge', true, 'fields', '{"country": "AT"}'::jsonb)));
-- a base that was never a version: what was is not known
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(21, '2020-01-01', NULL, NULL, 'ana', merge => true, fields => '{"country": "AT"}');

-- who may not read a column of the group is not told it, and does not overrule it
CREATE ROLE regress_crm_groups;
GRANT USAGE ON SCHEMA merge_groups TO regress_crm_groups;
GRANT SELECT (id, status, updated_at, city, name), UPDATE (status, city, name) ON customers TO regress_crm_groups;
GRANT SELECT ON customers_history TO regress_crm_groups;
SELECT regress.current(23) AS seen \gset
UPDATE customers SET country = 'AT' WHERE id = 23;
UPDATE customers SET name = 'Bolt' WHERE id = 24;
UPDATE customers SET country = NULL WHERE id = 25;
UPDATE customers SET closed_by = 'ben' WHERE id = 26;
SET ROLE regress_crm_groups;
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(23, :'seen', NULL, NULL, 'eve', merge => true, fields => '{"city": "Wien"}');
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(24, :'seen', NULL, NULL, 'eve', merge => true, fields => '{"city": "Wien"}');
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(25, :'seen', NULL, NULL, 'eve', merge => true, fields => '{"city": "Wien"}');
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(26, :'seen', 'lost', NULL, 'eve', merge => true);
RESET ROLE;
REVOKE SELECT ON customers_history FROM regress_crm_groups;
SET ROLE regress_crm_groups;
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(23, :'seen', NULL, NULL, 'eve', merge => true, fields => '{"city": "Wien"}');
RESET ROLE;

-- attached again: as they are; others; none
SELECT crm_attach('customers');
SELECT merge_groups FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT crm_attach('customers', merge_groups => '[["name","note"],["city","country"]]');
SELECT merge_groups FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT outcome, stored FROM merged(27, $$currency = 'USD'$$, '{"amount": 20}');
-- a column of type json is compared by what it means
SELECT outcome FROM merged(28, $$note = '{ "a":1 }'$$, '{"name": "Bolt"}');
SELECT outcome FROM merged(29, $$note = '{"a": 2}'$$, '{"name": "Bolt"}');

-- a column that is renamed or dropped: nothing is merged, and the doctor says so
ALTER TABLE customers RENAME country TO land;
SELECT outcome, conflicts FROM merged(30, $$name = 'Cord'$$, '{"currency": "USD"}');
SELECT outcome, conflicts FROM merged(30, $$city = 'Oslo'$$, '{"land": "NO"}');
SELECT outcome, conflicts FROM merged(30, $$land = 'NO'$$, '{"city": "Bergen"}');
SELECT outcome FROM crm_update_customer(30, regress.current(30), 'won', NULL, 'ana', fields => '{"land": "SE"}');
SELECT check_name, status, finding, hint FROM crm_doctor() WHERE finding LIKE '%merge group%';
SELECT crm_attach('customers', merge_groups => '[["city","land"]]');
SELECT finding FROM crm_doctor() WHERE finding LIKE '%merge group%';
SELECT outcome FROM merged(30, $$name = 'Dune'$$, '{"currency": "CHF"}');
SELECT outcome FROM merged(30, $$city = 'Turku'$$, '{"land": "FI"}');
ALTER TABLE customers DROP COLUMN land;
SELECT outcome FROM merged(30, $$name = 'Echo'$$, '{"currency": "USD"}');
SELECT crm_attach('customers', merge_groups => '[]');
SELECT merge_groups IS NULL AS none FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT outcome FROM merged(30, $$name = 'Fox'$$, '{"currency": "EUR"}');
-- what was written by hand
UPDATE crm_attached_tables SET merge_groups = '{"city": 1}' WHERE customers = 'customers'::regclass;
SELECT outcome FROM merged(30, $$name = 'Golf'$$, '{"currency": "USD"}');

-- what cannot be a group
SELECT * FROM regress.error($$SELECT crm_attach('customers', merge_groups => '{"city": "name"}')$$);
SELECT regress.state(format('SELECT crm_attach(%L, merge_groups => %L)', 'customers', groups)), groups
FROM unnest(ARRAY['"city"', '1', 'null', '["city", "name"]', '[[]]', '[["city"]]', '[["city", 1]]', '[["city", null]]', '[["city", ["name"]]]', '[[["city", "name"]]]',
                  '[{"city": "name"}]', '[["city", "name"], "amount"]', '[["city", "name"], ["amount"]]', '[["city", "city"]]', '[["city", "name"], ["name", "amount"]]',
                  '[["city", "id"]]', '[["city", "updated_at"]]', '[["city", "total"]]', '[["city", "nowhere"]]', '[["City", "name"]]', '[["city", "xmin"]]', '[["city", ""]]',
                  '[]', '[["city", "name"], ["amount", "currency", "status"]]']) groups;
SELECT state, message, detail, hint FROM regress.error($$SELECT crm_attach('customers', merge_groups => '[["city", "nowhere"]]')$$);
SELECT message, detail FROM regress.error($$SELECT crm_attach('customers', merge_groups => '[["city", "id"]]')$$);
SELECT message, detail FROM regress.error($$SELECT crm_attach('customers', merge_groups => '[["city", "updated_at"]]')$$);
SELECT message, detail FROM regress.error($$SELECT crm_attach('customers', merge_groups => '[["city", "total"]]')$$);
SELECT message, detail FROM regress.error($$SELECT crm_attach('customers', merge_groups => '[["city", "name", "city"]]')$$);
-- a version column that is yet to be added
CREATE TABLE deals (id bigint PRIMARY KEY, stage text, reason text);
SELECT state, detail FROM regress.error($$SELECT crm_attach('deals', 'stage', 'changed', merge_groups => '[["stage", "changed"]]')$$);
-- a table without a status
SELECT crm_attach('deals', NULL, 'changed', merge_groups => '[["stage", "reason"]]');
INSERT INTO deals VALUES (1, 'open', NULL);
SELECT changed AS seen FROM deals \gset
UPDATE deals SET reason = 'price';
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_record('deals', '1', :'seen', NULL, NULL, 'ana', merge => true, fields => '{"stage": "lost"}');
DROP SCHEMA merge_groups CASCADE;
DROP ROLE regress_crm_groups;
