-- Columns of the customers beside the status: what fields saves of them, their casts to json, and what is shown of them.

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
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'x', 'lost?', 'ana', fields => '{"fax": 1, "status": "y"}')$$);
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

RESET TimeZone; RESET DateStyle;
-- Casts to json: one that somebody else than a superuser made is not called, whoever's rights it would run with.
CREATE SCHEMA casts_to_json;
SET search_path = casts_to_json, public;
SELECT crm_create_tables();
CREATE ROLE regress_crm_planter;
CREATE ROLE regress_crm_user;
GRANT USAGE ON SCHEMA casts_to_json TO regress_crm_planter, regress_crm_user;
GRANT CREATE ON SCHEMA casts_to_json TO regress_crm_planter;
SET ROLE regress_crm_planter;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN a_mood AS mood;
CREATE TYPE moods AS (of text, mood a_mood, at timestamptz);
CREATE TYPE many_moods AS (of text, moods moods[]);
CREATE FUNCTION json_of_mood(mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE 'the cast runs with the rights of %', current_user; END $$;
CREATE CAST (mood AS json) WITH FUNCTION json_of_mood;
RESET ROLE;
-- a superuser's is called
CREATE TYPE kind AS ENUM ('small', 'large');
CREATE FUNCTION json_of_kind(kind) RETURNS json LANGUAGE sql AS $$ SELECT json_build_object('kind', $1::text) $$;
CREATE CAST (kind AS json) WITH FUNCTION json_of_kind;
SELECT state, message FROM regress.error($$SELECT to_jsonb('glad'::mood)$$);
SELECT to_jsonb('large'::kind);

ALTER TABLE customers ADD mood mood, ADD domain a_mood, ADD "Array" mood[], ADD "row" moods, ADD nested many_moods, ADD kind kind, ADD due date;
SET TimeZone = 'Pacific/Chatham';
INSERT INTO customers (id, name, mood, updated_at) VALUES (1, 'Acme', 'sad', '2026-01-05 10:00Z');
UPDATE customers SET mood = 'glad', domain = 'sad', "Array" = '{sad,NULL}', "row" = '(me,sad,2026-01-05 10:00Z)', kind = 'large', due = '2026-02-01' WHERE id = 1;
UPDATE customers SET mood = NULL, "Array" = '{}', "row" = '(,,)', nested = '(we,"{""(me,sad,)""}")', kind = NULL WHERE id = 1;
SELECT n, fields FROM regress.history(1);

-- what a caller is shown, asks for and saves; who may read some columns too
GRANT SELECT, UPDATE ON customers TO regress_crm_user;
GRANT SELECT ON customer_history TO regress_crm_user;
SET ROLE regress_crm_user;
SELECT outcome, (detail->'current') - 'updated_at' AS current, detail->'conflicts' AS conflicts
FROM crm_update_customer(1, regress.version(1, 2), NULL, NULL, 'ana', fields => '{"mood": "sad", "domain": "sad", "Array": ["sad"], "row": "(me,sad,2026-01-05 10:00Z)", "nested": null}');
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"domain": "sad", "Array": [], "nested": {"of": "we", "moods": ["(me,sad,)"]}}');
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"domain": "glad", "Array": ["glad", null], "row": {"of": "me", "mood": "glad"}, "due": "2026-03-01"}');
SELECT outcome, detail->'changes'->0->'fields' AS fields FROM crm_update_customer(1, regress.version(1, 3), NULL, NULL, 'ben', merge => true, fields => '{"mood": "glad", "Array": ["glad", null]}');
SELECT outcome FROM crm_update_customer(1, regress.version(1, 3), NULL, NULL, 'ben', merge => true, fields => '{"mood": "glad", "Array": ["glad", null]}');
RESET ROLE;
REVOKE SELECT ON customers FROM regress_crm_user;
GRANT SELECT (id, status, updated_at, mood, "row") ON customers TO regress_crm_user;
SET ROLE regress_crm_user;
SELECT outcome, (detail->'current') - 'updated_at' AS current, detail->'conflicts' AS conflicts
FROM crm_update_customer(1, '2001-01-01', NULL, NULL, 'ana', fields => '{"mood": "sad", "row": "(you,sad,)"}');
RESET ROLE;
SELECT n, author, fields FROM regress.history(1) WHERE n > 3;
SELECT mood, domain, "Array", "row", nested FROM customers;

-- without the cast all is as before
SET ROLE regress_crm_planter;
DROP CAST (mood AS json);
RESET ROLE;
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"mood": "glad", "domain": "glad"}');
UPDATE customers SET mood = 'sad' WHERE id = 1;
DELETE FROM customers WHERE id = 1;
SELECT n, operation, fields FROM regress.history(1) WHERE n > 5;
SELECT * FROM regress.violations();
RESET TimeZone;
DROP SCHEMA casts_to_json CASCADE;
DROP ROLE regress_crm_planter;
DROP ROLE regress_crm_user;

-- Customers have columns of their own, of any name and type: the history and the detail show them.
CREATE SCHEMA columns;
SET search_path = columns, public;
SELECT crm_create_tables();

CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE DOMAIN document AS json;
CREATE TYPE address AS (street text, city text);
ALTER TABLE customers
    ADD c text,
    ADD r text,
    ADD tags text[],
    ADD mood mood,
    ADD address address,
    ADD document document,
    ADD settings jsonb,
    ADD photo bytea,
    ADD met_at timestamptz,
    ADD rating numeric,
    ADD ref regclass,
    ADD shouted text GENERATED ALWAYS AS (upper(name)) STORED,
    ADD "odd "" name" text;

INSERT INTO customers (id, name, c, r, tags, mood, address, document, settings, photo, met_at, rating, ref, "odd "" name", updated_at)
VALUES (1, 'Acme', '"hello"', 'r', '{a,b}', 'calm', ROW ('Main St', 'Berlin'), '{"b": 1, "a": "\u0000"}', '{"x": [1]}', '\x00ff',
        '2026-01-05 10:00:00.5+02', 'NaN', 'columns.comments', 'odd', '2026-01-05 10:00:00.123+00');

-- whatever the session's settings are
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET bytea_output = 'escape';
UPDATE customers SET mood = 'angry', tags = NULL, met_at = 'infinity', rating = 1.50, photo = '\x01', c = 'bye', document = '1e400000',
                     ref = 'public.crm_attached_tables'
WHERE id = 1;
RESET bytea_output; RESET DateStyle; RESET TimeZone;

SELECT h.n, h.operation, f.key, f.value
FROM (SELECT row_number() OVER (ORDER BY version) AS n, * FROM customer_history) h, jsonb_each(h.fields) f
ORDER BY h.n, f.key;

-- a refused save shows the row, also when a column has the name of an alias
SELECT outcome, key, value
FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana'), jsonb_each(detail->'current')
WHERE key <> 'updated_at' ORDER BY key;

-- a value that is too large for jsonb is recorded by its size; one that did not change is not
INSERT INTO customers (id, name, photo) SELECT 2, 'Large', string_agg(sha512(i::text::bytea), '') FROM generate_series(1, 280000) i;
UPDATE customers SET name = 'Larger' WHERE id = 2;
SELECT operation, fields FROM customer_history WHERE customer_id = 2 ORDER BY version;

-- dropping and adding columns
ALTER TABLE customers DROP tags, ADD tags integer;
UPDATE customers SET tags = 3 WHERE id = 1;
SELECT fields FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;
DELETE FROM customers WHERE id = 1;
SELECT fields - 'document' - 'settings' FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;

-- Saves of one set of columns after the other, more than plans are kept for, and each again; then the columns and their types
-- become others, and mean what they mean then.
CREATE SCHEMA many_sets;
SET search_path = many_sets, public;
SELECT crm_create_tables();
CREATE DOMAIN level AS integer;
CREATE TYPE kind AS ENUM ('small', 'large');
ALTER TABLE customers ADD a text, ADD b numeric, ADD c level, ADD d kind, ADD e date;
INSERT INTO customers (id, name) VALUES (1, 'Acme');
CREATE FUNCTION save(asked jsonb, OUT outcome text, OUT stored jsonb) LANGUAGE plpgsql AS $$
BEGIN
    SELECT u.outcome INTO outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), NULL, NULL, 'ana', fields => asked) u;
    SELECT jsonb_object_agg(key, value) INTO stored FROM customers, jsonb_each(to_jsonb(customers)) WHERE asked ? key;
END $$;
SELECT count(*) FILTER (WHERE s.outcome = 'updated') AS updated, count(*) FILTER (WHERE s.stored = sets.asked) AS stored, count(*)
FROM generate_series(1, 2) round, generate_series(1, 31) n,
     LATERAL (SELECT jsonb_object_agg(key, value) AS asked
              FROM jsonb_each(jsonb_build_object('a', 'x' || round * n, 'b', round * n, 'c', round * n, 'd', CASE (round + n) % 2 WHEN 0 THEN 'small' ELSE 'large' END, 'e', to_char(date '2026-01-01' + round * n, 'YYYY-MM-DD')))
              WHERE n >> (ascii(key) - 97) & 1 = 1) sets,
     LATERAL save(sets.asked) s;
SELECT * FROM save('{"a": "1.50", "b": 1.50}');
ALTER TABLE customers ALTER a TYPE numeric USING 0, ALTER b TYPE text;
SELECT * FROM save('{"a": "1.50", "b": 1.50}');
ALTER DOMAIN level ADD CHECK (VALUE < 100) NOT VALID;
SELECT * FROM regress.error($$SELECT save('{"c": 100}')$$);
ALTER TYPE kind RENAME VALUE 'small' TO 'tiny';
ALTER TYPE kind ADD VALUE 'huge';
SELECT * FROM save('{"d": "tiny"}');
SELECT * FROM save('{"d": "huge"}');
ALTER TABLE customers RENAME a TO z;
ALTER TABLE customers RENAME b TO a;
SELECT * FROM save('{"a": 1.50, "z": "2.50"}');
ALTER TYPE kind RENAME TO sort;
CREATE DOMAIN kind AS text;
SELECT * FROM save('{"d": "tiny"}');
ALTER TABLE customers ALTER d TYPE kind;
SELECT * FROM save('{"d": "whatever"}');

-- Values are equal as their types have it: numbers within JSON, too, whatever their scale; json as what it means.
CREATE SCHEMA fields_equal;
SET search_path = fields_equal, public;
SELECT crm_create_tables();
ALTER TABLE customers ADD terms jsonb, ADD kept_terms jsonb DEFAULT '{"rate": 4.50}', ADD raw json, ADD rates numeric[], ADD amount numeric;
INSERT INTO customers (id, name, updated_at, terms, raw, rates, amount)
VALUES (1, 'Acme', '2026-01-05 10:00:00.123+00', '{"rate": 2.50, "steps": [1.0, {"until": 10.00}]}', '{"b": 1.0, "a": [ ]}', '{1.50,2}', 1.10);
SELECT asked, outcome FROM (VALUES (jsonb '{"terms": {"rate": 2.5, "steps": [1, {"until": 10}]}}'), ('{"raw": {"a": [], "b": 1}}'), ('{"rates": [1.5, 2.00]}'), ('{"amount": 1.1}')) a (asked),
    crm_update_customer(1, '2026-01-05 10:00:00.123+00', NULL, NULL, 'ana', fields => asked);
-- what others wrote in another scale is no change to collide with
UPDATE customers SET terms = '{"rate": 2.5, "steps": [1, {"until": 10}]}', amount = 1.1, rates = '{1.5,2.0}', updated_at = '2026-01-06 10:00:00.456+00' WHERE id = 1;
SELECT outcome, detail -> 'conflicts' AS conflicts FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', NULL, NULL, 'ana', true,
    fields => '{"terms": {"rate": 3.0}, "amount": 2.0, "rates": [9]}');
SELECT terms, amount, rates FROM customers;
SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', NULL, NULL, 'ben', true, fields => '{"terms": {"rate": 4}}');

-- what was recorded of a column before it became json is no text
SELECT updated_at AS base FROM customers \gset
UPDATE customers SET kept_terms = '{"rate": 5}';
ALTER TABLE customers ALTER kept_terms TYPE json;
SELECT outcome, detail #> '{conflicts,0,was}' AS was FROM crm_update_customer(1, :'base', NULL, NULL, 'ben', true, fields => '{"kept_terms": {"rate": 6}}');

-- A request that was applied is answered when it comes again, though its column was dropped or renamed since.
SELECT updated_at AS base FROM customers \gset
SELECT outcome FROM crm_update_customer(1, :'base', 'won', 'Once', 'ana', fields => '{"phone": "1", "amount": 3.50, "terms": {"x": 1.0}, "email": null}');
ALTER TABLE customers DROP phone, DROP amount, DROP email;
ALTER TABLE customers RENAME terms TO conditions;
SELECT outcome FROM crm_update_customer(1, :'base', 'won', 'Once', 'ana', fields => '{"phone": "1", "amount": 3.50, "terms": {"x": 1.0}, "email": null}');
SELECT outcome FROM crm_update_customer(1, :'base', 'won', 'Once', 'ana', true, fields => '{"phone": "1", "amount": 3.5, "terms": {"x": 1}, "email": null}');
SELECT * FROM regress.error(format('SELECT crm_update_customer(1, %L, %L, %L, %L, fields => %L)', :'base', 'won', 'Once', 'ana', '{"phone": "2", "amount": 3.50, "terms": {"x": 1.0}, "email": null}'));
SELECT state FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'won', NULL, 'ana', fields => '{"phone": "1"}')$$);
SELECT state FROM regress.error($$SELECT crm_update_customer(2, '2026-01-05', 'won', NULL, 'ana', fields => '{"phone": "1"}')$$);
DELETE FROM customers WHERE id = 1;
SELECT outcome FROM crm_update_customer(1, :'base', 'won', 'Once', 'ana', fields => '{"phone": "1", "amount": 3.50, "terms": {"x": 1.0}, "email": null}');
SELECT state FROM regress.error($$SELECT crm_update_customer(1, '2026-01-05', 'won', NULL, 'ana', fields => '{"phone": "1"}')$$);
DROP SCHEMA fields_equal CASCADE;
