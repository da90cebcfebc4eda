-- A CRM's own triggers keep every guarantee: those that set updated_at, write an audit, or touch the customer when a
-- comment comes.
SET client_min_messages = warning;
CREATE SCHEMA attach_triggers;
SET search_path = attach_triggers, public;
CREATE TABLE accounts (id uuid PRIMARY KEY, stage text NOT NULL, comment_count int NOT NULL DEFAULT 0, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE audit (account uuid, old_stage text, new_stage text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE FUNCTION touch_by_clock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$;
CREATE FUNCTION write_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO attach_triggers.audit VALUES (NEW.id, OLD.stage, NEW.stage); RETURN NULL; END $$;
CREATE FUNCTION count_comment() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE attach_triggers.accounts SET comment_count = comment_count + 1 WHERE id = NEW.customer_id; RETURN NULL; END $$;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER audit AFTER UPDATE OF stage ON accounts FOR EACH ROW EXECUTE FUNCTION write_audit();
INSERT INTO accounts (id, stage, updated_at) VALUES ('00000000-0000-0000-0000-000000000001', 'new', '2026-01-05 10:00:00.123456+00');
SELECT crm_attach('accounts', 'stage');
CREATE TRIGGER counter AFTER INSERT ON accounts_comments FOR EACH ROW EXECUTE FUNCTION count_comment();
SELECT '00000000-0000-0000-0000-000000000001' AS id \gset

-- a version of microseconds, as the CRM wrote it, sent back as a JavaScript Date keeps it
SELECT outcome, status FROM crm_update_customer_by_key(:'id', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana');
SELECT outcome, status FROM crm_update_customer_by_key(:'id', (SELECT updated_at FROM accounts), 'paid', 'Counted', 'ana');
SELECT stage, comment_count FROM accounts;
SELECT old_stage, new_stage FROM audit;
-- the counter touched the customer within the save: two versions, one chain, and the answer has the last
SELECT operation, author, status_from, status_to, fields FROM accounts_history ORDER BY version;
SELECT * FROM crm_verify();
SELECT outcome FROM crm_update_customer_by_key(:'id', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana');
SELECT outcome FROM crm_update_customer_by_key(:'id', '2026-01-05 10:00:00.123+00', 'x', 'Refused, and counted', 'ben');
SELECT crm_add_comment_by_key(:'id', 'Bare, and counted', 'ben') > 0 AS added;
SELECT outcome FROM crm_update_customer_by_key(:'id', (SELECT updated_at FROM accounts), 'next', 'And on', 'ana');
SELECT comment_count, (SELECT count(*) FROM accounts_comments) AS comments FROM accounts;
SELECT * FROM crm_verify();

-- an ORM that writes its own updated_at: kept where it is a legal successor, overruled where not
DROP TRIGGER set_updated_at ON accounts;
UPDATE accounts SET updated_at = '2999-01-01 00:00:00+00', stage = 'by the ORM' RETURNING updated_at AT TIME ZONE 'UTC' AS kept;
UPDATE accounts SET updated_at = '2020-01-01 00:00:00+00' RETURNING updated_at > '2999-01-01 00:00:00+00' AS overruled;
SELECT * FROM crm_verify();
-- every such trigger at once, and many plain writes
CREATE TRIGGER a_touch BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch_by_clock();
CREATE TRIGGER zz_a_touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO accounts (id, stage) SELECT ('00000000-0000-0000-0001-' || lpad(i::text, 12, '0'))::uuid, 'new' FROM generate_series(1, 100) i;
UPDATE accounts SET stage = 'bulk';
DO $$ BEGIN FOR i IN 1..20 LOOP UPDATE attach_triggers.accounts SET comment_count = i WHERE stage = 'bulk'; END LOOP; END $$;
DELETE FROM accounts WHERE comment_count < 10;
SELECT count(*) AS accounts, (SELECT count(*) FROM accounts_history) AS history FROM accounts;
SELECT * FROM crm_verify();
-- one that fires after ours, created later: what it does to the version is an error, and crm_doctor names it
CREATE TRIGGER zzz_touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();
SELECT * FROM regress.error($$UPDATE accounts SET stage = 'x'$$);
SELECT state, message FROM regress.error(format($$SELECT crm_update_customer_by_key(%L, (SELECT updated_at FROM accounts WHERE id = %L), 'x', 'y', 'ana')$$, :'id', :'id'));
SELECT check_name, status, finding FROM crm_doctor() WHERE check_name = 'other_triggers' AND finding LIKE '%attach_triggers%';
DROP TRIGGER zzz_touch ON accounts;
-- one that suppresses writes is told
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a_suppress BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT state, message FROM regress.error(format($$SELECT crm_update_customer_by_key(%L, (SELECT updated_at FROM accounts WHERE id = %L), 'x', 'y', 'ana')$$, :'id', :'id'));
SELECT * FROM crm_verify();
DROP SCHEMA attach_triggers CASCADE;
