-- Change events: one for each version, comment and adoption, in the transaction that makes the change.
SET client_min_messages = warning;
CREATE SCHEMA events;
SET search_path = events, public;
SELECT crm_create_tables();
SELECT 'created' FROM pg_create_logical_replication_slot('regress_crm_events', 'test_decoding', temporary => true);
-- The events since the last call: times are v1, v2, ... of the customer they are of.
CREATE FUNCTION seen() RETURNS TABLE (transactional text, prefix text, event jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    change text;
    head record;
BEGIN
    FOR change IN SELECT data FROM pg_logical_slot_get_changes('regress_crm_events', NULL, NULL) LOOP
        CONTINUE WHEN change !~ '^message: ';
        transactional := substring(change FROM 'transactional: (\d)');
        prefix := substring(change FROM 'prefix: ([^,]*),');
        event := substring(change FROM 'content:(.*)$');
        FOR head IN SELECT version, row_number() OVER (ORDER BY version) AS n FROM customer_history WHERE customer_id::text = event->>'key'
        LOOP
            IF (event->>'version')::timestamptz = head.version THEN
                event := jsonb_set(event, '{version}', to_jsonb('v' || head.n));
            END IF;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$;

-- off: none
INSERT INTO customers (id) VALUES (1);
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'quiet', 'Nobody hears', 'ana');
SELECT count(*) FROM seen();

SET crm_concurrency.events = logical;
INSERT INTO customers (id) VALUES (2), (3);
SELECT * FROM seen();
-- a save, its comment first; a refused one that keeps its comment, once, and the save that adopts it
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'won', 'Signed', 'ana');
SELECT event FROM seen();
SELECT regress.current(2) AS base \gset
SELECT outcome FROM crm_update_customer(2, '2001-01-01', 'lost', 'Kept', 'ben');
SELECT outcome FROM crm_update_customer(2, '2001-01-01', 'lost', 'Kept', 'ben');
SELECT event FROM seen();
SELECT outcome FROM crm_update_customer(2, :'base', 'lost', 'Kept', 'ben');
SELECT event FROM seen();
SELECT outcome FROM crm_update_customer(2, :'base', 'lost', 'Kept', 'ben');
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'lost', NULL, 'ben');
SELECT count(*) AS of_replayed_and_unchanged FROM seen();
-- plain writes: many rows, a bare comment, one with a version, a delete
UPDATE customers SET phone = '1';
SELECT event FROM seen() ORDER BY event->>'key';
INSERT INTO comments (customer_id, author, body) VALUES (2, 'ana', 'bare');
INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ana', 'with a version', regress.current(2));
SELECT event FROM seen();
DELETE FROM customers WHERE id = 3;
SELECT event FROM seen();
-- edit locks: taken, renewed, released, ended by force; not where nothing is done
SELECT outcome, lock_id AS lock_id FROM crm_lock_customer(2, 'ana') \gset
SELECT outcome FROM crm_lock_customer(2, 'ana', lock_id => :'lock_id');
SELECT outcome FROM crm_lock_customer(2, 'ben');
SELECT event FROM seen();
SELECT crm_unlock_customer(2, '00000000-0000-4000-8000-000000000000'), crm_unlock_customer(2, :'lock_id'), crm_unlock_customer(2, :'lock_id');
SELECT event FROM seen();
SELECT outcome FROM crm_lock_record('customers', '2', 'ana');
SELECT crm_unlock_customer(2, NULL, force => true, author => 'cem'), crm_unlock_customer(2, NULL, force => true, author => 'cem');
SELECT event FROM seen();
-- what is rolled back is not sent
BEGIN;
UPDATE customers SET phone = '2' WHERE id = 1;
SAVEPOINT s;
UPDATE customers SET phone = '3' WHERE id = 2;
ROLLBACK TO s;
COMMIT;
BEGIN;
UPDATE customers SET phone = '4';
ROLLBACK;
SELECT event->>'key' AS key FROM seen();
-- names and keys of any kind
CREATE SCHEMA "Events ""2""";
CREATE TABLE "Events ""2"""."A.b" (id text PRIMARY KEY, status text, updated_at timestamptz(3) NOT NULL);
SELECT crm_attach('"Events ""2"""."A.b"');
INSERT INTO "Events ""2"""."A.b" VALUES (E'k "1"\n\u00e9', 'new');
SELECT event - 'version' AS event FROM seen();

-- notify: the same to who listens; a key that is too long for it is left out
SET crm_concurrency.events = notify;
LISTEN crm_concurrency;
BEGIN;
INSERT INTO customers (id) VALUES (5);
SELECT outcome FROM crm_update_customer(5, regress.current(5), 'heard', 'Hello', 'ana');
ROLLBACK;
UNLISTEN *;
BEGIN;
INSERT INTO "Events ""2"""."A.b" VALUES (repeat('k', 20000), 'new');
ROLLBACK;
SELECT count(*) FROM seen();

-- the setting is the administrator's
CREATE ROLE regress_crm_events;
SET ROLE regress_crm_events;
SELECT state, message FROM regress.error('SET crm_concurrency.events = off');
RESET ROLE;
DROP ROLE regress_crm_events;
SELECT regress.state('SET crm_concurrency.events = maybe');
-- from a database's default, in a session that has not loaded the library yet
SELECT current_database() AS db \gset
ALTER DATABASE :"db" SET crm_concurrency.events = 'logical';
SELECT 1 AS made FROM pg_create_logical_replication_slot('regress_crm_new_session', 'test_decoding');
\c -
SET search_path = events, public;
SET quote_all_identifiers = on;
INSERT INTO comments (customer_id, author, body) VALUES (2, 'ana', 'in a new session');
SHOW crm_concurrency.events;
SELECT regexp_replace(substring(data FROM 'content:(.*)'), '("comment_id": )\d+', '\1…') AS event
FROM pg_logical_slot_get_changes('regress_crm_new_session', NULL, NULL) WHERE data LIKE 'message:%';
SELECT pg_drop_replication_slot('regress_crm_new_session');
ALTER DATABASE :"db" RESET crm_concurrency.events;
\c -
SET client_min_messages = warning;
DROP SCHEMA events, "Events ""2""" CASCADE;
