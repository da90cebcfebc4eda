-- Calls from where nobody thought of them: prepared transactions, read-only ones, parallel workers, and every place of SQL
-- where a function can stand.
SELECT no_plan();
CREATE EXTENSION dblink SCHEMA tap;
INSERT INTO customers (id, name, updated_at) SELECT i, 'Acme', '2026-01-05 10:00:00+00' FROM generate_series(1, 30) i;
SELECT dblink_connect('other', format('host=%s port=%s dbname=crm_hostile user=%s options=''-c lock_timeout=100 -c client_min_messages=error''',
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user)) \g /dev/null
CREATE FUNCTION hostile.other(statement text) RETURNS text LANGUAGE sql
AS $$ SELECT concat_ws(' ', a.state, a.result) FROM tap.dblink('other', format('SELECT state, result FROM hostile.answer(%L)', statement)) a (state text, result text) $$;
-- Runs statements in a transaction of the other session, which is prepared.
CREATE FUNCTION hostile.prepare(name text, VARIADIC statements text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text := '';
    statement text;
BEGIN
    PERFORM tap.dblink_exec('other', 'BEGIN');
    FOREACH statement IN ARRAY statements LOOP
        answer := concat_ws(' ', answer, hostile.other(statement));
    END LOOP;
    PERFORM tap.dblink_exec('other', format('PREPARE TRANSACTION %L', name));
    RETURN answer;
END $$;
CREATE FUNCTION hostile.save(customer int, status text, comment text, base text DEFAULT '2026-01-05 10:00:00+00') RETURNS text LANGUAGE sql
AS $$ SELECT format('SELECT outcome FROM crm_update_customer(%s, %L, %L, %L, ''ana'')', customer, base, status, comment) $$;

-- Prepared transactions ------------------------------------------------------------------------------------------------

SELECT is(hostile.prepare('crm_hostile_1', hostile.save(1, 'won', 'Signed'), hostile.save(1, 'lost', 'Refused', '2001-01-01'), 'SELECT crm_add_comment(1::bigint, ''Added'', ''ana'') > 0',
    'SELECT outcome FROM crm_lock_customer(2::bigint, ''ana'', ''1 day'')'), ' 00000 updated 00000 conflict 00000 true 00000 acquired', 'a transaction of saves is prepared');
SELECT is(hostile.other(hostile.save(1, 'called', 'Mine')), '55P03', 'a save of the same customer waits for it');
SELECT is(hostile.other(hostile.save(1, NULL, NULL, '2001-01-01')), '00000 conflict', 'a conflict that keeps nothing does not');
SELECT is(hostile.other(hostile.save(1, 'lost', 'Refused', '2001-01-01')), '55P03', 'that with the same comment does');
SELECT is(hostile.other('SELECT crm_add_comment(1::bigint, ''By another'', ''ben'') > 0'), '00000 true', 'a comment does not');
SELECT is(hostile.other('SELECT crm_add_comment(1::bigint, ''Added'', ''ana'') > 0'), '55P03', 'the same comment does');
SELECT is(hostile.other('SELECT crm_get_customer(1::bigint) #>> ''{customer,status}'''), '00000 new', 'reading does not');
SELECT is(hostile.other('SELECT outcome FROM crm_lock_customer(2::bigint, ''ben'')'), '55P03', 'an edit lock waits');
SELECT is(hostile.other(hostile.save(2, 'called', NULL)), '55P03', 'and so does a save of its customer');
SELECT is(hostile.other(hostile.save(3, 'called', 'Elsewhere')), '00000 updated', 'others are not concerned');
SELECT is(dblink_exec('other', 'COMMIT PREPARED ''crm_hostile_1'''), 'COMMIT PREPARED', 'it is committed');
SELECT is(hostile.other(hostile.save(1, 'won', 'Signed')), '00000 replayed', 'its save is replayed');
SELECT is(hostile.other(hostile.save(1, 'called', 'Mine')), '00000 conflict', 'another is too late');
SELECT is(hostile.other(hostile.save(2, 'called', NULL, '2026-01-05 10:00:00+00') || ' WHERE outcome = ''updated'''), '00000 updated', 'the holder of the lock saves');
SELECT is(hostile.other('SELECT outcome FROM crm_lock_customer(2::bigint, ''ben'')'), '00000 locked', 'others do not');
SELECT is(hostile.prepare('crm_hostile_2', hostile.save(4, 'won', 'Signed'), hostile.save(4, 'lost', 'Refused', '2001-01-01'), 'SELECT outcome FROM crm_lock_customer(5::bigint, ''ana'')',
    'DELETE FROM customers WHERE id = 6 RETURNING id'), ' 00000 updated 00000 conflict 00000 acquired 00000 6', 'another is prepared');
SELECT is(hostile.other('SELECT crm_add_comment(6::bigint, ''words'', ''ben'') > 0'), '55P03', 'a comment waits for a deletion');
SELECT is(dblink_exec('other', 'ROLLBACK PREPARED ''crm_hostile_2'''), 'ROLLBACK PREPARED', 'it is rolled back');
SELECT is(hostile.other(hostile.save(4, 'won', 'Signed')), '00000 updated', 'its save is made');
SELECT is(hostile.other('SELECT outcome FROM crm_lock_customer(5::bigint, ''ben'')'), '00000 acquired', 'its lock is free');
SELECT is(hostile.other('SELECT crm_add_comment(6::bigint, ''words'', ''ben'') > 0'), '00000 true', 'its deletion is undone');
SELECT is((SELECT string_agg(body, ', ' ORDER BY id) FROM comments WHERE customer_id IN (1, 4)), 'Signed, Refused, Added, By another, Mine, Signed', 'every comment is there once');
ALTER DATABASE crm_hostile SET crm_concurrency.events = notify;
SELECT dblink_disconnect('other'), dblink_connect('other', format('host=%s port=%s dbname=crm_hostile user=%s', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user)) \g /dev/null
SELECT throws_ok(format('SELECT hostile.prepare(''crm_hostile_3'', %L)', hostile.save(7, 'won', 'Signed')), '0A000', NULL, 'notifications cannot be prepared');
SELECT is(dblink_exec('other', 'ROLLBACK'), 'ROLLBACK', 'nothing is left of it');
ALTER DATABASE crm_hostile RESET crm_concurrency.events;
SELECT is((SELECT status FROM customers WHERE id = 7), 'new', 'and nothing is saved');
SELECT is_empty('SELECT * FROM pg_prepared_xacts', 'no transaction is left prepared');

-- Where nothing may be written -------------------------------------------------------------------------------------------

\ir every_call.sql
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'ext'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND prokind = 'f'
    AND NOT EXISTS (SELECT FROM hostile.call WHERE statement ~ ('\m' || p.proname || '\('))$$, 'every function is called');

-- pgTAP writes: the answers are kept until the transaction is over.
CREATE FUNCTION hostile.answers_read_only() RETURNS TABLE (statement text, state text, writes boolean) LANGUAGE sql
AS $$ SELECT c.statement, a.state, c.writes FROM hostile.call c, hostile.answer(c.statement) a $$;
BEGIN READ ONLY;
SELECT string_agg(format('(%L, %L, %L::boolean)', statement, state, writes), ',') AS answers FROM hostile.answers_read_only() \gset
ROLLBACK;
SELECT is(state, hostile.expected(writes, '25006'), 'read only: ' || statement) FROM (VALUES :answers) a (statement, state, writes);
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT string_agg(format('(%L, %L, %L::boolean)', statement, state, writes), ',') AS answers FROM hostile.answers_read_only() \gset
ROLLBACK;
SELECT is(state, hostile.expected(writes, '25006'), 'serializable, read only: ' || statement) FROM (VALUES :answers) a (statement, state, writes);

-- A function that lies about what it calls runs it in a parallel worker: reading works, writing is refused.
CREATE FUNCTION hostile.in_worker(statement text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN answer;
END $$;
CREATE FUNCTION hostile.forced(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', true);
    RETURN (SELECT a.state FROM hostile.answer(format('SELECT hostile.in_worker(%L)', statement)) a);
END $$;
SELECT is(hostile.forced('SELECT pg_backend_pid() WHERE pg_backend_pid() <> ' || pg_backend_pid()), '00000', 'there are workers');
SELECT is(hostile.forced(statement), hostile.expected(writes OR statement ~ 'crm_get_(customer|record)', '25000'), 'in a parallel worker: ' || statement) FROM hostile.call;

-- Where functions can stand ----------------------------------------------------------------------------------------------

CREATE TABLE hostile.plain (id bigint, note bigint);
CREATE FUNCTION hostile.stable_save(customer bigint) RETURNS text STABLE LANGUAGE plpgsql
AS $$ BEGIN RETURN (SELECT s.outcome FROM crm_update_customer(customer, hostile.current(customer), 'by a stable one', 'words', 'ana') s); END $$;
CREATE FUNCTION hostile.immutable_comment(customer bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql
AS $$ BEGIN RETURN crm_add_comment(customer, 'By an immutable one', 'ana'); END $$;
CREATE FUNCTION hostile.save_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM crm_update_customer(NEW.id, hostile.current(NEW.id), 'by a trigger', 'By a trigger', 'ana');
    RETURN NEW;
END $$;
CREATE FUNCTION hostile.somewhere(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text := '';
BEGIN
    IF statement ~ '^(SELECT|WITH)|RETURNING' THEN
        EXECUTE statement INTO result;
    ELSE
        EXECUTE statement;
    END IF;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(hostile.somewhere(statement), expected, 'somewhere: ' || statement) FROM (VALUES
    ($$SELECT hostile.stable_save(10)$$, 'updated'),
    ($$SELECT hostile.immutable_comment(10) > 0$$, 'true'),
    ($$SELECT count(hostile.immutable_comment(id)) FROM customers WHERE id BETWEEN 11 AND 13$$, '3'),
    ($$CREATE INDEX ON hostile.plain (crm_add_comment(id, 'x', 'y'))$$, '42P17'),
    ($$ALTER TABLE hostile.plain ADD CHECK (crm_add_comment(id, 'By a check', 'ana') > 0)$$, ''),
    ($$ALTER TABLE hostile.plain ALTER note SET DEFAULT crm_add_comment(14::bigint, 'By a default', 'ana')$$, ''),
    ($$INSERT INTO hostile.plain (id) VALUES (14) RETURNING note > 0$$, 'true'),
    -- since 17 indexes and materialized views are filled with a search_path that finds no customers
    ($$CREATE INDEX ON hostile.plain (hostile.immutable_comment(id))$$, CASE WHEN current_setting('server_version_num')::int < 170000 THEN '' ELSE '42883' END),
    ($$CREATE TRIGGER t BEFORE INSERT ON hostile.plain FOR EACH ROW EXECUTE FUNCTION hostile.save_all()$$, ''),
    ($$INSERT INTO hostile.plain VALUES (15), (15), (16) RETURNING id$$, '15'),
    ($$CREATE MATERIALIZED VIEW hostile.stored AS SELECT s.outcome FROM crm.customers c, ext.crm_update_customer(c.id, c.updated_at, 'by a view', 'words', 'ana') s WHERE c.id = 17$$, CASE WHEN current_setting('server_version_num')::int < 170000 THEN '' ELSE '55000' END),
    ($$REFRESH MATERIALIZED VIEW hostile.stored$$, CASE WHEN current_setting('server_version_num')::int < 170000 THEN '' ELSE '42P01' END),
    ($$WITH saved AS MATERIALIZED (SELECT outcome FROM crm_update_customer(18, hostile.current(18), 'by a with', 'words', 'ana')) SELECT count(*) FROM saved, saved AS again$$, '1'),
    ($$WITH written AS (UPDATE customers SET phone = '1' WHERE id = 19 RETURNING id, updated_at) SELECT outcome FROM written, crm_update_customer(id, updated_at, 'both', NULL, 'ana')$$, 'updated'),
    ($$UPDATE customers SET phone = crm_add_comment(id, 'By the same statement', 'ana')::text WHERE id = 20 RETURNING phone IS NOT NULL$$, 'true'),
    ($$UPDATE customers SET phone = (SELECT s.outcome FROM crm_update_customer(customers.id, customers.updated_at, 'within an update', NULL, 'ana') s) WHERE id = 21 RETURNING phone$$, '27000'),
    ($$DELETE FROM customers WHERE id = 22 AND crm_add_comment(id, 'In its last moment', 'ana') > 0 RETURNING id$$, '22'),
    ($$SELECT outcome FROM crm_update_customer(22, '2026-01-05 10:00:00+00', 'x', 'words', 'ana')$$, 'gone'),
    ($$INSERT INTO customers (id, phone) SELECT id, (SELECT s.outcome FROM crm_update_customer(23, hostile.current(23), id::text, NULL, 'ana') s) FROM generate_series(101, 103) id RETURNING phone$$, 'updated'),
    ($$SELECT count(*) > 30 FROM customers c TABLESAMPLE BERNOULLI (crm_add_comment(24::bigint, 'By a sample', 'ana') * 0 + 100)$$, 'true'),
    ($$SELECT count(*) FROM generate_series(1, 3) WHERE crm_add_comment(24::bigint, 'By a condition', 'ana') > 0 LIMIT crm_add_comment(24::bigint, 'By a limit', 'ana')$$, '3'),
    -- the version was read before the inner one saved
    ($$SELECT s.outcome FROM crm_update_customer(25, hostile.current(25), 'outer', NULL, (SELECT s.outcome FROM crm_update_customer(25, hostile.current(25), 'inner', NULL, 'ana') s)) s$$, 'conflict'),
    ($$SELECT string_agg((crm_update_customer(26, hostile.current(26), 'x' || i, NULL, 'ana')).outcome, ' ') FROM generate_series(1, 3) i$$, 'updated updated updated'),
    ($$DO 'BEGIN PERFORM crm_add_comment(27::bigint, ''By a DO'', ''ana''); END'$$, ''),
    ($$DO 'BEGIN PERFORM crm_add_comment(27::bigint, ''Committed'', ''ana''); COMMIT; END'$$, '2D000'),
    ($$CALL crm_import_comments_column('customers')$$, '2D000'),
    ($$EXPLAIN (ANALYZE) SELECT crm_add_comment(27::bigint, 'By an explanation', 'ana')$$, ''),
    ($$MERGE INTO customers c USING (SELECT 28 AS id) s ON c.id = s.id WHEN MATCHED THEN UPDATE SET phone = (crm_add_comment(28::bigint, 'By a merge', 'ana') > 0)::text$$, '')
) c (statement, expected);
SELECT is_empty('SELECT * FROM crm_verify()', 'crm_verify() finds nothing');
SELECT is_empty('SELECT customer_id, body FROM comments GROUP BY customer_id, body HAVING count(*) > 1 AND NOT body IN (''words'', ''By a trigger'')', 'no comment is there twice');
SELECT dblink_disconnect('other') \g /dev/null
SELECT * FROM finish();
