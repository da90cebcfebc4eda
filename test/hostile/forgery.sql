-- What is written by hand, or set, to pass for what it is not.
SELECT no_plan();
CREATE EXTENSION dblink SCHEMA tap;
CREATE ROLE crm_hostile_owner LOGIN;
CREATE SCHEMA owned AUTHORIZATION crm_hostile_owner;
SET search_path = owned, ext, hostile, tap;
SET ROLE crm_hostile_owner;
SELECT crm_create_tables('owned') \g /dev/null
INSERT INTO customers (id, name) SELECT i, 'Acme' FROM generate_series(1, 20) i;
GRANT USAGE, CREATE ON SCHEMA owned TO crm_hostile_user;
GRANT SELECT, INSERT, UPDATE ON customers, comments TO crm_hostile_user;
GRANT SELECT ON customer_history TO crm_hostile_user;
RESET ROLE;

CREATE FUNCTION hostile.current_of(customer bigint) RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS $$ SELECT updated_at FROM owned.customers WHERE id = customer $$;

-- A new session of the user; every answer is that of one statement.
CREATE FUNCTION hostile.connect(options text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT tap.dblink_connect('user', format('host=%s port=%s dbname=crm_hostile user=crm_hostile_user options=''-c search_path=owned,ext,hostile,tap -c client_min_messages=error %s''',
        split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), options))
$$;
CREATE FUNCTION hostile.ask(statement text) RETURNS text LANGUAGE sql
AS $$ SELECT concat_ws(' ', a.state, a.result) FROM tap.dblink('user', format('SELECT state, result FROM hostile.answer(%L)', statement)) a (state text, result text) $$;

-- Settings that are not the user's, before and after the library is loaded ------------------------------------------------

ALTER DATABASE crm_hostile SET crm_concurrency.author_setting = 'session_user';
ALTER DATABASE crm_hostile SET crm_concurrency.max_comment_length = 10;
CREATE TABLE hostile.attempt (name text, value text);
INSERT INTO hostile.attempt VALUES ('author_setting', ''), ('author_setting', 'app.user'), ('events', 'logical'), ('access_path', 'auto'), ('max_comment_length', '1000000');
GRANT SELECT ON hostile.attempt TO PUBLIC;

SELECT is(hostile.connect(), 'OK', 'a session of the user');
SELECT is(hostile.ask('SELECT crm_add_comment(1::bigint, ''words'', NULL) > 0'), '00000 true', 'who uses the library');
SELECT is(hostile.ask(format(form, 'crm_concurrency.' || name, value)), '42501', format(form, 'crm_concurrency.' || name, value))
FROM hostile.attempt, unnest(ARRAY['SET %1$s = %2$L', 'SET LOCAL %1$s = %2$L', 'SELECT set_config(%1$L, %2$L, false)', 'ALTER ROLE crm_hostile_user SET %1$s = %2$L',
    'ALTER DATABASE crm_hostile SET %1$s = %2$L', 'CREATE FUNCTION owned.f() RETURNS int LANGUAGE sql SET %1$s = %2$L AS ''SELECT 1''']) form;
SELECT dblink_disconnect('user') \g /dev/null

-- what is set before is dropped
SELECT hostile.connect() \g /dev/null
SELECT is(hostile.ask(format(form, 'crm_concurrency.' || name, value)), '42501', 'before the library is loaded: ' || format(form, 'crm_concurrency.' || name, value))
FROM hostile.attempt, unnest(ARRAY['ALTER ROLE crm_hostile_user SET %1$s = %2$L', 'CREATE FUNCTION owned.f() RETURNS int LANGUAGE sql SET %1$s = %2$L AS ''SELECT 1''']) form;
SELECT dblink_disconnect('user'), hostile.connect() \g /dev/null
SELECT hostile.ask(format('SELECT set_config(%L, %L, false)', 'crm_concurrency.' || name, value)) FROM hostile.attempt \g /dev/null
SELECT is(hostile.ask('SELECT crm_update_customer(1, hostile.current_of(1), ''x'', NULL, ''boss'')'), '42501', 'a setting made before the library is loaded does not take effect');
SELECT is(hostile.ask('SELECT crm_add_comment(1::bigint, ''longer than ten'', NULL)'), '22001', 'nor does a length');
SELECT is(hostile.ask('SHOW crm_concurrency.author_setting'), '00000 session_user', 'the setting of the database holds');
SELECT is(dblink_exec('user', 'RESET ALL'), 'RESET', 'RESET ALL is harmless');
SELECT is(hostile.ask('SELECT crm_add_comment(1::bigint, ''words'', ''boss'')'), '42501', 'and forges nothing');
SELECT is(hostile.ask('SET ROLE crm_hostile_owner'), '42501', 'no other role is at hand');
SELECT dblink_disconnect('user') \g /dev/null
-- a connection that sets it: either it is not made, or it has no effect
SELECT hostile.connect('-c crm_concurrency.author_setting=app.user -c app.user=boss -c crm_concurrency.max_comment_length=1000') \g /dev/null
SELECT is(hostile.ask('SELECT crm_add_comment(1::bigint, ''words'', ''boss'')'), '42501', 'nor does an option of the connection');
SELECT isnt(hostile.ask('SELECT crm_add_comment(1::bigint, ''longer than ten'', NULL)'), '00000', 'of either kind');
SELECT dblink_disconnect('user') \g /dev/null

-- Forged authors --------------------------------------------------------------------------------------------------------

-- Every way to name an author, with what is made of it.
CREATE TABLE hostile.author_ways (way text, statement text);
INSERT INTO hostile.author_ways VALUES
    ('save', $$SELECT (crm_update_customer(2, hostile.current_of(2), 'a' || random(), NULL, %1$L)).outcome$$),
    ('refused save', $$SELECT (crm_update_customer(2, '2001-01-01', NULL, 'x' || right(random()::text, 5), %1$L)).outcome$$),
    ('save by key', $$SELECT (crm_update_customer_by_key('2', '2001-01-01', NULL, NULL, %1$L)).outcome$$),
    ('save of many', $$SELECT outcome FROM crm_update_customers(jsonb_build_array(jsonb_build_object('id', 2, 'expected_ts', '2001-01-01', 'author', %1$L::text)))$$),
    ('all or nothing', $$SELECT outcome FROM crm_update_records(jsonb_build_array(jsonb_build_object('id', 2, 'operation', 'update', 'expected_ts', '2001-01-01', 'author', %1$L::text)), true)$$),
    ('comment', $$SELECT crm_add_comment(2::bigint, 'x' || right(random()::text, 5), %1$L)$$),
    ('lock', $$SELECT (crm_lock_customer(2::bigint, %1$L)).outcome$$),
    ('plain comment', $$INSERT INTO comments (customer_id, author, body) VALUES (2, %1$L, 'plain') RETURNING id$$),
    ('past comment', $$INSERT INTO comments (customer_id, author, body, created_at) VALUES (2, %1$L, 'plain', '2001-01-01') RETURNING id$$),
    ('versioned comment', $$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, %1$L, 'plain', hostile.current_of(2)) RETURNING id$$);

SELECT hostile.connect() \g /dev/null
SELECT is(left(hostile.ask(format(statement, 'boss')), 5), '42501', 'session_user: not another, ' || way) FROM hostile.author_ways;
SELECT is(left(hostile.ask(format(statement, 'CRM_hostile_user')), 5), '42501', 'session_user: not in other letters, ' || way) FROM hostile.author_ways;
SELECT is(left(hostile.ask(format(statement, 'crm_hostile_user')), 5), '00000', 'session_user: oneself, ' || way) FROM hostile.author_ways;
SELECT is_empty($$SELECT author FROM comments WHERE author <> 'crm_hostile_user' UNION ALL SELECT author FROM customer_history WHERE author <> 'crm_hostile_user'$$, 'nobody else wrote');
SELECT dblink_disconnect('user') \g /dev/null
-- who may send SQL sets a setting, as the documentation says; the session's user is recorded all the same
ALTER DATABASE crm_hostile SET crm_concurrency.author_setting = 'request.claims->>name';
SELECT hostile.connect() \g /dev/null
SELECT is(hostile.ask(format('SELECT s.outcome FROM set_config(''request.claims'', %L, true) c, crm_update_customer(3, hostile.current_of(3), c, NULL, ''boss'') s', claims)), expected, 'claims: ' || claims)
FROM (VALUES ('{"name": "ana"}', '42501'), ('{"name": "ana", "name": "boss"}', '00000 updated'), ('{"name": ["boss"]}', '28000'), ('{"name": {"name": "boss"}}', '28000'),
             ('"boss"', '28000'), ('{"name": "boss\u0000"}', '28000'), ('{"name": "boss "}', '42501'), ('{"name": null}', '28000'), ('{"name": ""}', '28000'),
             ('{"na\u006de": "boss"}', '00000 updated')) c (claims, expected);
SELECT is((SELECT string_agg(DISTINCT db_user, ' ') FROM customer_history WHERE author = 'boss'), 'crm_hostile_user', 'db_user is the session''s user');
SELECT dblink_disconnect('user') \g /dev/null
ALTER DATABASE crm_hostile RESET crm_concurrency.author_setting;
ALTER DATABASE crm_hostile RESET crm_concurrency.max_comment_length;

-- Other people's tables -------------------------------------------------------------------------------------------------

SET ROLE crm_hostile_user;
CREATE TABLE owned.clients (id bigint PRIMARY KEY, status text, updated_at timestamptz(3) NOT NULL DEFAULT now());
SELECT is(a.state, '42501', 'another table is not attached with what is of this one') FROM hostile.answer($$SELECT crm_attach('owned.clients', history => 'customer_history')$$) a;
SELECT is(a.state, '42501', 'nor somebody else''s detached') FROM hostile.answer($$SELECT crm_detach('owned.customers')$$) a;
RESET ROLE;
SET ROLE crm_hostile_owner;
SELECT crm_detach('owned.customers') \g /dev/null
RESET ROLE;
SET ROLE crm_hostile_user;
SELECT is(a.state, '42501', 'tables that were let go of are not taken: ' || arguments) FROM
    unnest(ARRAY['history => ''customer_history''', 'comments => ''comments''', 'locks => ''customer_locks''', 'comments => ''comments'', history => ''customer_history'', locks => ''customer_locks''']) arguments,
    hostile.answer(format('SELECT crm_attach(''owned.clients'', %s)', arguments)) a;
-- the trigger functions do nothing for a table that is not attached
CREATE TABLE owned.trap (LIKE customers);
CREATE TABLE owned.trap_comments (LIKE comments);
CREATE TABLE owned.trap_history (LIKE customer_history);
CREATE TRIGGER a BEFORE INSERT OR UPDATE ON trap FOR EACH ROW EXECUTE FUNCTION ext.crm_customers_version();
SELECT is(a.state, '55000', 'crm_customers_version') FROM hostile.answer($$INSERT INTO trap (id, status, updated_at) VALUES (1, 'x', now()); UPDATE trap SET status = 'y'$$) a;
DROP TRIGGER a ON trap;
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON trap FOR EACH ROW EXECUTE FUNCTION ext.crm_customers_history();
SELECT is(a.state, '55000', 'crm_customers_history') FROM hostile.answer($$INSERT INTO trap (id, status, updated_at) VALUES (1, 'x', now()); UPDATE trap SET status = 'y'$$) a;
CREATE TRIGGER a BEFORE INSERT OR UPDATE ON trap_comments FOR EACH ROW EXECUTE FUNCTION ext.crm_comments_guard();
SELECT is(a.state, '55000', 'crm_comments_guard') FROM hostile.answer($$INSERT INTO trap_comments (customer_id, id, author, body, created_at, save_refused) VALUES (1, 1, 'a', 'b', now(), false); UPDATE trap_comments SET body = 'c'$$) a;
DROP TRIGGER a ON trap_comments;
CREATE TRIGGER a AFTER INSERT ON trap_comments FOR EACH ROW EXECUTE FUNCTION ext.crm_comments_version();
SELECT isnt(a.state, 'XX000', 'crm_comments_version') FROM hostile.answer($$INSERT INTO trap_comments (customer_id, id, author, body, created_at, save_refused, based_on) VALUES (1, 1, 'a', 'b', now(), false, now())$$) a;
CREATE TRIGGER a BEFORE INSERT ON trap_history FOR EACH ROW EXECUTE FUNCTION ext.crm_history_restore();
SELECT isnt(a.state, 'XX000', 'crm_history_restore') FROM hostile.answer($$INSERT INTO trap_history (customer_id, version, recorded_at, operation, db_user, earlier_pruned) VALUES (1, now(), now(), 'update', 'x', false)$$) a;
CREATE TRIGGER b BEFORE TRUNCATE ON trap FOR EACH STATEMENT EXECUTE FUNCTION ext.crm_refuse_truncate();
SELECT is(a.state, '55000', 'crm_refuse_truncate') FROM hostile.answer('TRUNCATE trap') a;
CREATE TRIGGER c AFTER INSERT ON trap FOR EACH STATEMENT EXECUTE FUNCTION ext.crm_registry_changed();
SELECT isnt(a.state, 'XX000', 'crm_registry_changed') FROM hostile.answer($$INSERT INTO trap (id, status, updated_at) VALUES (1, 'x', now())$$) a;
-- called by hand
SELECT ok(a.state IN ('39P01', '39P03'), p.proname || ' is no function to call')
FROM pg_proc p, hostile.answer(format('SELECT %s', p.oid::regprocedure)) a WHERE p.pronamespace = 'ext'::regnamespace AND p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype);
DROP TABLE trap, trap_comments, trap_history, clients;
RESET ROLE;
SET ROLE crm_hostile_owner;
SELECT crm_attach('owned.customers') \g /dev/null
RESET ROLE;

-- What the owner writes by hand, who may write everything: crm_verify() finds what contradicts the rest -----------------------

CREATE FUNCTION hostile.found_after(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE statement;
    found := EXISTS (SELECT FROM ext.crm_verify());
    RAISE SQLSTATE 'ZZ999';
EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
    RETURN found;
END $$;
SET ROLE crm_hostile_owner;
SELECT crm_update_customer(i, updated_at, 'won', 'Signed', 'ana') FROM customers, generate_series(10, 14) i WHERE id = i \g /dev/null
UPDATE customers SET phone = '1' WHERE id BETWEEN 10 AND 14;
SELECT is_empty('SELECT * FROM crm_verify()', 'before, crm_verify() finds nothing');
SELECT is(hostile.found_after('UPDATE customer_history SET ' || change || ' WHERE customer_id = 10 AND comment_id IS NOT NULL'), expected,
          format('a forged %s is %s', change, CASE WHEN expected THEN 'found' ELSE 'not found: nothing contradicts it' END))
FROM (VALUES ('status_to = ''lost''', true), ('status_from = ''lost''', true), ('version = version - interval ''1 day''', true), ('previous = previous - interval ''1 ms''', true),
             ('previous = NULL', true), ('comment_id = 4711', true), ('customer_id = 4711', true), ('operation = ''delete''', false), ('author = ''boss''', false), ('db_user = ''boss''', false),
             ('recorded_at = recorded_at - interval ''1 day''', false), ('earlier_pruned = true', true), ('fields = ''{}''', false)) c (change, expected);
SELECT ok(hostile.found_after(statement), 'found: ' || statement)
FROM (VALUES ($$DELETE FROM customer_history WHERE customer_id = 10 AND comment_id IS NOT NULL$$),
             ($$DELETE FROM customer_history WHERE customer_id = 10 AND version = (SELECT updated_at FROM customers WHERE id = 10)$$),
             ($$INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user) SELECT 10, now() + interval '1 hour', updated_at, now(), 'update', 'me' FROM customers WHERE id = 10$$),
             ($$UPDATE customer_history SET request = '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11', based_on = '2001-01-01' WHERE customer_id = 10$$),
             ($$ALTER TABLE customers DISABLE TRIGGER USER; UPDATE customers SET updated_at = updated_at + interval '1 s' WHERE id = 10; ALTER TABLE customers ENABLE TRIGGER USER$$),
             ($$ALTER TABLE customers DISABLE TRIGGER USER; UPDATE customers SET status = 'forged' WHERE id = 10; ALTER TABLE customers ENABLE TRIGGER USER$$),
             ($$ALTER TABLE customers DISABLE TRIGGER USER; DELETE FROM customers WHERE id = 20; ALTER TABLE customers ENABLE TRIGGER USER$$),
             ($$INSERT INTO comments (customer_id, author, body, created_at, adopted_version) VALUES (10, 'a', 'b', '2001-01-01', now() + interval '1 hour')$$),
             ($$ALTER TABLE comments DISABLE TRIGGER USER; DELETE FROM comments WHERE customer_id = 10; ALTER TABLE comments ENABLE TRIGGER USER$$)) s (statement);
SELECT is_empty('SELECT * FROM crm_verify()', 'afterwards, crm_verify() finds nothing');
RESET ROLE;
SELECT * FROM finish();
