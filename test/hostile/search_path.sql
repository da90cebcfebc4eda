-- Attacks by the search_path: somebody who may CREATE in public and make temporary objects makes look-alikes. With a search_path that puts them first, a superuser calls every function and writes plainly: no
-- look-alike runs, and the answers are those of a path without them.
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-05 10:00:00+00'), (2, 'Acme', '2026-01-05 10:00:00+00'), (3, 'Acme', '2026-01-05 10:00:00+00'), (4, 'Acme', '2026-01-05 10:00:00+00');
ALTER TABLE customers ADD tags text[], ADD size numeric, ADD seen interval, ADD notes text;
UPDATE customers SET notes = '[12/15/2024, 3:45:23 PM] ana: Of the past', updated_at = '2026-01-05 10:00:00.5+00';
SELECT crm_attach('customers', comments_column => 'notes') \g /dev/null
CREATE SCHEMA made_1;
CREATE SCHEMA made_2;
CREATE SCHEMA made_3;
CREATE SCHEMA made_4;
CREATE TABLE hostile.attached_1 (id bigint PRIMARY KEY, status text, tags jsonb);
CREATE TABLE hostile.attached_2 (LIKE hostile.attached_1 INCLUDING ALL);
CREATE TABLE hostile.attached_3 (LIKE hostile.attached_1 INCLUDING ALL);
CREATE TABLE hostile.attached_4 (LIKE hostile.attached_1 INCLUDING ALL);

-- The calls ------------------------------------------------------------------------------------------------------------

-- %N stands for the customer.
CREATE TABLE hostile.call (n serial, statement text);
INSERT INTO hostile.call (statement) VALUES
    ($$SELECT s FROM ext.crm_update_customer(%N, '2026-01-05 10:00:00.5+00', 'won', 'Signed', 'ana', fields => '{"tags": ["a"], "size": 1.5, "seen": "1 day", "phone": "1"}') s$$),
    ($$SELECT s FROM ext.crm_update_customer(%N, '2026-01-05 10:00:00.5+00', 'won', 'Signed', 'ana', fields => '{"tags": ["a"], "size": 1.5, "seen": "1 day", "phone": "1"}') s$$),
    ($$SELECT s FROM ext.crm_update_customer(%N, '2026-01-05 10:00:00.5+00', 'lost', 'Kept', 'ben', fields => '{"tags": ["b"], "size": 2.5, "email": "e"}') s$$),
    ($$SELECT s FROM ext.crm_update_customer(%N, '2026-01-05 10:00:00.5+00', 'lost', 'Kept', 'ben') s$$),
    ($$SELECT s FROM ext.crm_update_customer_by_key('%N', '2026-01-05 10:00:00+00', NULL, 'Merged', 'ben', true, fields => '{"email": "e"}') s$$),
    ($$SELECT s FROM ext.crm_update_customer(%N, hostile.current(%N), 'lost', 'Kept', 'ben') s$$),
    ($$SELECT s FROM ext.crm_update_customer(%N, '2026-01-05 11:00:00+00', 'lost', NULL, 'ben') s$$),
    ($$SELECT s FROM ext.crm_update_customer(%N, 'infinity', NULL, 'Kept too', 'ben') s$$),
    ($$SELECT s FROM ext.crm_update_customer(99, '2026-01-05 10:00:00+00', 'lost', 'words', 'ben') s$$),
    ($$SELECT pg_catalog.array_agg(s) FROM ext.crm_update_customers('[{"id": %N, "expected_ts": "2026-01-05T10:00:00Z", "comment": "Of many", "author": "ana", "fields": {"size": 3}},
        {"key": "%N", "expected_ts": "2026-01-05T10:00:00Z", "status": "merged", "merge": true, "author": "ana"}]') s$$),
    ($$SELECT ext.crm_add_comment(%N, 'Called', 'ana')$$),
    ($$SELECT ext.crm_add_comment(%N, 'Called', 'ana')$$),
    ($$SELECT ext.crm_add_comment_by_key('%N', 'Called', 'ben', (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N))$$),
    ($$SELECT ext.crm_import_comments(%N, E'[12/15/2024, 3:45:23 PM] ana: Imported\n\n[12/15/2024, 3:45:24 PM] ben: Too', 'Europe/Berlin')$$),
    ($$SELECT ext.crm_import_comments_by_key('%N', E'[12/15/2024, 3:45:23 PM] ana: Imported', 'Europe/Berlin')$$),
    ($$SELECT ext.crm_export_comments(%N, 'America/New_York')$$),
    ($$SELECT ext.crm_export_comments_by_key('%N')$$),
    ($$SELECT ext.crm_add_comment(%N, 'Cald', 'cem')$$),
    ($$SELECT s FROM ext.crm_edit_comment(%N, (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N), 'Cald', 'Called', 'cem') s$$),
    ($$SELECT s FROM ext.crm_edit_record_comment('crm.customers', '%N', (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N), 'Cald', 'Called', 'cem') s$$),
    ($$SELECT s FROM ext.crm_edit_comment(%N, (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N), 'Cald', 'Culled', 'cem') s$$),
    ($$SELECT ext.crm_add_comment(%N, 'Cald', 'cem')$$),
    ($$SELECT ext.crm_import_comments(%N, ext.crm_export_comments(%N))$$),
    ($$SELECT s FROM ext.crm_withdraw_comment(%N, (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N), 'cem') s$$),
    ($$SELECT s FROM ext.crm_withdraw_record_comment('crm.customers', '%N', (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N), 'cem') s$$),
    ($$SELECT ext.crm_redact_comment(%N, (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N))$$),
    ($$SELECT ext.crm_redact_record_comment('crm.customers', '%N', (SELECT pg_catalog.max(id) FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N))$$),
    ($$SELECT ext.crm_lock_customer(%N, 'ana', '1 hour')$$),
    ($$SELECT ext.crm_lock_customer_by_key('%N', 'ben')$$),
    ($$SELECT s FROM ext.crm_update_customer(%N, hostile.current(%N), 'lost', 'While locked', 'ben') s$$),
    ($$SELECT pg_catalog.array_agg(l) FROM ext.crm_locks l$$),
    ($$SELECT pg_catalog.array_agg(l) FROM ext.crm_live_locks() l$$),
    ($$SELECT ext.crm_get_customer(%N)$$),
    ($$SELECT ext.crm_get_customer_by_key('%N', '2026-01-05 10:00:00+00')$$),
    ($$SELECT pg_catalog.array_agg(t) FROM ext.crm_timeline(%N) t$$),
    ($$SELECT pg_catalog.array_agg(t) FROM ext.crm_timeline_by_key('%N', 1000, 'infinity') t$$),
    ($$SELECT ext.crm_unlock_customer(%N, '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')$$),
    ($$SELECT ext.crm_unlock_customer_by_key('%N', lock_id) FROM crm.customer_locks WHERE customer_id OPERATOR(pg_catalog.=) %N$$),
    ($$SELECT l.outcome FROM ext.crm_lock_customer(%N, 'ana') l$$),
    ($$SELECT ext.crm_unlock_customer(%N, NULL, force => true, author => 'cem')$$),
    ($$SELECT l.outcome, l.message FROM ext.crm_lock_customer(%N, 'ana', lock_id => '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11') l$$),
    ($$SELECT l.outcome FROM ext.crm_lock_customer(%N, 'ben') l$$),
    ($$SELECT ext.crm_unlock_customer(%N, NULL, force => true, author => 'cem')$$),
    ($$UPDATE crm.customers SET phone = '2', tags = '{x,y}' WHERE id OPERATOR(pg_catalog.=) %N RETURNING customers$$),
    ($$INSERT INTO crm.comments (customer_id, author, body) VALUES (%N, 'ana', 'Plain') RETURNING comments$$),
    ($$INSERT INTO crm.comments (customer_id, author, body, expected_ts) VALUES (%N, 'ana', 'Versioned', hostile.current(%N)) RETURNING comments$$),
    ($$INSERT INTO crm.comments (customer_id, author, body, expected_ts) VALUES (%N, 'ana', 'Stale', '2026-01-05 10:00:00+00') RETURNING comments$$),
    ($$DELETE FROM crm.comments WHERE customer_id OPERATOR(pg_catalog.=) %N$$),
    ($$TRUNCATE crm.customers CASCADE$$),
    ($$INSERT INTO crm.customers (id) VALUES (100 OPERATOR(pg_catalog.+) %N) RETURNING customers$$),
    ($$DELETE FROM crm.customers WHERE id OPERATOR(pg_catalog.=) (100 OPERATOR(pg_catalog.+) %N) RETURNING customers$$),
    ($$SELECT pg_catalog.array_agg(v) FROM ext.crm_verify() v$$),
    ($$SELECT pg_catalog.array_agg(v) FROM ext.crm_verify(%N) v$$),
    ($$SELECT pg_catalog.array_agg(v) FROM ext.crm_verify_by_key('%N') v$$),
    ($$SELECT pg_catalog.count(d) FROM ext.crm_doctor() d$$),
    ($$SELECT ext.crm_concurrency_version()$$),
    ($$SELECT ext.crm_partition_of('%N', 4)$$),
    ($$SELECT pg_catalog.count(s) FROM ext.crm_stat s$$),
    ($$SELECT pg_catalog.count(s) FROM ext.crm_stat_databases() s$$),
    ($$SELECT ext.crm_stat_reset()$$),
    ($$SELECT r FROM ext.crm_update_record('crm.customers', '%N', hostile.current(%N), 'by table', 'Named', 'ana', fields => '{"phone": "7"}') r$$),
    ($$SELECT r FROM ext.crm_update_record('crm.customers', '%N', '2026-01-05 10:00:00+00', 'lost', 'Too late', 'ben') r$$),
    ($$SELECT ext.crm_add_record_comment('crm.customers', '%N', 'Named', 'ana')$$),
    ($$SELECT r FROM ext.crm_lock_record('crm.customers', '%N', 'ana') r$$),
    ($$SELECT ext.crm_unlock_record('crm.customers', '%N', lock_id) FROM crm.customer_locks WHERE customer_id OPERATOR(pg_catalog.=) %N$$),
    ($$SELECT ext.crm_get_record('crm.customers', '%N')$$),
    ($$SELECT pg_catalog.array_agg(t) FROM ext.crm_record_timeline('crm.customers', '%N') t$$),
    ($$SELECT ext.crm_export_record_comments('crm.customers', '%N')$$),
    ($$SELECT ext.crm_import_record_comments('crm.customers', '%N', '[1/2/2020, 3:04:05 PM] dan: Old')$$),
    ($$SELECT pg_catalog.array_agg(v) FROM ext.crm_verify_record('crm.customers', '%N') v$$),
    ($$SELECT ext.crm_prune_record_history('crm.customers', '100 years')$$),
    ($$SELECT r FROM ext.crm_revert_customer(%N, hostile.current(%N), hostile.current(%N), 'ana', 'Undone') r$$),
    ($$SELECT r FROM ext.crm_revert_record('crm.customers', '%N', hostile.current(%N), hostile.current(%N), 'ana', NULL, true) r$$),
    ($$SELECT pg_catalog.array_agg(s) FROM ext.crm_update_records(pg_catalog.jsonb_build_array(
        pg_catalog.jsonb_build_object('id', %N, 'expected_ts', hostile.current(%N), 'comment', 'All', 'author', 'ana')), true) s$$),
    ($$SELECT pg_catalog.array_agg(s) FROM ext.crm_update_records('[{"id": %N, "expected_ts": "2026-01-05T10:00:00Z", "operation": "check"},
        {"id": 99999, "expected_ts": "2026-01-05T10:00:00Z", "comment": "Kept", "author": "ana"}]', true) s$$),
    ($$SELECT pg_catalog.set_config('crm_concurrency.keep_refused', 'all', false)$$),
    ($$SELECT r FROM ext.crm_update_customer(%N, '2026-01-05 10:00:00+00', 'kept', 'Kept whole', 'ana', fields => '{"size": 4}') r$$),
    ($$SELECT pg_catalog.array_agg(s) FROM ext.crm_refused_saves('ana', %N) s$$),
    ($$SELECT pg_catalog.array_agg(s) FROM ext.crm_refused_record_saves('crm.customers', 'ana', '%N') s$$),
    ($$SELECT pg_catalog.array_agg(s) FROM ext.crm_refused_counts() s$$),
    ($$SELECT pg_catalog.array_agg(s) FROM ext.crm_refused_record_counts('crm.customers') s$$),
    ($$SELECT r FROM ext.crm_resolve_refused((SELECT pg_catalog.max(refused_id) FROM ext.crm_refused_saves(NULL, %N)), hostile.current(%N),
        '{"status": "mine", "size": "theirs"}', 'Chosen') r$$),
    ($$SELECT r FROM ext.crm_resolve_refused_record('crm.customers', 0, hostile.current(%N), '{"status": "mine", "size": "theirs"}') r$$),
    ($$SELECT ext.crm_discard_refused(0)$$),
    ($$SELECT ext.crm_discard_refused_record('crm.customers', 0)$$),
    ($$SELECT pg_catalog.set_config('crm_concurrency.keep_refused', 'comment', false)$$),
    ($$SELECT r FROM ext.crm_delete_customer(%N, hostile.current(%N), 'Dead', 'ana') r$$),
    ($$SELECT pg_catalog.count(d) FROM ext.crm_deleted() d$$),
    ($$SELECT r FROM ext.crm_restore_customer(%N, 'ben', 'Alive') r$$),
    ($$SELECT r FROM ext.crm_delete_record('crm.customers', '%N', hostile.current(%N), NULL, 'ana') r$$),
    ($$SELECT pg_catalog.count(d) FROM ext.crm_deleted_records('crm.customers') d$$),
    ($$SELECT r FROM ext.crm_restore_record('crm.customers', '%N', 'ben') r$$),
    ($$SELECT ext.crm_erase_customer(%N)$$),
    ($$SELECT ext.crm_erase_customer_by_key('%N')$$),
    ($$SELECT ext.crm_erase_record('crm.customers', '%N')$$),
    ($$SELECT ext.crm_prune_history('100 years')$$),
    ($$SELECT ext.crm_create_tables('made_%N')$$),
    ($$INSERT INTO made_%N.customers (id) VALUES (1) RETURNING customers$$),
    ($$SELECT ext.crm_attach('hostile.attached_%N', version_column => 'version')$$),
    ($$INSERT INTO hostile.attached_%N VALUES (1, 'new', '{}') RETURNING attached_%N$$),
    ($$SELECT ext.crm_detach('hostile.attached_%N')$$),
    ($$SELECT ext.crm_attach('hostile.attached_%N', version_column => 'version', plain_updates => 'refuse')$$),
    ($$SELECT ext.crm_detach('hostile.attached_%N')$$);

-- Calls all for one customer, with this search_path.
CREATE TABLE hostile.answers (customer int, n int, state text, result text, message text);
CREATE PROCEDURE hostile.call_all(customer int, path text) LANGUAGE plpgsql AS $$
DECLARE
    called record;
BEGIN
    FOR called IN SELECT * FROM hostile.call ORDER BY n LOOP
        INSERT INTO hostile.answers
        SELECT customer, called.n, a.* FROM hostile.answer(pg_catalog.replace(called.statement, '%N', customer::pg_catalog.text), path) a;
    END LOOP;
END $$;
-- What of this is parsed once is parsed here, before the attack.
CALL hostile.call_all(0, '');
TRUNCATE hostile.answers;

-- The look-alikes ------------------------------------------------------------------------------------------------------

SET ROLE crm_hostile_user;
CALL hostile.make_look_alikes('public');
RESET ROLE;

-- What they do to those who are careless.
INSERT INTO hostile.answers
SELECT -1, NULL, a.* FROM (VALUES ('SELECT 1 = 2'::pg_catalog.text), ('SELECT lower(''A'')'), ('SELECT ''x''::text'), ('TABLE pg_class'),
    ('SELECT crm_add_comment(1::pg_catalog.int8, ''x'', ''y'', NULL)')) c (c), hostile.answer(c, 'public, crm, ext, pg_catalog') a;

-- The attack -----------------------------------------------------------------------------------------------------------

SET search_path = pg_temp, public, crm, pg_catalog, ext;
CALL ext.crm_import_comments_column('crm.customers'::pg_catalog.regclass);
RESET search_path;
CALL hostile.call_all(1, 'pg_temp, public, crm, ext, pg_catalog');
CALL hostile.call_all(2, 'public, pg_temp, crm, pg_catalog, ext');
-- a path without them, and without pg_temp, is not safe either
CALL hostile.call_all(3, 'pg_catalog, crm, ext');
DISCARD TEMP;
-- in peace
CALL hostile.call_all(4, 'crm, ext');

-- What came of it ------------------------------------------------------------------------------------------------------

SELECT no_plan();
SELECT is_empty($$
    SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    WHERE d.refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'crm_concurrency') AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND p.prokind = 'f'
      AND NOT EXISTS (SELECT FROM hostile.call WHERE statement ~ ('\mext\.' || p.proname || '\('))$$, 'every function is called');
SELECT ok((SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace) > 3000, 'there are look-alikes of functions');
SELECT ok((SELECT count(*) FROM pg_operator WHERE oprnamespace = 'public'::regnamespace) > 700, 'there are look-alikes of operators');
SELECT ok((SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd') > 50, 'there are look-alikes of types');
SELECT is((SELECT count(*) FROM hostile.answers WHERE customer = -1 AND state = 'ATTCK'), 5::bigint, 'the careless meet look-alikes');
SELECT is((SELECT count(*) FROM crm.comments WHERE based_on IS NULL AND created_at = '2024-12-15 15:45:23+00' AND author = 'ana'), 4::bigint, 'a column is imported');

-- An answer without numbers and times, which differ, and with tables named alike whatever the path is.
CREATE FUNCTION hostile.shape(a hostile.answers) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(replace(concat_ws(E'\n', a.state, a.result, a.message), '(crm.customers,', '(customers,'), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'uuid', 'g'), '[0-9]+(\.[0-9]+)?', '#', 'g')
$$;
SELECT is(hostile.shape(a), hostile.shape(s), format('customer %s: %s', a.customer, left(translate(c.statement, E'\n', ' '), 90)))
FROM hostile.answers a JOIN hostile.answers s ON s.customer = 4 AND s.n = a.n JOIN hostile.call c ON c.n = a.n
WHERE a.customer BETWEEN 1 AND 3 ORDER BY a.customer, a.n;
SELECT is((SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM hostile.answers WHERE customer > 0), '00000 55000 PT409',
          'what is refused is refused for its own reasons');

-- Tables that were made under attack have nothing to do with the look-alikes.
SELECT is_empty($$
    SELECT pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend
    WHERE (pg_identify_object(refclassid, refobjid, refobjsubid)).identity ~ '^(public|ext\.(?!crm_))'
      AND (pg_identify_object(classid, objid, objsubid)).identity ~ '(^| on )(crm|hostile|made_[1-4]|ext\.crm_)'$$,
    'nothing depends on a look-alike');
SELECT is((SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY relname, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
           WHERE relnamespace = (s || '1')::regnamespace AND attnum > 0),
          (SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY relname, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
           WHERE relnamespace = (s || '4')::regnamespace AND attnum > 0), 'tables made under attack are of the same types')
FROM unnest(ARRAY['made_']) s;
SELECT * FROM finish();
