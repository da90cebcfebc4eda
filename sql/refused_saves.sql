-- Refused saves are kept whole where that is set: status and fields, once, until they are saved, resolved or discarded.
SET client_min_messages = warning;
CREATE SCHEMA refused;
SET search_path = refused, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name, phone) SELECT i, 'Acme', '1' FROM generate_series(1, 9) i;
CREATE FUNCTION waiting(OUT refused_id bigint, OUT key text, OUT author text, OUT times bigint, OUT status text, OUT fields jsonb, OUT comment boolean,
    OUT conflicts jsonb) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT refused_id, key, author, times, status, fields, comment_id IS NOT NULL, conflicts FROM crm_refused_saves() ORDER BY refused_id $$;
SELECT regress.current(1) AS base \gset
SELECT outcome FROM crm_update_customer(1, :'base', 'lead', NULL, 'ben', fields => '{"phone": "2"}');

-- the comment alone is kept where nothing is set
SELECT outcome, detail ? 'refused_id' AS kept FROM crm_update_customer(1, :'base', 'won', 'Signed', 'ana', fields => '{"phone": "3", "name": "Acme AG"}');
SELECT * FROM waiting();

-- all of it, once however often it is repeated
SET crm_concurrency.keep_refused = 'all';
SELECT outcome, detail -> 'refused_id' AS refused_id, comment_id IS NOT NULL AS comment FROM crm_update_customer(1, :'base', 'won', 'Signed', 'ana', fields => '{"phone": "3", "name": "Acme AG"}');
SELECT outcome, detail -> 'refused_id' AS refused_id FROM crm_update_customer(1, :'base', 'won', 'Signed', 'ana', fields => '{"name": "Acme AG", "phone": "3"}');
SELECT outcome, detail -> 'refused_id' AS refused_id FROM crm_update_customer(1, :'base', NULL, NULL, 'cem', fields => '{"phone": "4"}');
SELECT * FROM waiting();
-- not of what asks for nothing but a comment, nor of what is raised, nor of customers that are gone or nobody knows
SELECT outcome, detail ? 'refused_id' AS kept FROM crm_update_customer(1, :'base', NULL, 'A comment', 'cem');
SELECT outcome, detail FROM crm_update_customer(77, :'base', 'won', NULL, 'cem');
SET crm_concurrency.on_conflict = raise;
\set VERBOSITY terse
SELECT crm_update_customer(1, :'base', 'raised', NULL, 'cem');
\set VERBOSITY default
RESET crm_concurrency.on_conflict;
SELECT count(*) FROM waiting();
-- the refusal of an edit lock, and of a call that makes all or none
SELECT outcome FROM crm_lock_customer(2, 'ben');
SELECT outcome, detail -> 'refused_id' AS refused_id FROM crm_update_customer(2, regress.current(2), 'won', NULL, 'ana');
SELECT ord, outcome, detail -> 'refused_id' AS refused_id FROM crm_update_records(jsonb_build_array(
    jsonb_build_object('id', 3, 'expected_ts', regress.current(3), 'status', 'won', 'author', 'ana'),
    jsonb_build_object('id', 2, 'operation', 'delete', 'expected_ts', regress.current(2), 'author', 'ana')), true);
SELECT refused_id, key, author, status FROM waiting() WHERE key <> '1';
SELECT refused_id FROM crm_refused_saves('cem');
SELECT refused_id FROM crm_refused_saves(id => 3);
SELECT refused_id FROM crm_refused_saves('ana', 1);

-- an accepted save of the same author that includes it ends it; another does not
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'won', NULL, 'ben');
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'lead', NULL, 'ana');
SELECT count(*) FROM crm_refused_saves(id => 3);
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'won', 'More', 'ana', fields => '{"phone": "9"}');
SELECT count(*) FROM crm_refused_saves(id => 3);
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'cem', fields => '{"phone": "5"}');
SELECT refused_id, fields FROM crm_refused_saves('cem');
-- what arrives late stays ended; asked again by who has seen a later version, it waits again
SELECT regress.current(4) AS base4 \gset
SELECT outcome FROM crm_update_customer(4, :'base4', 'lead', NULL, 'ben');
SELECT outcome, detail -> 'refused_id' AS refused_id FROM crm_update_customer(4, :'base4', 'won', NULL, 'ana') \gset first_
SELECT crm_discard_refused(:first_refused_id) AS discarded, crm_discard_refused(:first_refused_id) AS again, crm_discard_refused(12345) AS nobodys;
SELECT outcome, detail -> 'refused_id' = :'first_refused_id' AS same FROM crm_update_customer(4, :'base4', 'won', NULL, 'ana');
SELECT count(*) FROM crm_refused_saves(id => 4);
SELECT regress.current(4) AS later4 \gset
SELECT outcome FROM crm_update_customer(4, :'later4', 'lost', NULL, 'ben');
SELECT outcome, detail -> 'refused_id' = :'first_refused_id' AS same FROM crm_update_customer(4, :'later4', 'won', NULL, 'ana');
SELECT times, based_on = :'later4' AS later FROM crm_refused_saves(id => 4);

-- the choice is saved from the version that the chooser saw, in the name of whose save it was, and ends it
SELECT refused_id AS of_ana FROM crm_refused_saves('ana', 1) \gset
SELECT outcome, http_status, message FROM crm_resolve_refused(:of_ana, :'base', '{"status": "mine", "phone": "theirs", "name": "mine"}');
SELECT refused_id = :of_ana AS waits FROM crm_refused_saves('ana', 1);
SELECT regress.current(1) AS seen \gset
SELECT outcome, status, message FROM crm_resolve_refused(:of_ana, :'seen', '{"status": "mine", "phone": "theirs", "name": "mine"}', 'Decided');
SELECT status, phone, name FROM customers WHERE id = 1;
SELECT author, status_to, fields FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;
SELECT outcome, message FROM crm_resolve_refused(:of_ana, :'seen', '{"status": "mine", "phone": "theirs", "name": "mine"}', 'Decided');
SELECT outcome, http_status, message FROM crm_resolve_refused(:of_ana, regress.current(1), '{"status": "mine", "phone": "mine", "name": "mine"}');
SELECT outcome, http_status, message FROM crm_resolve_refused(12345, regress.current(1), '{}');
SELECT count(*) FROM crm_refused_saves('ana', 1);
-- all of theirs: nothing is saved, and it has ended; by somebody else, who says so
SELECT refused_id AS of_cem FROM crm_refused_saves('cem', 1) \gset
SELECT outcome, message FROM crm_resolve_refused(:of_cem, regress.current(1), '{"phone": "theirs"}', author => 'dan');
SELECT count(*) FROM crm_refused_saves('cem');
-- what is no choice
SELECT refused_id AS of_four FROM crm_refused_saves(id => 4) \gset
SELECT crm_resolve_refused(:of_four, regress.current(4), '{}');
SELECT crm_resolve_refused(:of_four, regress.current(4), '[]');
SELECT crm_resolve_refused(:of_four, regress.current(4), '{"status": "ours"}');
SELECT crm_resolve_refused(:of_four, regress.current(4), '{"status": true}');
SELECT crm_resolve_refused(:of_four, regress.current(4), '{"status": "mine", "phone": "mine"}');
SELECT crm_resolve_refused(NULL, regress.current(4), '{"status": "mine"}');
SELECT crm_resolve_refused(:of_four, NULL, '{"status": "mine"}');
SELECT crm_resolve_refused(:of_four, regress.current(4), NULL);
SELECT crm_resolve_refused(:of_four, regress.current(4), '{"status": "mine"}', author => ' ');
SELECT crm_discard_refused(NULL);
-- the resolving save may be refused, and is not kept beside the one that waits
SELECT outcome, detail ? 'refused_id' AS kept FROM crm_resolve_refused(:of_four, :'base4', '{"status": "mine"}');
SELECT count(*) FROM crm_refused_saves(id => 4);

-- what conflicts most
SELECT * FROM crm_refused_counts();

-- rights: SELECT on the table, and of the fields only what the reader may read; where an identity is set, one's own
CREATE ROLE regress_refused;
GRANT USAGE ON SCHEMA refused TO regress_refused;
GRANT SELECT (id, status, updated_at, name), UPDATE (status, name) ON customers TO regress_refused;
GRANT SELECT, INSERT ON comments, customer_history, customer_locks TO regress_refused;
SELECT outcome FROM crm_update_customer(5, '2020-01-01', 'x', NULL, 'ana', fields => '{"phone": "secret", "name": "open"}');
SELECT refused_id AS of_five FROM crm_refused_saves(id => 5) \gset
SET ROLE regress_refused;
SELECT * FROM crm_refused_saves();
SELECT crm_resolve_refused(:of_five, now(), '{}');
SELECT crm_discard_refused(:of_five);
RESET ROLE;
GRANT SELECT (id) ON customer_refused_saves TO regress_refused;
SET ROLE regress_refused;
SELECT refused_id = :of_five AS it, status, fields FROM crm_refused_saves(id => 5);
SELECT outcome FROM crm_resolve_refused(:of_five, regress.current(5), '{"status": "mine", "name": "mine", "phone": "mine"}');
SELECT outcome FROM crm_resolve_refused(:of_five, '2020-01-01', '{"status": "mine", "name": "mine", "phone": "theirs"}');
RESET ROLE;
SET crm_concurrency.author_setting = 'app.login';
SET app.login = 'eve';
SET ROLE regress_refused;
SELECT crm_discard_refused(:of_five);
SELECT crm_resolve_refused(:of_five, regress.current(5), '{"status": "mine", "name": "mine", "phone": "theirs"}');
SET app.login = 'ana';
SELECT crm_discard_refused(:of_five);
RESET ROLE;
RESET crm_concurrency.author_setting;
-- row security of the customers hides what is kept of them
SELECT outcome FROM crm_update_customer(6, '2020-01-01', 'hidden', NULL, 'ana');
SELECT refused_id AS of_six FROM crm_refused_saves(id => 6) \gset
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_but_six ON customers TO regress_refused USING (id <> 6);
SET ROLE regress_refused;
SELECT key FROM crm_refused_saves() ORDER BY key;
SELECT crm_discard_refused(:of_six);
SELECT outcome FROM crm_resolve_refused(:of_six, now(), '{"status": "mine"}');
SELECT count(*) FROM crm_refused_counts();
RESET ROLE;
ALTER TABLE customers DISABLE ROW LEVEL SECURITY;

-- erasing, pruning and redacting reach it
SELECT crm_erase_customer(6) -> 'refused_saves' AS erased;
SELECT outcome, detail -> 'refused_id' AS refused_id FROM crm_update_customer(7, '2020-01-01', 'x', 'Said', 'ana');
SELECT c.id AS said, r.request AS digest FROM comments c JOIN customer_refused_saves r ON r.comment_id = c.id WHERE c.body = 'Said' \gset
SELECT crm_redact_comment(7, :said) -> 'refused_saves' AS redacted;
SELECT count(*) FROM customer_refused_saves WHERE request = :'digest';
SELECT count(*) > 0 AS some FROM customer_refused_saves;
SELECT crm_prune_history('0') > 0 AS pruned;
SELECT count(*) FROM customer_refused_saves;
SELECT count(*) FROM crm_verify();

-- those of one customer are looked up by the index
SELECT outcome FROM crm_update_customer(8, '2020-01-01', 'won', NULL, 'ana');
DISCARD PLANS;
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relid = 'customer_refused_saves'::regclass \gset before_
SELECT key FROM crm_refused_saves(id => 8);
SELECT seq_scan - :before_seq_scan AS of_table, idx_scan - :before_idx_scan AS of_index FROM pg_stat_xact_user_tables WHERE relid = 'customer_refused_saves'::regclass;
COMMIT;

-- what a call of all or nothing finds unchanged ends it, as it does alone; so also where another save of the call is refused
SELECT outcome, detail ? 'refused_id' AS kept FROM generate_series(8, 9) i, crm_update_customer(i, '2020-01-01', 'won', NULL, 'ana');
UPDATE customers SET status = 'won' WHERE id IN (8, 9);
SELECT ord, outcome FROM crm_update_records(jsonb_build_array(
    jsonb_build_object('id', 8, 'expected_ts', regress.current(8), 'status', 'won', 'author', 'ana')), true);
SELECT key FROM crm_refused_saves('ana');
SELECT ord, outcome FROM crm_update_records(jsonb_build_array(
    jsonb_build_object('id', 9, 'expected_ts', regress.current(9), 'status', 'won', 'author', 'ana'),
    jsonb_build_object('id', 8, 'expected_ts', '2020-01-01', 'operation', 'check')), true);
SELECT key FROM crm_refused_saves('ana');

-- any attached table; one of 1.0 keeps nothing
CREATE TABLE deals (code text PRIMARY KEY, stage text, amount numeric(12, 2));
SELECT crm_attach('deals', status_column => 'stage');
INSERT INTO deals VALUES ('D1', 'open', 1200);
SELECT outcome FROM crm_update_record('deals', 'D1', '2020-01-01', 'won', NULL, 'ana', fields => '{"amount": 1400}');
SELECT key, status, fields, conflicts FROM crm_refused_record_saves('deals', 'ana', 'D1');
SELECT refused_id FROM crm_refused_record_saves('deals') \gset
SELECT outcome, status FROM crm_resolve_refused_record('deals', :refused_id, (SELECT updated_at FROM deals), '{"stage": "mine", "amount": "mine"}');
SELECT stage, amount FROM deals;
SELECT kind, name, refused, waiting FROM crm_refused_record_counts('deals');
SELECT crm_discard_refused_record('deals', :refused_id);
DROP TABLE deals_refused_saves;
SELECT outcome, detail ? 'refused_id' AS kept FROM crm_update_record('deals', 'D1', '2020-01-01', 'lost', NULL, 'ana');
SELECT * FROM crm_refused_record_saves('deals');
DROP OWNED BY regress_refused;
DROP ROLE regress_refused;
DROP SCHEMA refused CASCADE;
