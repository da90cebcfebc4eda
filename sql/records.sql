-- Any table: several attached ones in a schema, with or without a status, and the functions that name one.
SET client_min_messages = warning;
CREATE SCHEMA records;
SET search_path = records, public;
SELECT crm_create_tables();
CREATE TABLE deals (id uuid PRIMARY KEY, title text, amount numeric, currency text, "Stage" text NOT NULL DEFAULT 'open');
CREATE TABLE tickets (number int PRIMARY KEY, subject text NOT NULL, open boolean NOT NULL DEFAULT true, changed timestamptz NOT NULL);
SELECT crm_attach('deals', 'Stage'), crm_attach('tickets', NULL, 'changed');
SELECT customers, comments, history, locks, is_customers FROM crm_attached_tables WHERE customers IN ('customers'::regclass, 'deals'::regclass, 'tickets'::regclass) ORDER BY customers::text;
SELECT tgrelid::regclass, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid IN ('deals'::regclass, 'tickets'::regclass) AND tgname = 'crm_key' ORDER BY 1;
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-05 10:00:00.123+00');
\set deal 00000000-0000-0000-0000-000000000001
INSERT INTO deals (id, title, amount, currency, updated_at) VALUES (:'deal', 'Pumps', 100, 'EUR', '2026-01-05 10:00:00.123+00');
INSERT INTO tickets (number, subject, changed) VALUES (7, 'Leak', '2026-01-05 10:00:00.123+00');

-- the functions that name no table find the customers, and never another
SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana');
SELECT outcome FROM crm_update_customer(7, '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana');

-- a save, its refusal, its repeat, its merge
\x on
SELECT outcome, http_status, status, comment_id, message, detail FROM crm_update_record('deals', :'deal', '2026-01-05 10:00:00.123+00', 'won', 'Signed', 'ana', fields => '{"amount": 120}');
SELECT outcome, http_status, status, comment_id, message FROM crm_update_record('deals', :'deal', '2026-01-05 10:00:00.123+00', 'lost', 'Too late', 'ben');
SELECT outcome, comment_id, message FROM crm_update_record('deals', :'deal', '2026-01-05 10:00:00.123+00', 'won', 'Signed', 'ana', fields => '{"amount": 120}');
SELECT outcome, status, message FROM crm_update_record('deals', :'deal', '2026-01-05 10:00:00.123+00', NULL, NULL, 'ben', true, fields => '{"title": "Two pumps"}');
SELECT outcome, http_status, status, comment_id, message FROM crm_update_record('tickets', '7', '2026-01-05 10:00:00.123+00', NULL, 'Plumber called', 'ana');
SELECT outcome, http_status, status, comment_id, message, regress_detail.detail - 'changes' - 'current' - 'comments' AS detail
FROM crm_update_record('tickets', '7', '2026-01-05 10:00:00.123+00', NULL, 'Mine too', 'ben', fields => '{"open": false}') regress_detail;
SELECT outcome, message FROM crm_update_record('tickets', '7', (SELECT changed FROM tickets), NULL, 'Mine too', 'ben', fields => '{"open": false}');
SELECT outcome, message FROM crm_update_record('tickets', '7', (SELECT changed FROM tickets), NULL, NULL, 'ben', fields => '{"open": false}');
SELECT outcome, message FROM crm_update_record('tickets', '8', '2026-01-05 10:00:00.123+00', NULL, 'x', 'ben');
\x off
SELECT operation, author, status_from, status_to, fields FROM deals_history ORDER BY version;
SELECT operation, author, status_from, status_to, fields FROM tickets_history ORDER BY version;
SELECT author, body, save_refused FROM tickets_comments ORDER BY id;

-- the same errors as of a customer
SELECT * FROM regress.error($$SELECT crm_update_record('tickets', '7', now(), 'won', NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_record('tickets', 'seven', now(), NULL, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_record(NULL, '7', now(), NULL, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_record('tickets', NULL, now(), NULL, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_record('tickets_history', '7', now(), NULL, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_update_record('pg_class', '7', now(), NULL, NULL, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_record('nowhere', '7', now(), NULL, NULL, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_record('tickets', '7', NULL, NULL, NULL, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_record('tickets', '7', now(), NULL, NULL, 'ana', fields => '{"changed": null}')$$);
SELECT state, message FROM regress.error($$SELECT crm_attach('tickets', NULL, 'changed', plain_updates => 'refuse')$$);
SELECT * FROM regress.error($$SELECT crm_attach('tickets', 'subject', 'changed')$$);
SELECT * FROM regress.error($$SELECT crm_attach('deals', NULL)$$);

-- reading, comments, locks
SELECT crm_get_record('tickets', '7') - 'comments' #- '{record,changed}' AS ticket, jsonb_array_length(crm_get_record('tickets', '7') -> 'comments') AS comments;
SELECT crm_get_record('tickets', '7', '2026-01-05 12:00+00') -> 'record' AS then, crm_get_record('deals', :'deal', '2026-01-05 12:00+00') -> 'record' AS deal_then;
SELECT kind, operation, author, fields, body FROM crm_record_timeline('tickets', '7') ORDER BY at;
SELECT crm_add_record_comment('deals', :'deal', 'Invoice sent', 'cem') > 0 AS added;
SELECT state, message FROM regress.error($$SELECT crm_add_record_comment('tickets', '8', 'x', 'cem')$$);
SELECT crm_export_record_comments('tickets', '7') ~ 'ana: Plumber called' AS exported;
SELECT crm_import_record_comments('tickets', '7', '[1/2/2020, 3:04:05 PM] dan: Old words') AS imported;
SELECT outcome, author, message FROM crm_lock_record('tickets', '7', 'ana');
SELECT outcome, message FROM crm_lock_record('tickets', '7', 'ben');
SELECT outcome, message FROM crm_update_record('tickets', '7', (SELECT changed FROM tickets), NULL, NULL, 'ben', fields => '{"subject": "Flood"}');
SELECT customers, key, author FROM crm_locks WHERE customers = 'tickets'::regclass;
SELECT crm_unlock_record('tickets', '7', (SELECT lock_id FROM tickets_locks)) AS unlocked;

-- many saves of several tables
SELECT ord, outcome, message FROM crm_update_customers(jsonb_build_array(
    jsonb_build_object('table', 'tickets', 'key', '7', 'expected_ts', (SELECT changed FROM tickets), 'author', 'ana', 'fields', '{"subject": "Big leak"}'::jsonb),
    jsonb_build_object('id', 1, 'expected_ts', regress.current(1), 'author', 'ana', 'status', 'lost'),
    jsonb_build_object('table', 'records.deals', 'key', :'deal', 'expected_ts', '2026-01-05 10:00:00.123+00', 'author', 'ana', 'status', 'open')));
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"table": "nowhere", "key": "7", "expected_ts": "2026-01-05", "author": "ana"}]')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"table": "tickets", "id": 7, "expected_ts": "2026-01-05", "author": "ana", "status": "x"}]')$$);

-- plain writes are guarded
UPDATE tickets SET subject = 'Plain';
SELECT * FROM regress.error('UPDATE tickets SET number = 8');
SELECT state, message FROM regress.error('UPDATE tickets_comments SET body = NULL');
INSERT INTO tickets_comments (customer_id, author, body, expected_ts) SELECT 7, 'eve', 'With a base', changed FROM tickets;
SELECT author, based_on IS NOT NULL AS saved FROM tickets_history ORDER BY version DESC LIMIT 1;

-- upkeep
SELECT * FROM crm_verify_record('tickets');
SELECT * FROM crm_verify_record('deals', :'deal');
SELECT crm_erase_record('deals', :'deal');
SELECT crm_erase_record('tickets', '7');
DELETE FROM tickets;
SELECT outcome FROM crm_update_record('tickets', '7', '2026-01-05 10:00:00.123+00', NULL, 'x', 'ana');
SELECT crm_prune_record_history('tickets', '0') > 0 AS pruned;
SELECT * FROM crm_verify_record('tickets');
SELECT check_name, status, finding FROM crm_doctor() WHERE status <> 'ok' AND finding LIKE '%records.%' AND check_name <> 'fillfactor';

-- the rights to one table give none to another
CREATE ROLE regress_crm_deals;
GRANT USAGE ON SCHEMA records TO regress_crm_deals;
GRANT SELECT, UPDATE ("Stage") ON deals TO regress_crm_deals;
SET ROLE regress_crm_deals;
SELECT outcome FROM crm_update_record('deals', :'deal', (SELECT updated_at FROM deals), 'again', NULL, 'dea');
SELECT * FROM regress.error($$SELECT crm_update_record('tickets', '7', now(), NULL, NULL, 'dea')$$);
SELECT regress.state($$SELECT crm_get_record('tickets', '7')$$) AS get, regress.state($$SELECT crm_update_customer(1, now(), NULL, NULL, 'dea')$$) AS save;
RESET ROLE;
-- of a table without a status, the right to any column saves
INSERT INTO tickets (number, subject, changed) VALUES (9, 'Odd', '2026-01-05 10:00:00.123+00');
SELECT changed AS base FROM tickets \gset
GRANT SELECT ON tickets TO regress_crm_deals;
SET ROLE regress_crm_deals;
SELECT * FROM regress.error(format('SELECT crm_update_record(%L, %L, %L, NULL, NULL, %L)', 'tickets', '9', :'base', 'dea'));
RESET ROLE;
GRANT UPDATE (open), SELECT ON tickets TO regress_crm_deals;
GRANT INSERT (customer_id, author, body) ON tickets_comments TO regress_crm_deals;
SET ROLE regress_crm_deals;
SELECT outcome FROM crm_update_record('tickets', '9', :'base', NULL, 'Words alone', 'dea');
SELECT state, hint FROM regress.error(format('SELECT crm_update_record(%L, %L, %L, NULL, NULL, %L, fields => %L)', 'tickets', '9', :'base', 'dea', '{"subject": "x"}'));
RESET ROLE;

-- another table becomes the customers table; and none is one
SELECT crm_attach('tickets', NULL, 'changed', as_customers => true);
SELECT outcome FROM crm_update_customer(9, (SELECT changed FROM tickets), NULL, 'As a customer', 'ana');
SELECT outcome FROM crm_update_record('customers', '1', regress.current(1), 'back', NULL, 'ana');
SELECT crm_detach('tickets');
SELECT state, message FROM regress.error($$SELECT crm_update_customer(9, now(), NULL, NULL, 'ana')$$);
SELECT finding, hint FROM crm_doctor() WHERE finding LIKE 'schema records %';
SELECT crm_attach('customers');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'and again', NULL, 'ana');
SELECT state, message FROM regress.error($$SELECT crm_create_tables('records')$$);
DROP SCHEMA records CASCADE;
DROP ROLE regress_crm_deals;
