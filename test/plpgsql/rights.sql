-- What the views and functions behind the saves show and let do: no more than saves tell, to those who may save.
CREATE ROLE crm_edition_stranger;
CREATE ROLE crm_edition_clerk;
GRANT USAGE ON SCHEMA crm TO crm_edition_stranger, crm_edition_clerk;
GRANT SELECT (id, status, updated_at), UPDATE (status) ON customers TO crm_edition_clerk;
GRANT INSERT (customer_id, author, body) ON comments TO crm_edition_clerk;
INSERT INTO customers (id, phone) VALUES (2000001, 'secret'), (2000002, 'secret');
UPDATE customers SET phone = 'secret too', status = 'two' WHERE id = 2000001;
SELECT outcome FROM crm_lock_customer(2000001, 'ana');
SELECT outcome FROM crm_update_customer(2000001, '2001-01-01', 'x', 'Kept', 'ana');

CREATE FUNCTION state(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

-- What may be asked about a customer beside the views, each as an error's state or the answer. The words are those that were
-- saved; the pass is the caller's own, if the caller has one.
CREATE FUNCTION answers(customer bigint) RETURNS TABLE (question text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    pass text;
BEGIN
    FOREACH pass IN ARRAY ARRAY['NULL', 'crm_internal_pass_to_comment()', format('crm_internal_pass_to_save(%s)', customer),
                                'crm_internal_pass_to_save(2000002)', quote_literal(pg_catalog.sha256('2000001')) || '::bytea'] LOOP
        FOREACH question IN ARRAY ARRAY[
            'crm_internal_customer_is_there(%1$s, %2$s)', 'crm_internal_customer_stays(%1$s, %2$s)',
            $f$crm_internal_comment_is_there(%1$s, current_setting('rights.kept')::bigint, %2$s)$f$,
            $f$crm_internal_comment_of_base(%1$s, 'ana', 'Kept', NULL, '2001-01-01', %2$s) IS NOT NULL$f$,
            $f$crm_internal_comment_added(%1$s, 'ana', 'Added', NULL, '1 year', %2$s) IS NOT NULL$f$,
            $f$crm_internal_is_used(%1$s, current_setting('rights.base')::timestamptz, %2$s)$f$,
            $f$crm_internal_recorded_at(%1$s, current_setting('rights.base')::timestamptz, %2$s) IS NOT NULL$f$,
            $f$crm_internal_adopt(%1$s, current_setting('rights.adopted')::bigint, 'Adopted', NULL,
                                  current_setting('rights.made')::timestamptz, %2$s)$f$] LOOP
            BEGIN
                EXECUTE 'SELECT ' || format(question, customer, pass) INTO answer;
            EXCEPTION WHEN OTHERS THEN
                answer := SQLSTATE;
            END;
            question := split_part(question, '(', 1) || ', ' || split_part(replace(pass, 'crm_internal_', ''), '::', 1);
            IF strpos(question, '\x') > 0 THEN
                question := split_part(question, ',', 1) || ', forged';
            END IF;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;
SELECT crm_add_comment(2000001, 'Added', 'ana') > 0;
SELECT set_config('rights.base', (SELECT updated_at::text FROM customers WHERE id = 2000001), false) <> '';
SELECT outcome FROM crm_update_customer(2000001, '2001-01-01', 'won', 'Adopted', 'ana');
SELECT outcome FROM crm_update_customer(2000001, current_setting('rights.base')::timestamptz, 'won', 'Adopted', 'ana');
SELECT set_config('rights.kept', (SELECT id::text FROM comments WHERE customer_id = 2000001 AND body = 'Kept'), false) <> '',
       set_config('rights.adopted', comment_id::text, false) <> '', set_config('rights.made', version::text, false) <> ''
FROM customer_history WHERE customer_id = 2000001 ORDER BY version DESC LIMIT 1;

-- who has no rights sees nothing, and writes no lock
SET ROLE crm_edition_stranger;
SELECT count(*) FROM crm_internal_history;
SELECT count(*) FROM crm_internal_kept;
SELECT count(*) FROM crm_internal_locks;
SELECT count(*) FROM crm_locks;
SELECT state($$INSERT INTO crm_internal_locks VALUES (2000002, gen_random_uuid(), 'eve', now(), now() + interval '1 h', 'eve')$$);
DELETE FROM crm_internal_locks;
-- nor is told anything, or lets anything be written or locked; each question is refused the same way about nobody
SELECT answer, count(*), string_agg(question, '; ' ORDER BY question) FILTER (WHERE answer <> '42501') FROM answers(2000001) GROUP BY answer ORDER BY answer;
SELECT DISTINCT answer FROM answers(2999999);
SELECT count(*) FROM crm_internal_savable;
SELECT count(*) FROM crm_internal_commentable;
SELECT state('SELECT * FROM crm_internal_secret'), state($$SELECT crm_internal_require(NULL, ARRAY['any'])$$);
SELECT pg_current_xact_id_if_assigned() IS NULL;
-- nor makes the triggers work for a table of their own
CREATE TEMP TABLE mine (id bigint);
SELECT state('CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION crm_customers_history()');
RESET ROLE;
SELECT count(*) FROM customer_locks WHERE customer_id = 2000001;

-- nor sees anything who may write a status, but may not read whose
GRANT UPDATE (status) ON customers TO crm_edition_stranger;
SET ROLE crm_edition_stranger;
SELECT (SELECT count(*) FROM crm_internal_history) AS changes, (SELECT count(*) FROM crm_internal_kept) AS kept,
       (SELECT count(*) FROM crm_internal_locks) AS locks, (SELECT count(*) FROM crm_internal_savable) AS passes;
RESET ROLE;

-- who may save the status sees what was, of that alone
SET ROLE crm_edition_clerk;
SELECT answer, count(*), string_agg(question, '; ' ORDER BY question) FILTER (WHERE answer <> '42501') FROM answers(2000001) GROUP BY answer ORDER BY answer;
SELECT operation, status_from, fields_before FROM crm_internal_history WHERE customer_id = 2000001 ORDER BY version;
SELECT state('SELECT * FROM customer_history'), state('SELECT * FROM customer_locks'), state('SELECT body FROM comments');
-- under row security, of the customers that are seen
RESET ROLE;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY second ON customers TO crm_edition_clerk USING (id = 2000002);
SET ROLE crm_edition_clerk;
SELECT DISTINCT customer_id FROM crm_internal_history;
SELECT count(*) FROM crm_internal_kept;
SELECT count(*) FROM crm_internal_locks;
-- policies on the comments as well: nothing is told of others' customers
RESET ROLE;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY second ON comments TO crm_edition_clerk USING (customer_id = 2000002);
GRANT INSERT (expected_ts) ON comments TO crm_edition_clerk;
SET ROLE crm_edition_clerk;
SELECT answer, count(*), string_agg(question, '; ' ORDER BY question) FILTER (WHERE answer <> '42501') FROM answers(2000001) GROUP BY answer ORDER BY answer;
SELECT DISTINCT answer FROM answers(2999999);
SELECT id, state(format($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (%s, 'eve', 'x', now())$$, id))
FROM unnest(ARRAY[2000001, 2999999]) id;
SELECT DISTINCT question, answer FROM answers(2000002) WHERE question LIKE '%comment_is_there, pass_to_save(2000002)';
-- columns of the application have names of the edition's variables
RESET ROLE;
BEGIN;
ALTER TABLE comments ADD writer integer, ADD words integer, ADD answered integer, ADD customer integer;
GRANT SELECT, INSERT ON comments TO crm_edition_clerk;
SET LOCAL ROLE crm_edition_clerk;
SELECT crm_add_comment(2000002, 'Once', 'ana') = crm_add_comment(2000002, 'Once', 'ana') AS is_the_same;
ROLLBACK;
-- policies on the customers alone: the foreign key of a comment tells who is there, and crm_add_comment() what was added
RESET ROLE;
DROP POLICY second ON comments;
ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
SET ROLE crm_edition_clerk;
SELECT answer, count(*), string_agg(question, '; ' ORDER BY question) FILTER (WHERE answer <> '42501') FROM answers(2000001) GROUP BY answer ORDER BY answer;
SELECT state($$INSERT INTO crm_internal_locks VALUES (2000001, gen_random_uuid(), 'eve', now(), now() + interval '1 h', 'eve')
               ON CONFLICT (customer_id) DO UPDATE SET author = 'eve'$$);
RESET ROLE;
DROP POLICY second ON customers;
ALTER TABLE customers DISABLE ROW LEVEL SECURITY;
DROP OWNED BY crm_edition_stranger, crm_edition_clerk;
DROP ROLE crm_edition_stranger, crm_edition_clerk;

-- where the owner says in a function who the author is, no setting changes it
BEGIN;
CREATE ROLE crm_edition_clerk;
GRANT USAGE ON SCHEMA crm TO crm_edition_clerk;
GRANT SELECT, UPDATE ON customers TO crm_edition_clerk;
GRANT INSERT ON comments TO crm_edition_clerk;
CREATE OR REPLACE FUNCTION crm_author_setting() RETURNS text STABLE RETURN 'session_user';
SET SESSION AUTHORIZATION crm_edition_clerk;
SET LOCAL crm_concurrency.author_setting = '';
SELECT outcome FROM crm_update_customer(2000002, (SELECT updated_at FROM customers WHERE id = 2000002), 'x', NULL, NULL);
SELECT set_config('crm_internal.save', '{save,2000002,0,forged,2026-01-01T00:00:00Z,NULL,NULL,NULL}', true) <> '';
UPDATE customers SET status = 'forged' WHERE id = 2000002;
SELECT set_config('crm_internal.save', '{comment,2000002,0,NULL,NULL}', true) <> '',
       state($$INSERT INTO comments (customer_id, author, body) VALUES (2000002, 'forged', 'x')$$);
RESET SESSION AUTHORIZATION;
SELECT author, status_to FROM customer_history WHERE customer_id = 2000002 ORDER BY version DESC LIMIT 2;
ROLLBACK;
DROP FUNCTION state;
DROP FUNCTION answers;
