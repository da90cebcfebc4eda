-- Row security for tenants: no call of one tenant shows, or changes, anything of another's customers, and it answers to
-- them as to customers that never were. The odd customers are ours.
SELECT no_plan();

CREATE ROLE crm_hostile_owner;
CREATE SCHEMA tenants AUTHORIZATION crm_hostile_owner;
SET search_path = tenants, ext, hostile, tap;
SET ROLE crm_hostile_owner;
SELECT crm_create_tables('tenants') \g /dev/null
ALTER TABLE customers ADD tenant int GENERATED ALWAYS AS (id % 2) STORED, ADD hidden text DEFAULT 'SECRET', ADD CHECK (status <> 'bad'), ADD UNIQUE (email);
ALTER TABLE comments ADD CHECK (body <> 'bad');
INSERT INTO customers (id, name, status, email, updated_at) VALUES
    (1, 'Ours', 'new', 'ours', '2026-01-05 10:00:00+00'), (3, 'Ours, deleted', 'new', NULL, '2026-01-05 10:00:00+00'),
    (2, 'SECRET name', 'SECRET status', 'SECRET email', '2026-01-05 10:00:00+00'), (4, 'SECRET deleted', 'SECRET', NULL, '2026-01-05 10:00:00+00');
SELECT crm_update_customer(id, updated_at, 'SECRET too', 'SECRET comment', 'SECRET author'),
       crm_update_customer(id, '2026-01-05 10:00:00+00', 'x', 'SECRET refused', 'SECRET refused author'),
       crm_lock_customer(id, 'SECRET locker', '1 day')
FROM customers WHERE id IN (2, 4) ORDER BY id \g /dev/null
SELECT crm_update_customer(id, updated_at, 'called', 'Our comment', 'ana') FROM customers WHERE id IN (1, 3) ORDER BY id \g /dev/null
DELETE FROM customers WHERE id IN (3, 4);
SELECT id AS theirs FROM comments WHERE customer_id = 2 ORDER BY id LIMIT 1 \gset
ALTER TABLE customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE customer_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON customers USING (id % 2 = current_setting('app.tenant')::int);
CREATE POLICY tenant ON comments USING (customer_id % 2 = current_setting('app.tenant')::int);
CREATE POLICY tenant ON customer_history USING (customer_id % 2 = current_setting('app.tenant')::int);
RESET ROLE;
GRANT USAGE ON SCHEMA tenants TO crm_hostile_user;
GRANT SELECT (id, name, status, email, updated_at), UPDATE (status, name, email), INSERT (id, status, email), DELETE ON customers TO crm_hostile_user;
GRANT SELECT, INSERT ON comments TO crm_hostile_user;
GRANT SELECT ON customer_history TO crm_hostile_user;

-- %N is a customer, %V its version where it has one.
CREATE TABLE hostile.call (n serial, statement text);
INSERT INTO hostile.call (statement) VALUES
    ($$SELECT s FROM crm_update_customer(%N, %V, 'stolen', NULL, 'eve') s$$),
    ($$SELECT s FROM crm_update_customer(%N, %V, 'stolen', 'words', 'eve') s$$),
    ($$SELECT s FROM crm_update_customer(%N, %V, NULL, NULL, 'eve', fields => '{"name": "stolen"}') s$$),
    ($$SELECT s FROM crm_update_customer(%N, '2026-01-05 10:00:00+00', 'stolen', NULL, 'eve') s$$),
    ($$SELECT s FROM crm_update_customer(%N, '2026-01-05 10:00:00+00', 'stolen', 'words', 'eve') s$$),
    ($$SELECT s FROM crm_update_customer(%N, '2026-01-05 10:00:00+00', 'SECRET too', 'SECRET comment', 'SECRET author') s$$),
    ($$SELECT s FROM crm_update_customer(%N, '2026-01-05 10:00:00+00', 'x', 'SECRET refused', 'SECRET refused author') s$$),
    ($$SELECT s FROM crm_update_customer(%N, '2026-01-05 10:00:00+00', 'x', NULL, 'eve', merge => true, fields => '{"name": "stolen"}') s$$),
    ($$SELECT s FROM crm_update_customer(%N, %V, NULL, 'words', 'eve', reply_to => :theirs) s$$),
    ($$SELECT s FROM crm_update_customer_by_key('%N', 'infinity', 'stolen', NULL, 'eve') s$$),
    ($$SELECT array_agg(s) FROM crm_update_customers('[{"id": %N, "author": "eve", "expected_ts": "2026-01-05T10:00:00Z", "status": "stolen", "comment": "words"}]') s$$),
    ($$SELECT array_agg(s) FROM crm_update_records('[{"id": %N, "operation": "check", "expected_ts": "2026-01-05T10:00:00Z"}]') s$$),
    ($$SELECT array_agg(s) FROM crm_update_records('[{"id": %N, "author": "eve", "expected_ts": "2026-01-05T10:00:00Z", "comment": "words", "table": "customers"}]', true) s$$),
    ($$SELECT crm_get_customer(%N)$$),
    ($$SELECT crm_get_customer_by_key('%N')$$),
    ($$SELECT crm_get_customer(%N, '2026-01-05 10:00:00+00')$$),
    ($$SELECT array_agg(t) FROM crm_timeline(%N) t$$),
    ($$SELECT array_agg(t) FROM crm_timeline_by_key('%N', 1000, 'infinity') t$$),
    ($$SELECT crm_export_comments(%N)$$),
    ($$SELECT crm_lock_customer(%N, 'eve')$$),
    ($$SELECT crm_lock_customer(%N, 'SECRET locker')$$),
    ($$SELECT crm_unlock_customer(%N, '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')$$),
    ($$SELECT crm_unlock_customer(%N, NULL, force => true, author => 'eve')$$),
    ($$SELECT array_agg(l) FROM crm_locks l WHERE key = '%N'$$),
    ($$SELECT array_agg(v) FROM crm_verify(%N) v$$),
    ($$SELECT crm_erase_customer(%N)$$),
    ($$SELECT crm_import_comments(%N, '[12/15/2024, 3:45:23 PM] eve: forged')$$),
    ($$UPDATE customers SET status = 'stolen' WHERE id = %N RETURNING status$$),
    ($$DELETE FROM customers WHERE id = %N RETURNING status$$),
    ($$INSERT INTO comments (customer_id, author, body) VALUES (%N, 'eve', 'words') RETURNING body$$),
    ($$INSERT INTO comments (customer_id, author, body, reply_to) VALUES (%N, 'eve', 'words', :theirs) RETURNING body$$),
    ($$SELECT crm_add_comment(%N, 'words', 'eve')$$),
    ($$SELECT crm_add_comment(%N, 'SECRET comment', 'SECRET author')$$);
UPDATE hostile.call SET statement = replace(statement, ':theirs', :'theirs');
GRANT SELECT ON hostile.call TO PUBLIC;

CREATE TABLE hostile.answers (who text, n int, customer int, state text, result text, message text);

CREATE PROCEDURE hostile.call_all(who text, called int[]) LANGUAGE plpgsql AS $$
DECLARE
    c record;
    a record;
    customer int;
    version text;
BEGIN
    FOR c IN SELECT * FROM hostile.call ORDER BY n LOOP
        FOREACH customer IN ARRAY called LOOP
            version := coalesce((SELECT quote_literal(updated_at) FROM tenants.customers WHERE id = customer), 'now()');
            EXECUTE format('SET LOCAL ROLE %I', who);
            SELECT * INTO a FROM hostile.undone(replace(replace(c.statement, '%N', customer::text), '%V', version));
            RESET ROLE;
            INSERT INTO hostile.answers VALUES (who, c.n, customer, a.state, a.result, a.message);
        END LOOP;
    END LOOP;
END $$;

-- What is shown without naming what was named in the call.
CREATE FUNCTION hostile.shown(a hostile.answers) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(concat_ws(' ', a.state, a.result, a.message), '\m' || a.customer || '\M', 'N', 'g'), '\d+[-:.][-:.\d]+', 'T', 'g')
$$;

SET app.tenant = 1;
-- 6 never was, 4 is deleted
CALL hostile.call_all('crm_hostile_user', ARRAY[1, 2, 3, 4, 6]);
CALL hostile.call_all('crm_hostile_owner', ARRAY[2, 4, 6]);

SELECT is_empty(format($$SELECT replace(statement, '%%N', customer::text), a.state, a.result, a.message FROM hostile.answers a JOIN hostile.call c USING (n)
                         WHERE who = %L AND concat(a.result, a.message) ~ 'SECRET' AND customer %% 2 = 0$$, who), who || ' is shown nothing of others')
FROM (SELECT DISTINCT who FROM hostile.answers) w;
SELECT is((SELECT string_agg(n::text, ' ' ORDER BY n) FROM hostile.answers WHERE customer = 1 AND who = 'crm_hostile_user' AND state <> '00000'), '9 16 23 25 26 27 31',
          'one''s own is not hidden');
SELECT is(hostile.shown(a), hostile.shown(never), format('%s, customer %s as if it never was: %s', a.who, a.customer, left(statement, 80)))
FROM hostile.answers a JOIN hostile.answers never ON never.n = a.n AND never.who = a.who AND never.customer = 6 JOIN hostile.call c ON c.n = a.n
WHERE a.customer IN (2, 4) ORDER BY a.who, a.n, a.customer;

-- One call of a tenant.
CREATE FUNCTION hostile.as_user(statement text, OUT state text, OUT result text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE crm_hostile_user;
    SELECT a.state, a.result, a.message INTO state, result, message FROM hostile.undone(statement) a;
    RESET ROLE;
END $$;

-- Guesses at what others have just written find nothing.
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'Just said'), (2, 'SECRET author', 'SECRET, just said');
SET crm_concurrency.repeated_comment_window = '365d';
SELECT is(a.result, (SELECT max(id)::text FROM comments WHERE body = 'Just said'), 'one''s own double click is found') FROM hostile.as_user($$SELECT crm_add_comment(1::bigint, 'Just said', 'ana')$$) a;
SELECT is(a.state, '42501', 'that of another is not') FROM hostile.as_user($$SELECT crm_add_comment(2::bigint, 'SECRET, just said', 'SECRET author')$$) a;
RESET crm_concurrency.repeated_comment_window;

-- What a policy for some commands leaves visible may be seen, and nothing else; what it forbids is not done.
CREATE FUNCTION hostile.policies(VARIADIC policies text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    policy text;
BEGIN
    FOR policy IN SELECT format('DROP POLICY %I ON tenants.customers', polname) FROM pg_policy WHERE polrelid = 'tenants.customers'::regclass LOOP
        EXECUTE policy;
    END LOOP;
    FOREACH policy IN ARRAY policies LOOP
        EXECUTE format('CREATE POLICY %I ON tenants.customers %s', md5(policy), policy);
    END LOOP;
END $$;
CREATE TABLE hostile.ways (way text, statement text);
INSERT INTO hostile.ways VALUES
    ('save', $$SELECT outcome FROM crm_update_customer(2, hostile.current_of(2), 'stolen', 'words', 'eve')$$),
    ('stale save', $$SELECT outcome FROM crm_update_customer(2, '2026-01-05 10:00:00+00', 'stolen', NULL, 'eve')$$),
    ('stale save with a comment', $$SELECT outcome FROM crm_update_customer(2, '2026-01-05 10:00:00+00', 'stolen', 'words', 'eve')$$),
    ('lock', $$SELECT outcome FROM crm_lock_customer(2::bigint, 'eve')$$),
    ('plain', $$UPDATE customers SET status = 'stolen' WHERE id = 2 RETURNING 'updated'$$);
CREATE FUNCTION hostile.current_of(customer bigint) RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS $$ SELECT updated_at FROM tenants.customers WHERE id = customer $$;

SELECT hostile.policies('FOR SELECT USING (id % 2 = current_setting(''app.tenant'')::int)', 'FOR UPDATE USING (true)') \g /dev/null
SELECT is(concat_ws(' ', a.state, a.result), CASE way WHEN 'plain' THEN '00000' ELSE '00000 not_found' END, 'a policy for SELECT alone: ' || way)
FROM hostile.ways, hostile.as_user(statement) a;
SELECT hostile.policies('FOR SELECT USING (true)', 'FOR UPDATE USING (id % 2 = current_setting(''app.tenant'')::int)') \g /dev/null
SELECT is(concat_ws(' ', a.state, a.result), CASE way WHEN 'plain' THEN '00000' WHEN 'stale save' THEN '00000 conflict' ELSE '42501' END, 'a policy for UPDATE alone: ' || way)
FROM hostile.ways, hostile.as_user(statement) a;
SELECT ok(NOT coalesce(a.message, '') ~ 'SECRET', 'a policy for UPDATE alone shows nothing by an error: ' || way) FROM hostile.ways, hostile.as_user(statement) a;
SELECT hostile.policies('USING (id % 2 = current_setting(''app.tenant'')::int) WITH CHECK (status <> ''forbidden'')') \g /dev/null
SELECT is(a.state || ' ' || a.message, '42501 new row violates row-level security policy for table "customers"' || E'\n\n', 'a policy for new rows')
FROM hostile.as_user($$SELECT outcome FROM crm_update_customer(1, hostile.current_of(1), 'forbidden', 'words', 'eve')$$) a;
-- a policy that asks a table, whose rows its author may read and the caller may not
CREATE TABLE hostile.members (name name, tenant int);
INSERT INTO hostile.members VALUES ('crm_hostile_user', 1);
CREATE FUNCTION hostile.is_member(tenant int) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
AS $$ SELECT EXISTS (SELECT FROM hostile.members m WHERE m.name = session_user AND m.tenant = is_member.tenant) $$;
SELECT hostile.policies('USING (hostile.is_member(id::int % 2))') \g /dev/null
SELECT is(concat_ws(' ', a.state, a.result), CASE way WHEN 'plain' THEN '00000' ELSE '00000 not_found' END, 'a policy by a function: ' || way)
FROM hostile.ways, hostile.as_user(statement) a;

-- A policy on the customers alone hides what belongs to them as well, as far as the functions show it.
ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
ALTER TABLE customer_history DISABLE ROW LEVEL SECURITY;
SELECT hostile.policies('USING (id % 2 = current_setting(''app.tenant'')::int)') \g /dev/null
SELECT is(concat_ws(' ', a.state, a.result), '00000' || coalesce(' ' || expected, ''), 'a policy on the customers alone: ' || statement)
FROM (VALUES ($$SELECT outcome FROM crm_update_customer(2, '2026-01-05 10:00:00+00', 'SECRET too', 'SECRET comment', 'SECRET author')$$, 'not_found'),
             ($$SELECT outcome FROM crm_update_customer(4, '2026-01-05 10:00:00+00', 'x', 'words', 'eve')$$, 'not_found'),
             ($$SELECT outcome FROM crm_lock_customer(4::bigint, 'eve')$$, 'not_found'), ($$SELECT crm_get_customer(2::bigint)$$, NULL),
             ($$SELECT crm_get_customer(2::bigint, '2026-01-05 10:00:00+00')$$, NULL), ($$SELECT crm_get_customer(4::bigint, '2026-01-05 10:00:00+00')$$, NULL),
             ($$SELECT crm_export_comments(2::bigint)$$, NULL), ($$SELECT count(*) FROM crm_locks$$, '0'),
             ($$SELECT count(*) > 0 FROM crm_timeline(2::bigint)$$, 'false')) c (statement, expected), hostile.as_user(statement) a;

-- The DETAIL of a violated constraint shows no column that may not be read; there is no row security that hides it all.
ALTER TABLE customers DISABLE ROW LEVEL SECURITY;
SELECT ok(a.state = '23514' AND a.message ~ 'status' AND NOT a.message ~ 'SECRET', 'a violated constraint, ' || way)
FROM (VALUES ('save', $$SELECT crm_update_customer(1, hostile.current_of(1), 'bad', NULL, 'eve')$$),
             ('save of a field', $$SELECT crm_update_customer(1, hostile.current_of(1), 'bad', NULL, 'eve', fields => '{"name": "x"}')$$),
             ('plain', $$UPDATE customers SET status = 'bad' WHERE id = 1$$)) w (way, statement), hostile.as_user(statement) a;

SELECT is((SELECT count(*) FROM customers WHERE status = 'stolen'), 0::bigint, 'nothing was changed');
SELECT is_empty('SELECT * FROM crm_verify()', 'crm_verify() finds nothing');
SELECT * FROM finish();
