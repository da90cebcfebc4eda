-- Every subset of the rights that the functions ask for, and what each call may do with it: what the reference says under
-- "Privileges". Whoever lacks one right of a call is refused with 42501 and nothing is written; without USAGE on the schema
-- no table is found.
BEGIN;
SELECT no_plan();

INSERT INTO customers (id, name, phone, email) VALUES (1, 'Acme', 'the phone', 'nobody may read this');
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'a body that is read by some');
SELECT crm_update_customer(1, updated_at, 'called', 'Adopted by the save', 'ana') FROM customers \g (format=unaligned) /dev/null
UPDATE customers SET phone = 'the newer phone' WHERE id = 1;
SELECT crm_lock_customer(1::bigint, 'ana', '1 hour') \g /dev/null

CREATE TEMP TABLE known AS
SELECT (SELECT updated_at FROM customers) AS version, (SELECT min(version) FROM customer_history) AS first_version,
       (SELECT lock_id FROM customer_locks) AS lock_id, (SELECT min(id) FROM comments) AS comment_id;

-- The rights, and how each is given.
CREATE TEMP TABLE rights (bit int, name text, gives text);
INSERT INTO rights VALUES
    (1, 'usage', 'USAGE ON SCHEMA crm'),
    (2, 'read', 'SELECT (id, status, updated_at) ON crm.customers'),
    (4, 'status', 'UPDATE (status) ON crm.customers'),
    (8, 'field', 'SELECT (phone), UPDATE (phone) ON crm.customers'),
    (16, 'comment', 'INSERT (customer_id, author, body, reply_to, expected_ts) ON crm.comments'),
    (32, 'read_comments', 'SELECT ON crm.comments'),
    (64, 'read_history', 'SELECT ON crm.customer_history');

-- The calls, and the rights that they need: all of needs, and one of needs_one_of. What is left out of needs is for the
-- owner alone ('owner'). tables is true where the search_path finds the tables, so that without USAGE there are none.
CREATE TEMP TABLE calls (name text, statement text, needs text, needs_one_of text, tables boolean DEFAULT true, expected text);
INSERT INTO calls (name, statement, needs, needs_one_of, tables, expected) SELECT v.*  FROM known k, LATERAL (VALUES
    ('save', format('SELECT outcome FROM crm_update_customer(1, %L, ''won'', NULL, ''ana'')', k.version),
     'read status', '', true, 'updated'),
    ('save nothing', format('SELECT outcome FROM crm_update_customer(1, %L, NULL, NULL, ''ana'')', k.version),
     'read status', '', true, 'unchanged'),
    ('save a comment', format('SELECT outcome FROM crm_update_customer(1, %L, NULL, ''words'', ''ana'')', k.version),
     'read status comment', '', true, 'updated'),
    ('save a reply', format('SELECT outcome FROM crm_update_customer(1, %L, NULL, ''words'', ''ana'', reply_to => %s)', k.version, k.comment_id),
     'read status comment', '', true, 'updated'),
    ('save by key', format('SELECT outcome FROM crm_update_customer_by_key(''1'', %L, ''won'', NULL, ''ana'')', k.version),
     'read status', '', true, 'updated'),
    ('save a field', format('SELECT outcome FROM crm_update_customer(1, %L, NULL, NULL, ''ana'', fields => ''{"phone": "x"}'')', k.version),
     'read status field', '', true, 'updated'),
    ('save a field of nobody', format('SELECT outcome FROM crm_update_customer(1, %L, NULL, NULL, ''ana'', fields => ''{"email": "x"}'')', k.version),
     'owner', '', true, NULL),
    ('save without a version', 'SELECT outcome FROM crm_update_customer(1, ''2001-01-01'', ''won'', NULL, ''ana'')',
     'read status', '', true, 'conflict'),
    ('save a comment too late', format('SELECT outcome FROM crm_update_customer(1, %L, ''won'', ''kept'', ''ana'')', k.first_version),
     'read status comment', '', true, 'conflict'),
    ('save again', format('SELECT outcome FROM crm_update_customer(1, %L, ''called'', ''Adopted by the save'', ''ana'')', k.first_version),
     'read status comment', '', true, 'replayed'),
    ('save while another edits', format('SELECT outcome FROM crm_update_customer(1, %L, ''won'', NULL, ''ben'')', k.version),
     'read status', '', true, 'locked'),
    ('merge', format('SELECT outcome FROM crm_update_customer(1, (SELECT version FROM hostile.middle), ''won'', NULL, ''ana'', merge => true)'),
     'read status', '', true, 'merged'),
    ('save what is not there', 'SELECT outcome FROM crm_update_customer(2, ''2001-01-01'', ''won'', NULL, ''ana'')',
     'read status', '', true, 'not_found'),
    ('save many', format('SELECT outcome FROM crm_update_customers(''[{"id": 1, "author": "ana", "expected_ts": "%s", "comment": "words"}]'')', k.version),
     'read status comment', '', true, 'updated'),
    ('save all or nothing', format('SELECT outcome FROM crm_update_records(''[{"id": 1, "author": "ana", "expected_ts": "%s", "comment": "words"}]'', true)', k.version),
     'read status comment', '', true, 'updated'),
    ('check', format('SELECT outcome FROM crm_update_records(''[{"id": 1, "operation": "check", "expected_ts": "%s"}]'', true)', k.version),
     'read', '', true, 'unchanged'),
    ('lock', 'SELECT outcome FROM crm_lock_customer(1::bigint, ''ana'')', 'read status', '', true, 'renewed'),
    ('lock by another', 'SELECT outcome FROM crm_lock_customer_by_key(''1'', ''ben'')', 'read status', '', true, 'locked'),
    ('unlock', format('SELECT crm_unlock_customer(1::bigint, %L)', k.lock_id), 'read status', '', true, 'true'),
    ('unlock by force', 'SELECT crm_unlock_customer(1::bigint, NULL, force => true, author => ''eve'')', 'owner', '', true, NULL),
    ('unlock by force, by table', 'SELECT crm_unlock_record(''crm.customers'', ''1'', NULL, force => true, author => ''eve'')', 'owner', '', true, NULL),
    ('unlock by key', format('SELECT crm_unlock_customer_by_key(''1'', %L)', k.lock_id), 'read status', '', true, 'true'),
    ('add a comment', 'SELECT crm_add_comment(1::bigint, ''words'', ''ana'') > 0', 'comment', '', true, 'true'),
    ('add a comment by key', 'SELECT crm_add_comment_by_key(''1'', ''words'', ''ana'') > 0', 'comment', '', true, 'true'),
    ('reply', format('SELECT crm_add_comment(1::bigint, ''words'', ''ana'', %s) > 0', k.comment_id), 'comment', '', true, 'true'),
    ('edit a comment', format('SELECT outcome FROM crm_edit_comment(1, %s, ''a body that is read by some'', ''edited'', ''ana'')', k.comment_id),
     'comment read_comments', '', true, 'updated'),
    ('edit a comment of another', format('SELECT outcome FROM crm_edit_comment(1, %s, ''a body that is read by some'', ''edited'', ''ben'')', k.comment_id),
     'owner', '', true, NULL),
    ('edit a record''s comment', format('SELECT outcome FROM crm_edit_record_comment(hostile.customers_table(), ''1'', %s, ''x'', ''edited'', ''ana'')', k.comment_id),
     'usage comment read_comments', '', true, 'conflict'),
    ('withdraw a comment', format('SELECT outcome FROM crm_withdraw_comment(1, %s, ''ana'')', k.comment_id),
     'comment read_comments', '', true, 'updated'),
    ('withdraw a record''s comment', format('SELECT outcome FROM crm_withdraw_record_comment(hostile.customers_table(), ''1'', %s, ''ana'')', k.comment_id),
     'usage comment read_comments', '', true, 'updated'),
    ('redact a comment', format('SELECT crm_redact_comment(1, %s)', k.comment_id), 'owner', '', true, NULL),
    ('redact a record''s comment', format('SELECT crm_redact_record_comment(hostile.customers_table(), ''1'', %s)', k.comment_id), 'owner', '', true, NULL),
    ('read earlier texts', 'SELECT count(*) FROM crm.comment_edits', 'owner', '', false, NULL),
    ('write earlier texts', 'INSERT INTO crm.comment_edits (customer_id, comment_id, edited_at, operation, author, db_user, body) VALUES (1, 1, now(), ''edit'', ''ana'', ''eve'', ''forged'')', 'owner', '', false, NULL),
    ('corrections of a comment', 'INSERT INTO crm.comments (customer_id, author, body, edited_by) VALUES (1, ''ana'', ''words'', ''ben'')', 'owner', '', false, NULL),
    ('get', 'SELECT crm_get_customer(1::bigint) #>> ''{customer,id}''', 'read', '', true, '1'),
    ('get by key', 'SELECT crm_get_customer_by_key(''1'') #>> ''{customer,id}''', 'read', '', true, '1'),
    ('get as it was', format('SELECT crm_get_customer(1::bigint, %L) #>> ''{customer,status}''', k.first_version),
     'read read_history', '', true, 'new'),
    ('timeline', 'SELECT count(*) > 0 FROM crm_timeline(1::bigint)', '', 'read_comments read_history', true, 'true'),
    ('timeline by key', 'SELECT count(*) > 0 FROM crm_timeline_by_key(''1'')', '', 'read_comments read_history', true, 'true'),
    ('export', 'SELECT crm_export_comments(1::bigint) LIKE ''%read by some%''', 'read read_comments', '', true, 'true'),
    ('export by key', 'SELECT crm_export_comments_by_key(''1'') LIKE ''%read by some%''', 'read read_comments', '', true, 'true'),
    ('verify', 'SELECT count(*) FROM crm_verify(1::bigint)', 'read read_comments read_history', '', true, '0'),
    ('verify by key', 'SELECT count(*) FROM crm_verify_by_key(''1'')', 'read read_comments read_history', '', true, '0'),
    ('import', 'SELECT crm_import_comments(1::bigint, ''[12/15/2024, 3:45:23 PM] eve: forged'')', 'owner', '', true, NULL),
    ('import by key', 'SELECT crm_import_comments_by_key(''1'', ''[12/15/2024, 3:45:23 PM] eve: forged'')', 'owner', '', true, NULL),
    ('prune', 'SELECT crm_prune_history(''0 seconds'')', 'owner', '', true, NULL),
    ('erase', 'SELECT crm_erase_customer(1::bigint)', 'owner', '', true, NULL),
    ('erase by key', 'SELECT crm_erase_customer_by_key(''1'')', 'owner', '', true, NULL),
    ('attach', 'SELECT crm_attach(hostile.customers_table())', 'owner', '', false, NULL),
    ('attach, refusing plain updates', 'SELECT crm_attach(hostile.customers_table(), plain_updates => ''refuse'')', 'owner', '', false, NULL),
    ('detach', 'SELECT crm_detach(hostile.customers_table())', 'owner', '', false, NULL),
    ('plain status', 'UPDATE crm.customers SET status = ''won'' WHERE id = 1 RETURNING status', 'usage read status', '', false, 'won'),
    ('plain comment', 'INSERT INTO crm.comments (customer_id, author, body) VALUES (1, ''ana'', ''words'') RETURNING ''added''',
     'usage comment', '', false, 'added'),
    ('plain comment with a version', format('INSERT INTO crm.comments (customer_id, author, body, expected_ts) VALUES (1, ''ana'', ''words'', %L) RETURNING ''added''', k.version),
     'usage comment read status', '', false, 'added'),
    ('stamps of a comment', 'INSERT INTO crm.comments (customer_id, author, body, created_at) VALUES (1, ''ana'', ''words'', ''2001-01-01'')', 'owner', '', false, NULL),
    ('an adopted comment', 'INSERT INTO crm.comments (customer_id, author, body, adopted_version) VALUES (1, ''ana'', ''words'', ''2001-01-01'')', 'owner', '', false, NULL),
    ('change a comment', 'UPDATE crm.comments SET body = ''forged''', 'owner', '', false, NULL),
    ('delete a comment', 'DELETE FROM crm.comments', 'owner', '', false, NULL),
    ('set a version', 'UPDATE crm.customers SET updated_at = ''2999-01-01''', 'owner', '', false, NULL),
    ('write history', 'INSERT INTO crm.customer_history (customer_id, version, recorded_at, operation, db_user) VALUES (1, now(), now(), ''update'', ''eve'')',
     'owner', '', false, NULL),
    ('change history', 'UPDATE crm.customer_history SET author = ''eve''', 'owner', '', false, NULL),
    ('delete history', 'DELETE FROM crm.customer_history', 'owner', '', false, NULL),
    ('truncate history', 'TRUNCATE crm.customer_history', 'owner', '', false, NULL),
    ('truncate customers', 'TRUNCATE crm.customers CASCADE', 'owner', '', false, NULL),
    ('read lock ids', 'SELECT lock_id FROM crm.customer_locks', 'owner', '', false, NULL),
    ('write a lock', 'INSERT INTO crm.customer_locks (customer_id, lock_id, author, locked_at, expires_at, db_user) VALUES (1, ''0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11'', ''eve'', now(), ''infinity'', ''eve'')',
     'owner', '', false, NULL),
    ('remove a lock', 'DELETE FROM crm.customer_locks', 'owner', '', false, NULL),
    ('write the registry', 'INSERT INTO ext.crm_attached_tables SELECT * FROM ext.crm_attached_tables', 'owner', '', false, NULL),
    ('change the registry', 'UPDATE ext.crm_attached_tables SET plain_updates = ''refuse''', 'owner', '', false, NULL),
    ('empty the registry', 'DELETE FROM ext.crm_attached_tables', 'owner', '', false, NULL)
) v (name, statement, needs, needs_one_of, tables, expected);

-- A table is named by its number where the schema may not be used.
CREATE FUNCTION hostile.customers_table() RETURNS regclass LANGUAGE sql SECURITY DEFINER AS $$ SELECT 'crm.customers'::regclass $$;
CREATE TABLE hostile.middle AS SELECT version FROM customer_history ORDER BY version LIMIT 1 OFFSET 1;
GRANT SELECT ON hostile.middle TO PUBLIC;

CREATE FUNCTION pg_temp.rights_of(subset int) RETURNS text[] LANGUAGE sql
AS $$ SELECT coalesce(array_agg(name), '{}') FROM rights WHERE subset & bit > 0 $$;

-- What a call is to answer to who has these rights.
CREATE FUNCTION pg_temp.expected(call calls, has text[]) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN call.tables AND NOT 'usage' = ANY (has) THEN '42501'
                WHEN string_to_array(call.needs, ' ') <@ has
                     AND (call.needs_one_of = '' OR string_to_array(call.needs_one_of, ' ') && has) THEN '00000 ' || call.expected
                ELSE '42501' END
$$;

-- What is there, in one word: no refused call may change it.
CREATE FUNCTION pg_temp.contents() RETURNS text LANGUAGE sql AS $$
    SELECT md5(concat((SELECT string_agg(t::text, ',' ORDER BY t::text) FROM crm.customers t), (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM crm.comments t),
                      (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM crm.customer_history t),
                      (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM crm.customer_locks t),
                      (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM ext.crm_attached_tables t)))
$$;

-- A save that is refused shows what its caller may read, and no more.
CREATE FUNCTION pg_temp.expected_detail(has text[]) RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(key ORDER BY key COLLATE "C") FROM (
        SELECT unnest(ARRAY['key', 'current', 'conflicts', 'current.id', 'current.status', 'current.updated_at'])
        UNION ALL SELECT 'current.phone' WHERE 'field' = ANY (has)
        UNION ALL SELECT unnest(ARRAY['comments', 'comments_total']) WHERE 'read_comments' = ANY (has)
        UNION ALL SELECT unnest(ARRAY['changes', 'changes_total', 'expected_ts_problem']) WHERE 'read_history' = ANY (has)
    ) k (key)
$$;
CREATE FUNCTION pg_temp.detail_keys(detail jsonb) RETURNS text[] LANGUAGE sql AS $$
    SELECT array_agg(key ORDER BY key COLLATE "C") FROM (
        SELECT jsonb_object_keys(detail) UNION ALL SELECT 'current.' || jsonb_object_keys(detail->'current')) k (key)
$$;

CREATE TEMP TABLE answers (subset int, name text, got text, expected text);
CREATE TEMP TABLE shown (subset int, what text, got text, expected text);

DO $$
DECLARE
    subset int;
    has text[];
    a record;
    c calls;
    given rights;
    before text := pg_temp.contents();
BEGIN
    FOR subset IN 0..127 LOOP
        has := pg_temp.rights_of(subset);
        REVOKE ALL ON SCHEMA crm FROM crm_hostile_user;
        REVOKE ALL ON ALL TABLES IN SCHEMA crm FROM crm_hostile_user;
        FOR given IN SELECT * FROM rights WHERE subset & bit > 0 LOOP
            EXECUTE format('GRANT %s TO crm_hostile_user', given.gives);
        END LOOP;
        FOR c IN SELECT * FROM calls LOOP
            SET LOCAL ROLE crm_hostile_user;
            SELECT * INTO a FROM hostile.undone(c.statement);
            RESET ROLE;
            INSERT INTO answers VALUES (subset, c.name, concat_ws(' ', a.state, a.result), pg_temp.expected(c, has));
            -- an error names tables and columns, never what is in them
            IF a.message ~ 'phone$|may read|body that|Acme|ana' THEN
                INSERT INTO shown VALUES (subset, 'the error of ' || c.name, a.message, '');
            END IF;
        END LOOP;

        IF has @> ARRAY['usage', 'read', 'status'] THEN
            SET LOCAL ROLE crm_hostile_user;
            SELECT * INTO a FROM hostile.undone('SELECT detail FROM crm_update_customer(1, ''2001-01-01'', ''won'', NULL, ''ana'')');
            RESET ROLE;
            INSERT INTO shown VALUES (subset, 'the detail of a conflict', pg_temp.detail_keys(a.result::jsonb)::text, pg_temp.expected_detail(has)::text);
            SET LOCAL ROLE crm_hostile_user;
            SELECT * INTO a FROM hostile.undone('SELECT message FROM crm_update_customer(1, (SELECT version FROM hostile.middle), ''won'', NULL, ''ana'')');
            RESET ROLE;
            INSERT INTO shown VALUES (subset, 'who changed it, in the message of a conflict', (a.result ~ 'postgres')::text, ('read_history' = ANY (has))::text);
        END IF;
        IF has @> ARRAY['usage', 'read', 'status', 'comment'] THEN
            SELECT * INTO c FROM calls WHERE name = 'save again';
            SET LOCAL ROLE crm_hostile_user;
            SELECT * INTO a FROM hostile.undone(replace(c.statement, 'SELECT outcome', 'SELECT detail ? ''superseded_by'''));
            RESET ROLE;
            INSERT INTO shown VALUES (subset, 'who superseded a save', a.result, ('read_history' = ANY (has))::text);
        END IF;
        SET LOCAL ROLE crm_hostile_user;
        SELECT * INTO a FROM hostile.undone('SELECT count(*) FROM ext.crm_locks');
        RESET ROLE;
        INSERT INTO shown VALUES (subset, 'the edit locks', a.result, (has @> ARRAY['usage', 'read'])::int::text);
        SET LOCAL ROLE crm_hostile_user;
        SELECT * INTO a FROM hostile.undone('SELECT crm_get_customer(1::bigint)->''comments_total''');
        RESET ROLE;
        INSERT INTO shown SELECT subset, 'the comments of a customer', a.result, CASE WHEN 'read_comments' = ANY (has) THEN '2' END
        WHERE has @> ARRAY['usage', 'read'];
        SET LOCAL ROLE crm_hostile_user;
        SELECT * INTO a FROM hostile.undone('SELECT string_agg(DISTINCT kind, '' '' ORDER BY kind) FROM crm_timeline(1::bigint)');
        RESET ROLE;
        INSERT INTO shown
        SELECT subset, 'the timeline', a.result, concat_ws(' ', CASE WHEN 'read_history' = ANY (has) THEN 'change' END, CASE WHEN 'read_comments' = ANY (has) THEN 'comment' END)
        WHERE 'usage' = ANY (has) AND has && ARRAY['read_history', 'read_comments'];
        SET LOCAL ROLE crm_hostile_user;
        SELECT * INTO a FROM hostile.undone('SELECT string_agg(status, '' '') FROM crm_doctor() WHERE status = ''error''');
        RESET ROLE;
        INSERT INTO shown VALUES (subset, 'the doctor', a.state, '00000');
    END LOOP;
    INSERT INTO shown VALUES (128, 'what is there', pg_temp.contents(), before);
END $$;

SELECT is((SELECT count(*) FROM answers WHERE name = c.name AND got = expected), 128::bigint, c.name || ': every subset of the rights') FROM calls c;
SELECT diag(format('%s with %s: %s instead of %s', name, pg_temp.rights_of(subset), got, expected))
FROM (SELECT *, row_number() OVER (PARTITION BY name ORDER BY subset) AS n FROM answers WHERE got IS DISTINCT FROM expected) a WHERE n <= 4;
SELECT is((SELECT count(*) FROM shown s WHERE s.what = w.what AND got IS DISTINCT FROM expected), 0::bigint, w.what || ' shows what may be read')
FROM (SELECT DISTINCT what FROM shown) w ORDER BY w.what;
SELECT diag(format('%s with %s: %s instead of %s', what, pg_temp.rights_of(subset), got, expected))
FROM (SELECT *, row_number() OVER (PARTITION BY what ORDER BY subset) AS n FROM shown WHERE got IS DISTINCT FROM expected) a WHERE n <= 4;
SELECT ok((SELECT count(DISTINCT got) >= 6 FROM shown WHERE what = 'the detail of a conflict'), 'details differ by the rights');
SELECT * FROM finish();
ROLLBACK;
