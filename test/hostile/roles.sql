-- One session that takes one role after the other: what a call may do, and what it shows, depends on the role of the moment
-- alone, whatever was prepared for the one before. And views, whose rights are their owners'.
SELECT no_plan();

CREATE ROLE crm_hostile_reader;
CREATE ROLE crm_hostile_tenant;
CREATE ROLE crm_hostile_nobody;
CREATE ROLE crm_hostile_lender;
INSERT INTO customers (id, name, status, phone) VALUES (1, 'Acme', 'new', 'phone'), (2, 'Bolt', 'new', 'phone');
SELECT crm_update_customer(id, updated_at, 'called', 'Called', 'ana') FROM customers ORDER BY id \g /dev/null
SELECT crm_lock_customer(2::bigint, 'ana', '1 day') \g /dev/null
GRANT USAGE ON SCHEMA crm TO crm_hostile_user, crm_hostile_reader, crm_hostile_tenant, crm_hostile_lender;
-- everything but ownership; reading alone; everything, of customer 1 alone; nothing
GRANT SELECT, UPDATE, INSERT ON customers, comments TO crm_hostile_user, crm_hostile_tenant, crm_hostile_lender;
GRANT SELECT ON customer_history TO crm_hostile_user, crm_hostile_tenant, crm_hostile_lender;
GRANT SELECT (id, status, updated_at) ON customers TO crm_hostile_reader;
GRANT SELECT ON comments TO crm_hostile_reader;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON customers TO crm_hostile_user, crm_hostile_reader, crm_hostile_lender USING (true);
CREATE POLICY everybody ON comments TO crm_hostile_user, crm_hostile_reader, crm_hostile_lender USING (true);
CREATE POLICY tenant ON customers TO crm_hostile_tenant USING (id = 1);
CREATE POLICY tenant ON comments TO crm_hostile_tenant USING (customer_id = 1);

CREATE TABLE hostile.call (n serial, statement text, by_user text, by_reader text, by_tenant text, by_nobody text DEFAULT '42501');
INSERT INTO hostile.call (statement, by_user, by_reader, by_tenant) VALUES
    ($$SELECT outcome FROM crm_update_customer(2, hostile.current(2), 'won', 'words', 'ana')$$, '00000 updated', '42501', '00000 not_found'),
    ($$SELECT outcome FROM crm_update_customer(2, '2001-01-01', 'won', 'words', 'ana', fields => '{"phone": "1"}')$$, '00000 conflict', '42501', '00000 not_found'),
    ($$SELECT outcome FROM crm_update_customer(1, hostile.current(1), 'won', 'words', 'ana', fields => '{"phone": "1"}')$$, '00000 updated', '42501', '00000 updated'),
    ($$SELECT outcome FROM crm_update_customer(2, hostile.current(2), 'won', NULL, 'ben')$$, '00000 locked', '42501', '00000 not_found'),
    ($$SELECT string_agg(k, ' ' ORDER BY k) FROM crm_update_customer(1, '2001-01-01', 'won', NULL, 'ana'), jsonb_object_keys(detail->'current') k$$, '00000 email id name phone status updated_at', '42501', '00000 email id name phone status updated_at'),
    ($$SELECT crm_get_customer(2::bigint)->'customer' ? 'phone'$$, '00000 true', '00000 false', '00000'),
    ($$SELECT crm_get_customer(1::bigint)->'customer' ? 'phone'$$, '00000 true', '00000 false', '00000 true'),
    ($$SELECT crm_get_customer(1::bigint, now()) #>> '{customer,status}'$$, '00000 called', '42501', '00000 called'),
    ($$SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM crm_timeline(2::bigint)$$, '00000 change comment', '00000 comment', '00000'),
    ($$SELECT crm_export_comments(2::bigint) ~ 'Called'$$, '00000 true', '00000 true', '00000'),
    ($$SELECT crm_add_comment(2::bigint, 'words', 'ana') > 0$$, '00000 true', '42501', '42501'),
    ($$SELECT outcome FROM crm_lock_customer(2::bigint, 'ben')$$, '00000 locked', '42501', '00000 not_found'),
    ($$SELECT count(*) FROM crm_locks$$, '00000 1', '00000 1', '00000 0'),
    ($$SELECT crm_erase_customer(1::bigint)$$, '42501', '42501', '42501'),
    ($$UPDATE customers SET phone = '2' WHERE id = 2 RETURNING 'updated'$$, '00000 updated', '42501', '00000');
UPDATE hostile.call SET by_nobody = '00000 0' WHERE statement ~ 'crm_locks';
UPDATE hostile.call SET by_nobody = '42P01' WHERE statement ~ '^UPDATE';
GRANT SELECT ON hostile.call TO PUBLIC;

-- Takes turns in an order that a generator makes, so that every call follows every other, by every role.
CREATE TABLE hostile.turn (turn int, who text, n int, got text, expected text);
CREATE FUNCTION hostile.take_turns(turns int, how text, tenant_is text DEFAULT 'tenant') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    state bigint := 20260105;
    who text;
    c hostile.call;
    a record;
BEGIN
    FOR turn IN 1..turns LOOP
        state := (state * 1103515245 + 12345) % 2147483648;
        who := (ARRAY['user', 'reader', 'tenant', 'nobody'])[1 + (state / 65536) % 4];
        state := (state * 1103515245 + 12345) % 2147483648;
        SELECT * INTO c FROM hostile.call WHERE n = 1 + (state / 65536) % (SELECT count(*) FROM hostile.call);
        EXECUTE format(how, 'crm_hostile_' || who);
        SELECT * INTO a FROM hostile.undone(c.statement);
        EXECUTE format(how, 'postgres');
        INSERT INTO hostile.turn VALUES (turn, who, c.n, concat_ws(' ', a.state, a.result), to_jsonb(c)->>('by_' || CASE who WHEN 'tenant' THEN tenant_is ELSE who END));
    END LOOP;
END $$;
SELECT hostile.take_turns(400, 'SET LOCAL ROLE %I') \g /dev/null
SELECT hostile.take_turns(400, 'SET LOCAL SESSION AUTHORIZATION %I') \g /dev/null
-- without row security, which the direct access path leaves to statements, the tenant is a user like any other
ALTER TABLE customers DISABLE ROW LEVEL SECURITY;
ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
SELECT hostile.take_turns(400, 'SET LOCAL ROLE %I', 'user') \g /dev/null
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
SELECT hostile.take_turns(400, 'SET LOCAL ROLE %I') \g /dev/null
ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
SELECT is((SELECT count(*) FROM hostile.turn t WHERE t.n = c.n AND got IS DISTINCT FROM expected), 0::bigint, 'in turns: ' || statement) FROM hostile.call c ORDER BY n;
SELECT diag(format('turn %s, %s: %s: %s instead of %s', turn, who, statement, got, expected)) FROM hostile.turn t JOIN hostile.call c USING (n) WHERE got IS DISTINCT FROM expected ORDER BY turn LIMIT 10;
SELECT is((SELECT count(DISTINCT (who, n)) FROM hostile.turn), (SELECT 4 * count(*) FROM hostile.call), 'everybody had a turn with everything');

-- Rights that are given and taken between two calls.
CREATE FUNCTION hostile.as_role(who text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a record;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    SELECT * INTO a FROM hostile.undone(statement);
    SET LOCAL ROLE postgres;
    RETURN concat_ws(' ', a.state, a.result);
END $$;
-- Since 16 whether rights are inherited belongs to the grant.
SELECT CASE WHEN inherits THEN 'GRANT crm_hostile_lender TO crm_hostile_user WITH INHERIT FALSE' ELSE 'ALTER ROLE crm_hostile_user NOINHERIT' END AS without_inherit,
       CASE WHEN inherits THEN 'GRANT crm_hostile_lender TO crm_hostile_user WITH INHERIT TRUE' ELSE 'ALTER ROLE crm_hostile_user INHERIT' END AS with_inherit
FROM (SELECT current_setting('server_version_num')::int >= 160000) v (inherits) \gset
CREATE TABLE hostile.step (n serial, change text, expected text);
INSERT INTO hostile.step (change, expected) VALUES
    ('SELECT 1', '00000 updated'), ('REVOKE UPDATE ON customers FROM crm_hostile_user', '42501'), ('GRANT UPDATE (status) ON customers TO crm_hostile_user', '00000 updated'),
    ('REVOKE INSERT ON comments FROM crm_hostile_user', '42501'), ('GRANT crm_hostile_lender TO crm_hostile_user', '00000 updated'),
    (:'without_inherit', '42501'), (:'with_inherit', '00000 updated'), ('REVOKE crm_hostile_lender FROM crm_hostile_user', '42501'),
    ('GRANT INSERT ON comments TO PUBLIC', '00000 updated'), ('REVOKE USAGE ON SCHEMA crm FROM crm_hostile_user', '42501'), ('GRANT USAGE ON SCHEMA crm TO crm_hostile_user', '00000 updated'),
    ('REVOKE SELECT (status) ON customers FROM crm_hostile_user', '00000 updated'), ('REVOKE SELECT ON customers FROM crm_hostile_user', '42501'), ('GRANT SELECT (id, status, updated_at) ON customers TO crm_hostile_user', '00000 updated'),
    ('DROP POLICY everybody ON customers', '00000 not_found'), ('CREATE POLICY everybody ON customers TO crm_hostile_user USING (true) WITH CHECK (status <> ''won'')', '42501'),
    ('ALTER ROLE crm_hostile_user BYPASSRLS', '00000 updated'), ('ALTER ROLE crm_hostile_user NOBYPASSRLS', '42501'), ('ALTER TABLE customers DISABLE ROW LEVEL SECURITY', '00000 updated'),
    ('REVOKE UPDATE (status) ON customers FROM crm_hostile_user', '42501'), ('GRANT UPDATE (status) ON customers TO crm_hostile_user', '00000 updated'),
    ('REVOKE INSERT ON comments FROM PUBLIC', '42501'), ('GRANT INSERT (author, body) ON comments TO crm_hostile_user', '42501'),
    ('GRANT INSERT (customer_id) ON comments TO crm_hostile_user', '00000 updated'),
    ('REVOKE SELECT (id) ON customers FROM crm_hostile_user', '42501'), ('GRANT SELECT (id) ON customers TO crm_hostile_user', '00000 updated'),
    ('REVOKE SELECT (updated_at) ON customers FROM crm_hostile_user', '42501'), ('GRANT crm_hostile_lender TO crm_hostile_user', '00000 updated'),
    ('REVOKE crm_hostile_lender FROM crm_hostile_user', '42501'), ('GRANT SELECT (updated_at) ON customers TO crm_hostile_user', '00000 updated'),
    ('REVOKE EXECUTE ON FUNCTION crm_update_customer FROM PUBLIC', '42501'), ('GRANT EXECUTE ON FUNCTION crm_update_customer TO PUBLIC', '00000 updated'),
    ('ALTER TABLE comments SET SCHEMA hostile', '00000 updated'), ('REVOKE USAGE ON SCHEMA hostile FROM PUBLIC', '42501'), ('GRANT USAGE ON SCHEMA hostile TO PUBLIC', '00000 updated'),
    ('ALTER TABLE hostile.comments SET SCHEMA crm', '00000 updated');
CREATE FUNCTION tap.as_user_without_hostile() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    version timestamptz := hostile.current(1);
    outcome text;
BEGIN
    BEGIN
        SET LOCAL ROLE crm_hostile_user;
        SELECT s.outcome INTO outcome FROM ext.crm_update_customer(1, version, 'won', 'words', 'ana') s;
        RAISE SQLSTATE 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
        outcome := '00000 ' || outcome;
    WHEN OTHERS THEN
        outcome := SQLSTATE;
    END;
    RETURN outcome;
END $$;
CREATE FUNCTION tap.steps() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s hostile.step;
BEGIN
    FOR s IN SELECT * FROM hostile.step ORDER BY n LOOP
        EXECUTE s.change;
        RETURN NEXT tap.is(tap.as_user_without_hostile(), s.expected, s.change);
    END LOOP;
END $$;
SELECT * FROM tap.steps();
GRANT SELECT, UPDATE ON customers TO crm_hostile_user;
GRANT INSERT ON comments TO crm_hostile_user;

-- A function that lends its owner's rights lends them for its own time.
CREATE FUNCTION hostile.lent(statement text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = crm, ext, hostile, pg_temp AS $$
DECLARE
    outcome text;
BEGIN
    EXECUTE statement INTO outcome;
    RETURN outcome;
END $$;
ALTER FUNCTION hostile.lent OWNER TO crm_hostile_lender;
SELECT is(hostile.as_role('crm_hostile_nobody', c.statement), c.expected, 'lent and not lent: ' || c.statement)
FROM (VALUES ($$SELECT outcome FROM crm_update_customer(1, hostile.current(1), 'won', 'words', 'ana')$$, '42501'),
             ($$SELECT hostile.lent('SELECT outcome FROM crm_update_customer(1, hostile.current(1), ''won'', ''words'', ''ana'')')$$, '00000 updated'),
             ($$SELECT outcome FROM crm_update_customer(1, hostile.current(1), 'won', 'words', 'ana')$$, '42501'),
             ($$SELECT hostile.lent('SELECT crm_get_customer(1::bigint)->''customer'' ? ''phone''')$$, '00000 true'),
             ($$SELECT crm_get_customer(1::bigint)$$, '42501')) c (statement, expected);

-- Views ------------------------------------------------------------------------------------------------------------------

CREATE VIEW hostile.mine WITH (security_barrier) AS SELECT * FROM customers WHERE id = 1 WITH CHECK OPTION;
CREATE VIEW hostile.everyones AS SELECT id, status, updated_at FROM customers;
CREATE RULE status AS ON UPDATE TO hostile.everyones DO INSTEAD
    UPDATE crm.customers SET status = NEW.status WHERE id = OLD.id;
GRANT SELECT, UPDATE ON hostile.mine, hostile.everyones TO crm_hostile_nobody;
CREATE TABLE hostile.leaked (id bigint);
GRANT INSERT, SELECT ON hostile.leaked TO PUBLIC;
CREATE FUNCTION hostile.leak(id bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN INSERT INTO hostile.leaked VALUES (id); RETURN true; END $$;
SELECT is(a.state, '42809', 'a view is not attached') FROM hostile.answer($$SELECT crm_attach('hostile.mine')$$) a;
SET ROLE crm_hostile_nobody;
SELECT lives_ok($$UPDATE hostile.mine SET status = 'by a view' WHERE hostile.leak(id)$$, 'a view is updated by who may update it');
SELECT throws_ok($$UPDATE hostile.mine SET updated_at = '2001-01-01', id = 3$$, '0A000', NULL, 'a key is not changed by a view');
SELECT lives_ok($$UPDATE hostile.everyones SET status = 'by a rule' WHERE id = 2$$, 'a rule writes');
SELECT is(a.state, '42501', 'a view is no way to the functions') FROM hostile.answer($$SELECT crm_update_customer(1, now(), 'x', NULL, 'eve')$$) a;
RESET ROLE;
SELECT is((SELECT string_agg(DISTINCT id::text, ' ') FROM hostile.leaked), '1', 'a function in the condition of a security-barrier view sees no hidden row');
SELECT is((SELECT array_agg(status_to ORDER BY customer_id) FROM customer_history h JOIN customers c ON h.customer_id = c.id AND h.version = c.updated_at), '{by a view,by a rule}', 'what is written by views has versions and history');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'ext'::regnamespace AND proleakproof$$, 'no function says that it shows nothing of its arguments');
-- functions of ours in the condition: none is called for a hidden row
GRANT INSERT, SELECT ON comments TO crm_hostile_nobody;
GRANT USAGE ON SCHEMA crm TO crm_hostile_nobody;
ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
SET ROLE crm_hostile_nobody;
SELECT is((SELECT count(*) FROM hostile.mine WHERE crm_add_comment(id, 'By a condition', 'eve') > 0), 1::bigint, 'a comment is added to each row that is seen');
RESET ROLE;
SELECT is((SELECT string_agg(customer_id::text, ' ') FROM comments WHERE body = 'By a condition'), '1', 'and to no other');
SELECT is_empty('SELECT * FROM crm_verify()', 'crm_verify() finds nothing');
SELECT * FROM finish();
