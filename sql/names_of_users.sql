-- The columns that tell database users are text; in tables that were made earlier they are of type name. Both answer alike, also when they
-- are altered in a session that has used them, and for a user whose name is as long as names can be.
SET client_min_messages = warning;
CREATE ROLE regress_crm_a_user_with_a_name_of_as_many_bytes_as_there_can_be SUPERUSER;
SET SESSION AUTHORIZATION regress_crm_a_user_with_a_name_of_as_many_bytes_as_there_can_be;
CREATE SCHEMA names_of_users;
SET search_path = names_of_users, public;
SELECT crm_create_tables();
CREATE FUNCTION types() RETURNS TABLE (columns text) LANGUAGE sql AS $$
    SELECT format('%s.%s %s', attrelid::regclass, attname, atttypid::regtype) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    WHERE relnamespace = 'names_of_users'::regnamespace AND relkind = 'r' AND attname LIKE '%db\_user' ORDER BY 1 $$;
SELECT * FROM types();

-- Everything that writes or tells a user, of the customers i, i + 1 and i + 2; the user is "me".
CREATE FUNCTION work(i bigint) RETURNS TABLE (step text, answer text) LANGUAGE plpgsql SET crm_concurrency.keep_refused = 'all' AS $$
#variable_conflict use_variable
DECLARE
    base timestamptz;
    first timestamptz;
    comment bigint;
    saved crm_update_result;
    locked crm_lock_result;
    corrected crm_comment_result;
    refused bigint;
BEGIN
    INSERT INTO customers (id, name, phone) SELECT n, 'Acme', '1' FROM generate_series(i, i + 2) n;
    base := regress.current(i);
    UPDATE customers SET phone = '2' WHERE id BETWEEN i AND i + 2;
    saved := crm_update_customer(i, base, 'won', 'Signed', 'cem', fields => '{"phone": "3"}');
    refused := saved.detail ->> 'refused_id';
    RETURN QUERY SELECT 'conflict with a plain write', concat_ws(' ', saved.outcome, saved.message, saved.detail #> '{changes,0,db_user}');
    base := regress.current(i);
    saved := crm_update_customer(i, base, 'won', 'Hello', 'ana', fields => '{"phone": "3"}');
    RETURN QUERY SELECT 'save', saved.outcome;
    first := saved.updated_at;
    saved := crm_update_customer(i, saved.updated_at, NULL, NULL, 'ben', fields => '{"phone": "4"}');
    RETURN QUERY SELECT 'another', saved.outcome;
    saved := crm_update_customer(i, base, 'won', 'Hello', 'ana', fields => '{"phone": "3"}');
    RETURN QUERY SELECT 'replayed', concat_ws(' ', saved.outcome, saved.detail #> '{superseded_by,db_user}');
    saved := crm_revert_customer(i, regress.current(i), first, 'eve');
    RETURN QUERY SELECT 'reversion', concat_ws(' ', saved.outcome, saved.detail #> '{superseded,0,db_user}');
    RETURN QUERY SELECT 'refused', concat_ws(' ', r.author, r.db_user, pg_typeof(r.db_user), r.times) FROM crm_refused_saves('cem', i) r;
    saved := crm_resolve_refused(refused, regress.current(i), '{"phone": "mine", "status": "mine"}', NULL, 'cem');
    RETURN QUERY SELECT 'resolution', saved.outcome;

    locked := crm_lock_customer(i, 'ana');
    RETURN QUERY SELECT 'lock', concat_ws(' ', locked.outcome, db_user) FROM customer_locks WHERE customer_id = i;
    RETURN QUERY SELECT 'forced', crm_unlock_customer(i, NULL, force => true, author => 'eve')::text;
    RETURN QUERY SELECT 'ended lock', concat_ws(' ', author, ended_by, ended_db_user) FROM customer_locks WHERE customer_id = i;
    locked := crm_lock_customer(i, 'ana', lock_id => locked.lock_id);
    RETURN QUERY SELECT 'lost', concat_ws(' ', locked.outcome, locked.message);
    locked := crm_lock_customer(i, 'ben');
    RETURN QUERY SELECT 'lock of ben', concat_ws(' ', locked.outcome, db_user, coalesce(ended_db_user, 'nobody')) FROM customer_locks WHERE customer_id = i;
    RETURN QUERY SELECT 'unlock', crm_unlock_customer(i, locked.lock_id)::text;

    comment := crm_add_comment(i + 1, 'Called back', 'ana');
    corrected := crm_edit_comment(i + 1, comment, 'Called back', 'Called', 'ana');
    RETURN QUERY SELECT 'edit', corrected.outcome;
    corrected := crm_withdraw_comment(i + 1, comment, 'ana', 'wrong customer');
    RETURN QUERY SELECT 'withdrawal', corrected.outcome;
    RETURN QUERY SELECT 'earlier texts', string_agg(concat_ws(' ', operation, body, db_user), ', ' ORDER BY edited_at) FROM comment_edits WHERE customer_id = i + 1;

    saved := crm_delete_customer(i + 1, regress.current(i + 1), 'A duplicate', 'ana');
    RETURN QUERY SELECT 'deletion', saved.outcome;
    DELETE FROM customers WHERE id = i + 2;
    RETURN QUERY SELECT 'deleted', concat_ws(' ', coalesce(d.author, 'plain'), d.db_user, pg_typeof(d.db_user), d.comment) FROM crm_deleted() d
        WHERE d.key::bigint IN (i + 1, i + 2) ORDER BY d.key::bigint;
    saved := crm_restore_customer(i + 1, 'ben');
    RETURN QUERY SELECT 'restoration', saved.outcome;
    RETURN QUERY SELECT 'timeline', concat_ws(' ', t.operation, coalesce(t.author, 'plain'), t.db_user, pg_typeof(t.db_user))
        FROM generate_series(i, i + 2) c, crm_timeline(c) t WHERE t.kind = 'change' ORDER BY c, t.version;
    RETURN QUERY SELECT 'violation', v::text FROM crm_verify() v;
END $$;
-- the same, with the user as "me"
CREATE FUNCTION told(i bigint) RETURNS TABLE (n bigint, step text, answer text) LANGUAGE sql AS $$
    SELECT row_number() OVER (), step, replace(replace(answer, session_user, 'me'), i::text, 'i') FROM work(i) $$;
SELECT * FROM told(1001);
CREATE TABLE answers AS SELECT * FROM told(2001);
-- how what is told now differs
CREATE FUNCTION differences(i bigint) RETURNS TABLE (n bigint, step text, was text, is_now text) LANGUAGE sql AS $$
    SELECT n, coalesce(a.step, t.step), a.answer, t.answer FROM answers a FULL JOIN told(i) t USING (n)
    WHERE (a.step, a.answer) IS DISTINCT FROM (t.step, t.answer) ORDER BY n $$;
SELECT * FROM differences(3001);

-- of type name, in the same session and in a new one
ALTER TABLE customer_history ALTER db_user TYPE name;
ALTER TABLE customer_locks ALTER db_user TYPE name, ALTER ended_db_user TYPE name;
ALTER TABLE comment_edits ALTER db_user TYPE name;
ALTER TABLE customer_refused_saves ALTER db_user TYPE name;
SELECT * FROM types();
SELECT * FROM differences(4001);
\c -
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_crm_a_user_with_a_name_of_as_many_bytes_as_there_can_be;
SET search_path = names_of_users, public;
SELECT * FROM differences(5001);
SELECT check_name, finding FROM crm_doctor() WHERE status = 'error' AND check_name <> 'settings';
-- crm_attach() leaves them, and takes tables that have them
SELECT crm_attach('customers');
SELECT crm_detach('customers');
SELECT crm_attach('customers', comments => 'comments', history => 'customer_history', locks => 'customer_locks', comment_edits => 'comment_edits');
SELECT * FROM types();
SELECT * FROM differences(6001);
-- as row security shows them to others
CREATE ROLE regress_crm_reader;
GRANT USAGE ON SCHEMA names_of_users TO regress_crm_reader;
GRANT ALL ON ALL TABLES IN SCHEMA names_of_users TO regress_crm_reader;
ALTER TABLE customer_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY operation ON customer_history USING (operation <> 'insert');
CREATE FUNCTION refused(i bigint, OUT outcome text, OUT users jsonb) LANGUAGE sql AS $$
    SELECT outcome, jsonb_path_query_array(detail, '$.changes[*].db_user') FROM crm_update_customer(i, regress.version(i, 1), 'late', NULL, 'eve') $$;
SET ROLE regress_crm_reader;
SELECT outcome, replace(users::text, session_user, 'me') AS users FROM refused(1001);
RESET ROLE;
-- domains over it
CREATE DOMAIN who AS name;
ALTER TABLE customer_history ALTER db_user TYPE who;
ALTER TABLE customer_locks ALTER db_user TYPE who, ALTER ended_db_user TYPE who;
ALTER TABLE comment_edits ALTER db_user TYPE who;
ALTER TABLE customer_refused_saves ALTER db_user TYPE who;
SELECT * FROM differences(7001);
SET ROLE regress_crm_reader;
SELECT outcome, replace(users::text, session_user, 'me') AS users FROM refused(1001);
RESET ROLE;

-- text again; as in tables of the edit locks that 1.0 made, each for itself
ALTER TABLE customer_history ALTER db_user TYPE text;
ALTER TABLE customer_locks ALTER ended_db_user TYPE text;
ALTER TABLE comment_edits ALTER db_user TYPE text;
ALTER TABLE customer_refused_saves ALTER db_user TYPE text;
SELECT * FROM differences(8001);
SET ROLE regress_crm_reader;
SELECT outcome, replace(users::text, session_user, 'me') AS users FROM refused(1001);
RESET ROLE;
SELECT count(*) > 0 AS recorded, bool_and(db_user = session_user) AS by_me FROM customer_history;

-- another type is refused
ALTER TABLE customer_history ALTER db_user TYPE varchar(63);
SELECT * FROM regress.error('SELECT crm_get_customer(1001)');
SELECT crm_detach('customers');
SELECT * FROM regress.error($$SELECT crm_attach('customers', comments => 'comments', history => 'customer_history', locks => 'customer_locks', comment_edits => 'comment_edits')$$);
DROP SCHEMA names_of_users CASCADE;
DROP OWNED BY regress_crm_reader;
DROP ROLE regress_crm_reader;
RESET SESSION AUTHORIZATION;
DROP ROLE regress_crm_a_user_with_a_name_of_as_many_bytes_as_there_can_be;
