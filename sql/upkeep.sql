-- What owners remove: the personal data of a customer, and the old ends of the history.

-- crm_erase_customer: what is personal goes, the chain stays.
SET client_min_messages = warning;
CREATE SCHEMA erase;
SET search_path = erase, public;
SELECT crm_create_tables();
CREATE TABLE owners (id int PRIMARY KEY);
INSERT INTO owners VALUES (1);
CREATE DOMAIN phone_number AS text NOT NULL;
ALTER TABLE customers ADD COLUMN title text NOT NULL DEFAULT 'Ms', ADD COLUMN extra jsonb NOT NULL DEFAULT '{"a": 1}', ADD COLUMN born date,
    ADD COLUMN owner_id int REFERENCES owners, ADD COLUMN score int NOT NULL DEFAULT 7, ADD COLUMN mobile phone_number DEFAULT '0',
    ADD COLUMN tags text[], ADD COLUMN upper_name text GENERATED ALWAYS AS (upper(name)) STORED;
INSERT INTO customers (id, name, email, phone, born, owner_id, mobile, tags) VALUES (1, 'Ada Secret', 'ada@secret.example', '555 Secret', '1990-01-01', 1, 'Secret 1', '{Secret}'), (2, 'Other', NULL, NULL, NULL, 1, '2', NULL);
SELECT regress.current(1) AS base \gset
SELECT outcome, comment_id AS first FROM crm_update_customer(1, :'base', 'won', 'Secret said', 'ana', fields => '{"phone": "556 Secret"}') \gset
SELECT outcome FROM crm_update_customer(1, :'base', 'x', 'Secret refused', 'ben', reply_to => :first);
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'open', 'Stays', 'ana', fields => '{"phone": "2"}');

SELECT crm_erase_customer(1);
SELECT id, name, phone, email, status, title, extra, born IS NULL AS born_gone, owner_id, score, mobile, tags, upper_name FROM customers ORDER BY id;
SELECT author, body, reply_to IS NOT NULL AS is_reply, save_refused, refused_request FROM comments ORDER BY id;
SELECT n, previous, operation, author, status_from, status_to, fields, comment_id, request FROM regress.history(1);
SELECT count(*) AS secrets FROM (SELECT c::text FROM customers c UNION ALL SELECT c::text FROM comments c UNION ALL SELECT h::text FROM customer_history h) s (row) WHERE row LIKE '%Secret%' OR row LIKE '%secret%';
SELECT * FROM crm_verify();
SELECT crm_get_customer(1, :'base')->'customer'->>'name' AS name_then, crm_get_customer(1, :'base')->'customer'->>'status' AS status_then;
-- nothing personal comes back by a merge from before
SELECT outcome FROM crm_update_customer(1, regress.version(1, 2), NULL, NULL, 'ana', merge => true, fields => '{"phone": "556 Secret"}');
-- again, and work goes on
SELECT crm_erase_customer(1) - 'blanked' - 'kept';
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'closed', 'Goodbye', 'ana');
SELECT state FROM regress.error($$UPDATE comments SET body = 'x'$$);
-- a table with nothing to blank: the erasure is recorded all the same
CREATE TABLE bare (id bigint PRIMARY KEY, status text NOT NULL);
INSERT INTO bare VALUES (1, 'new');
SELECT crm_detach('customers'), crm_attach('bare', comments => 'bare_comments', history => 'bare_history', locks => 'bare_locks');
SELECT crm_add_comment(1, 'Private', 'ana') IS NOT NULL AS added;
SELECT updated_at AS before FROM bare \gset
SELECT crm_erase_customer(1);
SELECT updated_at > :'before' AS new_version FROM bare;
SELECT operation, status_from, status_to, fields FROM bare_history ORDER BY version;
SELECT body FROM bare_comments;
SELECT * FROM crm_verify();
SELECT crm_detach('bare'), crm_attach('customers');
-- one that was deleted
DELETE FROM customers WHERE id = 2;
SELECT crm_erase_customer(2);
SELECT fields, request FROM regress.history(2);
-- what is told does not come from a description of the table that another has taken the place of in the meantime
CREATE TABLE decoy (LIKE customers);
DO $$ DECLARE a name; BEGIN
    FOR a IN SELECT attname FROM pg_attribute WHERE attrelid = 'decoy'::regclass AND attnum > 0 LOOP
        EXECUTE format('ALTER TABLE decoy RENAME %I TO %I', a, 'decoy_' || a);
    END LOOP;
END $$;
CREATE FUNCTION forget_description() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    GRANT SELECT ON customers, decoy TO PUBLIC;
    PERFORM FROM decoy;
    RETURN NEW;
END $$;
CREATE TRIGGER a_forget BEFORE UPDATE ON comments FOR EACH ROW EXECUTE FUNCTION forget_description();
BEGIN;
INSERT INTO customers (id, name) VALUES (90, 'Acme');
INSERT INTO comments (customer_id, author, body) VALUES (90, 'ana', 'words');
SELECT crm_erase_customer(90);
ROLLBACK;
DROP TRIGGER a_forget ON comments;
-- what a constraint forbids: PostgreSQL's error, and nothing is changed
INSERT INTO customers (id, name, mobile) VALUES (3, 'Secret', '3');
ALTER TABLE customers ADD CONSTRAINT has_name CHECK (id < 3 OR name IS NOT NULL);
SELECT state, message FROM regress.error('SELECT crm_erase_customer(3)');
SELECT name FROM customers WHERE id = 3;
-- bad input and rights
SELECT regress.state('SELECT crm_erase_customer(NULL)'), regress.state('SELECT crm_erase_customer(99)');
BEGIN READ ONLY;
SELECT regress.state('SELECT crm_erase_customer(1)');
ROLLBACK;
CREATE ROLE regress_crm_erase;
GRANT USAGE, CREATE ON SCHEMA erase TO regress_crm_erase;
GRANT ALL ON customers, comments, customer_history TO regress_crm_erase;
SET ROLE regress_crm_erase;
SELECT state, message FROM regress.error('SELECT crm_erase_customer(1)');
RESET ROLE;
-- an owner under row security would blank the history of a customer and leave the row
ALTER TABLE customers OWNER TO regress_crm_erase;
ALTER TABLE comments OWNER TO regress_crm_erase;
ALTER TABLE comment_edits OWNER TO regress_crm_erase;
ALTER TABLE customer_history OWNER TO regress_crm_erase;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET ROLE regress_crm_erase;
SELECT * FROM regress.error('SELECT crm_erase_customer(1)');
RESET ROLE;
ALTER TABLE customers NO FORCE ROW LEVEL SECURITY;
SET ROLE regress_crm_erase;
SELECT crm_erase_customer(1) IS NOT NULL AS erased;
-- what its owner has put off till the end of the transaction runs then, in the owner's own session
CREATE FUNCTION erase.at_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING '% of % at the end', tg_op, tg_table_name; RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER at_end AFTER INSERT OR UPDATE ON customer_history DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION at_end();
BEGIN;
SELECT crm_erase_customer(1) IS NOT NULL AS erased;
COMMIT;
DROP TRIGGER at_end ON customer_history;
ALTER TABLE customer_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT regress.state($$SELECT crm_prune_history('1 day')$$), regress.state($$SELECT crm_import_comments(1, 'words')$$);
RESET ROLE;
DROP SCHEMA erase CASCADE;
DROP ROLE regress_crm_erase;

-- crm_prune_history: the history is cut at its old ends.
CREATE SCHEMA prune;
SET search_path = prune, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name, updated_at) SELECT i, 'Acme', '2020-01-01 00:00:00+00' FROM generate_series(1, 4) i;
UPDATE customers SET phone = 1, updated_at = '2020-02-01 00:00:00+00';
SELECT outcome, comment_id AS old_comment FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'An old comment', 'ana') \gset
DELETE FROM customers WHERE id = 4;
-- what was recorded long ago
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE customer_history SET recorded_at = version WHERE version < '2021-01-01';
UPDATE customer_history SET version = '2020-03-01 00:00:00+00', recorded_at = '2020-03-01 00:00:00+00' WHERE customer_id = 1 AND author = 'ana';
UPDATE customers SET updated_at = '2020-03-01 00:00:00+00' WHERE id = 1;
COMMIT;
UPDATE customers SET phone = 2 WHERE id IN (1, 2);
SELECT * FROM regress.violations();
SELECT customer_id, count(*) FROM customer_history GROUP BY 1 ORDER BY 1;

-- nothing that is young, and never the last change
SELECT crm_prune_history('100 years');
SELECT crm_prune_history('1 year', 2);
SELECT customer_id, count(*), bool_or(earlier_pruned) AS says_so FROM customer_history GROUP BY 1 ORDER BY 1;
SELECT customer, problem FROM crm_verify();
SELECT crm_prune_history('1 year', 2), crm_prune_history('1 year', 2), crm_prune_history('1 year', 2), crm_prune_history('1 year', 2);
SELECT customer_id, operation, previous IS NOT NULL AS has_previous, earlier_pruned FROM customer_history ORDER BY customer_id, version;
SELECT crm_prune_history('0');
SELECT * FROM crm_verify();
-- a base older than what is kept is told so, and cannot be merged
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2020-01-01 00:00:00+00', 'x', NULL, 'ben');
SELECT outcome, detail->'expected_ts_problem'->>'code' AS problem FROM crm_update_customer(1, '2020-02-01 00:00:00+00', NULL, NULL, 'ben', merge => true, fields => '{"email": "x"}');
SELECT outcome FROM crm_update_customer(4, '2020-01-01 00:00:00+00', 'x', NULL, 'ben');
-- a late retry of the old save is a conflict that stores no comment twice
SELECT outcome, comment_id = :old_comment AS same FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'An old comment', 'ana');
SELECT outcome, comment_id = :old_comment AS same FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'Another', 'ana');
SELECT outcome, comment_id = :old_comment AS same FROM crm_update_customer(1, '2020-02-01 00:00:00+00', 'old', 'An old comment', 'ben');
SELECT author, body, save_refused FROM comments WHERE customer_id = 1 ORDER BY id;
-- saves go on
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'on', 'Goes on', 'ana');
SELECT * FROM crm_verify();

-- bad input and rights
SELECT state, message FROM regress.error('SELECT crm_prune_history(NULL)');
SELECT * FROM regress.error($$SELECT crm_prune_history('-1 day')$$);
SELECT state, message FROM regress.error($$SELECT crm_prune_history('1 day', 0)$$);
SELECT state, message FROM regress.error($$SELECT crm_prune_history('1 day', NULL)$$);
BEGIN READ ONLY;
SELECT regress.state($$SELECT crm_prune_history('1 day')$$);
ROLLBACK;
CREATE ROLE regress_crm_prune;
GRANT USAGE ON SCHEMA prune TO regress_crm_prune;
GRANT ALL ON customers, comments, customer_history TO regress_crm_prune;
SET ROLE regress_crm_prune;
SELECT state, message FROM regress.error($$SELECT crm_prune_history('1 day')$$);
RESET ROLE;
DROP SCHEMA prune CASCADE;
DROP ROLE regress_crm_prune;
