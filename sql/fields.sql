-- fields: any other columns of the customer saved in the same call.
SET client_min_messages = warning;
CREATE SCHEMA fields;
SET search_path = fields, public;
-- Nothing may depend on how the session reads and writes values.
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German, DMY';
SELECT crm_create_tables();
CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE TYPE place AS (street text, city text);
CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100);
ALTER TABLE customers
    ADD COLUMN amount numeric(10, 2), ADD COLUMN plain numeric, ADD COLUMN ratio float8, ADD COLUMN due date,
    ADD COLUMN called_at timestamptz, ADD COLUMN tags text[], ADD COLUMN extra jsonb, ADD COLUMN mood mood,
    ADD COLUMN place place, ADD COLUMN score percent, ADD COLUMN code varchar(5), ADD COLUMN raw bytea,
    ADD COLUMN is_vip boolean NOT NULL DEFAULT false, ADD COLUMN "odd ""name" text,
    ADD COLUMN doubled numeric GENERATED ALWAYS AS (plain * 2) STORED;
INSERT INTO customers (id, name, phone) VALUES (1, 'Acme', '1'), (2, 'Bolt', '2');

-- one field, and the status and a comment with it
SELECT outcome, status, detail FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"phone": "555 0100"}');
SELECT outcome, status, comment_id FROM crm_update_customer(1, regress.current(1), 'won', 'Signed', 'ana',
    fields => '{"phone": "555 0101", "email": "a@acme.example"}');
SELECT name, phone, email, status FROM customers WHERE id = 1;
SELECT status_from, status_to, fields, comment_id FROM regress.history(1) WHERE n > 1;

-- every type, in the form that JSON gives it; times without a zone are UTC
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{
    "amount": 12.345, "plain": 7, "ratio": 0.1, "due": "2026-02-03", "called_at": "2026-02-03T04:05:06.789Z",
    "tags": ["a", "b\"c", null], "extra": {"k": [1, {"x": null}]}, "mood": "angry", "place": {"street": "Main", "city": "Rome"},
    "score": 50, "code": "abc", "raw": "\\x00ff", "is_vip": true, "odd \"name": "''; DROP TABLE customers; --"}');
SELECT amount, plain, ratio, to_char(due, 'YYYY-MM-DD') AS due, called_at AT TIME ZONE 'UTC' = '2026-02-03 04:05:06.789' AS called_at,
       tags, extra, mood, place, score, code, raw, is_vip, "odd ""name", doubled FROM customers WHERE id = 1;
SELECT jsonb_pretty(fields) FROM regress.history(1) ORDER BY n DESC LIMIT 1;
-- the same again, written otherwise, is what is there already
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{
    "amount": "12.35", "plain": 7.00, "ratio": 1e-1, "due": "2026-02-03", "called_at": "2026-02-03T04:05:06.789",
    "tags": ["a", "b\"c", null], "extra": {"k": [1, {"x": null}]}, "score": "50", "is_vip": "yes", "doubled": 14}');
-- null is a value
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"tags": null, "extra": null, "mood": null}');
SELECT tags, extra, mood FROM customers WHERE id = 1;
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"tags": null}');
-- none at all, and only what differs is written: a trigger on another column does not fire
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{}');
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, 'said', 'ana', fields => '{"plain": 7}');
SELECT fields FROM regress.history(1) ORDER BY n DESC LIMIT 1;
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'plain was written'; END $$;
CREATE TRIGGER never BEFORE UPDATE OF plain ON customers FOR EACH ROW EXECUTE FUNCTION never();
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"plain": 7.0, "score": 51}');
DROP TRIGGER never ON customers;

-- exactly once: the same request again, in another order of keys and form of numbers
SELECT regress.current(2) AS base \gset
SELECT outcome, comment_id FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana', fields => '{"plain": 1.50, "phone": "9"}');
SELECT outcome, comment_id FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana', fields => '{"phone": "9", "plain": 1.5}');
SELECT outcome FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana', fields => '{"phone": "9", "plain": 1.6}');
SELECT outcome FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana', fields => '{"phone": "9"}');
SELECT outcome FROM crm_update_customer(2, :'base', 'won', 'Yes', 'ana');
SELECT body, save_refused FROM comments WHERE customer_id = 2 ORDER BY id;

-- a conflict names each field that collides
SELECT regress.current(2) AS base \gset
SELECT outcome FROM crm_update_customer(2, :'base', 'lost', NULL, 'ben', fields => '{"phone": "7", "plain": 3}');
SELECT outcome, message, jsonb_pretty(detail->'conflicts') AS conflicts
FROM crm_update_customer(2, :'base', 'paid', NULL, 'ana',
    fields => '{"phone": "8", "plain": 3.0, "name": "Bolt", "email": "b@bolt.example", "tags": ["x"]}');
SELECT state, message, detail::jsonb->'conflicts' AS conflicts FROM regress.error($$
    SET LOCAL crm_concurrency.on_conflict = raise;
    SELECT crm_update_customer(2, '$$ || :'base' || $$', NULL, NULL, 'ana', fields => '{"phone": "8"}')$$);

-- bad fields: a clear error, and nothing is saved
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '[1]')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '"x"')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => 'null')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"fax": "1"}')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"ctid": "(0,1)"}')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"Phone": "1"}')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"": "1"}')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"id": 2}')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"status": "y"}')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"updated_at": "2026-01-01"}')$$);
SELECT regress.state(format($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => %L)$$, f)), f
FROM unnest(ARRAY['{"plain": "much"}', '{"due": "someday"}', '{"mood": "sad"}', '{"score": 101}', '{"code": "abcdef"}',
                  '{"is_vip": null}', '{"tags": "a"}', '{"place": 1}', '{"doubled": 3}', '{"amount": 1e10}', '{"is_vip": 2}',
                  '{"raw": "\\xz"}']) f;
SELECT count(*) AS versions FROM customer_history WHERE customer_id = 1;
SELECT count(*) AS comments FROM comments WHERE body = 'lost?';
-- also for a customer that is not there, and a save that would be refused
SELECT regress.state($$SELECT crm_update_customer(99, now(), NULL, NULL, 'ana', fields => '{"fax": "1"}')$$);
SELECT regress.state($$SELECT crm_update_customer(2, '2001-01-01', NULL, 'lost?', 'ana', fields => '{"fax": "1"}')$$);
SELECT outcome FROM crm_update_customer(99, now(), NULL, NULL, 'ana', fields => '{"phone": "1"}');

-- the caller's rights on the columns: both to see and to change
CREATE ROLE regress_crm_fields;
GRANT USAGE ON SCHEMA fields TO regress_crm_fields;
GRANT SELECT (id, status, updated_at, phone, email), UPDATE (status, phone, name) ON customers TO regress_crm_fields;
SELECT regress.current(1) AS base \gset
SET ROLE regress_crm_fields;
SELECT outcome, status FROM crm_update_customer(1, :'base', NULL, NULL, 'ana', fields => '{"phone": "by column right"}');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, '$$ || :'base' || $$', NULL, NULL, 'ana', fields => '{"email": "x"}')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, '$$ || :'base' || $$', NULL, NULL, 'ana', fields => '{"name": "x"}')$$);
SELECT outcome, detail #- '{current,updated_at}' AS detail FROM crm_update_customer(1, '2001-01-01', NULL, NULL, 'ana', fields => '{"phone": "x"}');
RESET ROLE;
REVOKE ALL ON customers FROM regress_crm_fields;
REVOKE ALL ON SCHEMA fields FROM regress_crm_fields;
DROP ROLE regress_crm_fields;

-- values are read in the order of jsonb, by the length of the name first; what the server makes is refused
ALTER TABLE customers ADD COLUMN yy date, ADD COLUMN z integer;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"yy": "x", "z": "x"}')$$);
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"doubled": 1}')$$);
-- the name of a type is told as the search_path has it
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
ALTER TABLE customers ADD COLUMN age positive;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"age": 0}')$$);
-- columns may have any names
ALTER TABLE customers ADD COLUMN customer bigint DEFAULT 99, ADD COLUMN words text, ADD COLUMN base timestamptz, ADD COLUMN head timestamptz, ADD COLUMN c text, ADD COLUMN r text;
ALTER TABLE comments ADD COLUMN customer bigint DEFAULT 99, ADD COLUMN words text, ADD COLUMN writer text, ADD COLUMN base timestamptz;
ALTER TABLE customer_history ADD COLUMN base timestamptz, ADD COLUMN head timestamptz;
SELECT outcome, comment_id IS NOT NULL AS has_comment FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1), NULL, 'Any names', 'ana', fields => '{"customer": 98, "c": "c", "r": "r"}');
SELECT outcome, detail->'current'->'customer' AS customer, detail->'conflicts' AS conflicts
FROM crm_update_customer(1, regress.version(1, 1), NULL, 'Kept', 'ana', fields => '{"customer": 97}');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1), NULL, 'Kept', 'ana');
SELECT crm_add_comment(1, 'Added', 'ana') = crm_add_comment(1, 'Added', 'ana') AS is_one;
SELECT outcome FROM crm_lock_customer(1, 'ana');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1), NULL, NULL, 'ben', fields => '{"customer": 1}');
SELECT author, body, save_refused FROM comments WHERE customer_id = 1 AND body IN ('Any names', 'Kept', 'Added') ORDER BY id;
ALTER TABLE customers DROP COLUMN customer;
SELECT crm_unlock_customer(1, lock_id) FROM customer_locks WHERE customer_id = 1;

-- a value beyond what jsonb compares is never taken for another of the same size
ALTER TABLE customers ADD COLUMN big text;
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => jsonb_build_object('big', repeat('a', 17000000)));
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => jsonb_build_object('big', repeat('b', 17000000)));
SELECT left(big, 1) AS first, length(big), (SELECT fields FROM regress.history(1) ORDER BY n DESC LIMIT 1) FROM customers WHERE id = 1;
SELECT outcome, detail->'conflicts' AS conflicts FROM crm_update_customer(1, regress.version(1, 1), NULL, NULL, 'ana', fields => jsonb_build_object('big', repeat('c', 17000000)));
SELECT * FROM regress.violations();
DROP SCHEMA fields CASCADE;
