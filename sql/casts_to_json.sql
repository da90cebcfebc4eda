-- Casts to json: one that somebody else than a superuser made is not called, whoever's rights it would run with.
SET client_min_messages = warning;
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
